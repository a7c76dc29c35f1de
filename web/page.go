package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

//go:embed survey.html
var surveyHTML string

//go:embed survey.css
var surveyCSS string

var surveyPage = template.Must(template.New("survey").Parse(surveyHTML))

// headers of every page: it loads nothing, runs nothing, is shown within no other, kept nowhere, found by no search, and tells
// nobody its address.
var headers = func() map[string]string {
	sum := sha256.Sum256([]byte(surveyCSS))
	return map[string]string{
		fiber.HeaderContentSecurityPolicy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		fiber.HeaderReferrerPolicy:      "no-referrer",
		fiber.HeaderCacheControl:        "no-store",
		fiber.HeaderXContentTypeOptions: "nosniff",
		"X-Robots-Tag":                  "noindex, nofollow",
		fiber.HeaderVary:                fiber.HeaderAcceptLanguage,
	}
}()

// page is what the template shows.
type page struct {
	Kind      string // questions, or why there are none
	Lang, Dir string
	Title     string
	Message   string
	Token     string
	Languages []tongue
	T         map[string]string
	CSS       template.CSS

	Step      int
	Kept      string // answers to the other steps, as JSON, of an anonymous programme
	Anonymous bool
	Intro     string
	Questions []field
	Problems  []said
	Done      int // per cent
	Back      bool
	Last      bool
}

// tongue is a language to switch to: by a link, or with Button by the form, which brings along what was written.
type tongue struct {
	Code, Name, Dir string
	Here, Button    bool
}

// said is what is wrong, and with what.
type said struct{ ID, Text, Label string }

// field is a question as it is shown.
type field struct {
	ID, Name, Kind string
	Label, Hint    string
	Optional       bool
	Error          string
	Described      string // ids of what belongs to it
	Value          string
	MaxLength      int
	Choices        []choice // of one, or of several
	Ends           []string // labels of single levels
	Rows           []field  // of a matrix or a ranking
	Unsure         *choice
}

// choice is a radio button, a check box or an option of a list.
type choice struct {
	ID, Name, Value, Label string
	Checked, Wide          bool
}

// send writes a page.
func send(c *fiber.Ctx, status int, p page) error {
	p.T, p.CSS, p.Dir = texts[p.Lang], template.CSS(surveyCSS), direction(p.Lang)
	if p.Title == "" {
		p.Title = p.T["survey"]
	}
	if p.Kind != "questions" && p.Message == "" {
		p.Message = p.T[p.Kind]
	}
	var b bytes.Buffer
	if err := surveyPage.Execute(&b, p); err != nil {
		return fault.Newf(fault.Internal, "write the page of a survey: %w", err)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Status(status).Send(b.Bytes())
}

func direction(lang string) string {
	if lang == "en" {
		return "ltr"
	}
	return "rtl"
}

// languages to switch to.
func languages(lang string, button bool) (all []tongue) {
	for _, l := range form.Languages {
		all = append(all, tongue{Code: l, Name: texts[l]["name"], Dir: direction(l), Here: l == lang, Button: button})
	}
	return all
}

// page of a step. typed is what the person wrote, right or wrong; nil for the answers that are kept.
func (p *paper) page(token string, step int, typed url.Values, problems []problem) page {
	if typed == nil {
		typed = written(p.q, p.answers)
	}
	x := page{Kind: "questions", Lang: p.lang, Title: p.q.Title.In(p.lang), Token: token, Step: step,
		Anonymous: p.asked.Invitation.Anonymous,
		Languages: languages(p.lang, true)}
	if p.nearest(0, 1) == step && step < p.end() {
		x.Intro = p.q.Intro.In(p.lang)
	} else {
		x.Back = true
	}
	before := 0
	for _, s := range p.steps[:step] {
		before += len(s)
	}
	x.Done = 100 * before / len(p.q.Questions)
	x.Last = p.last(step)
	if x.Anonymous {
		x.Kept = p.kept(step)
	}
	for _, q := range p.shown(step) {
		x.Questions = append(x.Questions, p.field(q, typed, problems))
	}
	for _, y := range problems {
		label := y.question.Label
		if i := slices.IndexFunc(y.question.Rows, func(r form.Option) bool { return r.Code == y.row }); i >= 0 {
			label = y.question.Rows[i].Label
		}
		x.Problems = append(x.Problems, said{fieldID(y.question, y.row), p.sentence(y), label.In(p.lang)})
	}
	return x
}

// last says whether no later step can have a question, whatever is answered in this one.
func (p *paper) last(step int) bool {
	for i := step + 1; i < len(p.steps); i++ {
		for _, x := range p.steps[i] {
			depends := slices.ContainsFunc(p.shown(step), func(y *form.Question) bool { return p.hangs(x, y) })
			if depends || p.q.Visible(p.answers)[x.Code] {
				return false
			}
		}
	}
	return true
}

// hangs says whether x can be shown or hidden by y, also through others.
func (p *paper) hangs(x, y *form.Question) bool {
	if dependsOn(x.ShowIf, y.Code) {
		return true
	}
	for i := range p.q.Questions {
		if z := &p.q.Questions[i]; z != x && dependsOn(x.ShowIf, z.Code) && p.hangs(z, y) {
			return true
		}
	}
	return false
}

// kept are the answers to the other steps.
func (p *paper) kept(step int) string {
	others := form.Answers{}
	for code, a := range p.answers {
		if step == p.end() || !slices.ContainsFunc(p.steps[step], func(x *form.Question) bool { return x.Code == code }) {
			others[code] = a
		}
	}
	b, _ := json.Marshal(others) // of strings, numbers and lists
	return string(b)
}

func fieldID(x *form.Question, part string) string {
	return strings.ReplaceAll(name(x, part), ".", "-")
}

// field shows a question.
func (p *paper) field(x *form.Question, typed url.Values, problems []problem) field {
	t := texts[p.lang]
	f := field{ID: fieldID(x, ""), Name: name(x, ""), Label: x.Label.In(p.lang), Hint: x.Hint.In(p.lang), Optional: !x.Required,
		Value: typed.Get(name(x, ""))}
	var described []string
	if f.Hint != "" {
		described = append(described, f.ID+"--hint")
	}
	for _, y := range problems {
		if y.question == x && y.row == "" {
			f.Error = p.sentence(y)
			described = append(described, f.ID+"--error")
		}
	}
	switch x.Type {
	case form.Number, form.Date, form.Words:
		f.Kind = string(x.Type)
		if f.MaxLength = x.MaxLength; f.MaxLength == 0 {
			f.MaxLength = form.MaxLength
		}
	case form.Choices:
		f.Kind, f.Choices = "several", p.choices(x, x.Options, typed)
	case form.Ranking:
		f.Kind, f.Rows = "ranking", p.places(x, typed)
	case form.Matrix:
		f.Kind = "matrix"
		for _, r := range x.Rows {
			f.Rows = append(f.Rows, p.row(x, r, typed, problems))
		}
	default:
		f.Kind, f.Choices, f.Ends = "one", p.oneOf(x, typed), p.ends(x)
		if len(f.Ends) > 0 {
			f.Kind = "scale"
			described = append(described, f.ID+"--ends")
		}
	}
	if x.DontKnow && !radios(x) {
		f.Unsure = &choice{ID: f.ID + "--unsure", Name: unsureName(x), Value: "1", Label: t["unsure"], Checked: typed.Has(unsureName(x))}
	}
	f.Described = strings.Join(described, " ")
	return f
}

// oneOf are the radio buttons of a question, in the order of the codes: a page from right to left turns them round by itself.
func (p *paper) oneOf(x *form.Question, typed url.Values) (all []choice) {
	t := texts[p.lang]
	switch x.Type {
	case form.Choice:
		all = p.choices(x, x.Options, typed)
	case form.YesNo:
		all = p.choices(x, []form.Option{{Code: "yes", Label: form.Text{p.lang: t["yes"]}},
			{Code: "no", Label: form.Text{p.lang: t["no"]}}}, typed)
	default:
		all = p.choices(x, p.levels(x), typed)
	}
	if x.DontKnow {
		all = append(all, p.choices(x, []form.Option{{Code: form.DontKnow, Label: form.Text{p.lang: t["unsure"]}}}, typed)...)
		all[len(all)-1].Wide = true
	}
	if !x.Required {
		all = append(all, choice{ID: fieldID(x, "") + "--none", Name: name(x, ""), Label: t["none"], Wide: true}) // takes an answer back
	}
	return all
}

// levels are named where all of them have a name, and numbered otherwise.
func (p *paper) levels(x *form.Question) (all []form.Option) {
	low, high, _ := x.Type.Levels()
	for n := low; n <= high; n++ {
		o := form.Option{Code: strconv.Itoa(n), Label: form.Text{p.lang: digits(p.lang, strconv.Itoa(n))}}
		if i := slices.IndexFunc(x.Options, func(o form.Option) bool { return o.Code == strconv.Itoa(n) }); i >= 0 &&
			len(x.Options) == high-low+1 {
			o.Label = x.Options[i].Label
		}
		all = append(all, o)
	}
	return all
}

// ends are the names of single levels.
func (p *paper) ends(x *form.Question) (all []string) {
	low, high, levels := x.Type.Levels()
	if !levels || len(x.Options) == high-low+1 {
		return nil
	}
	for _, o := range x.Options {
		all = append(all, digits(p.lang, o.Code)+" = "+o.Label.In(p.lang))
	}
	if len(all) == 0 {
		all = []string{digits(p.lang, strconv.Itoa(low)) + " – " + digits(p.lang, strconv.Itoa(high))}
	}
	return all
}

func (p *paper) choices(x *form.Question, options []form.Option, typed url.Values) (all []choice) {
	for _, o := range options {
		all = append(all, choice{ID: fieldID(x, o.Code), Name: name(x, ""), Value: o.Code, Label: o.Label.In(p.lang),
			Checked: slices.Contains(typed[name(x, "")], o.Code)})
	}
	return all
}

// row of a matrix.
func (p *paper) row(x *form.Question, r form.Option, typed url.Values, problems []problem) field {
	f := field{ID: fieldID(x, r.Code), Name: name(x, r.Code), Label: r.Label.In(p.lang)}
	for _, o := range p.levels(x) {
		f.Choices = append(f.Choices, choice{ID: f.ID + "-" + o.Code, Name: f.Name, Value: o.Code, Label: o.Label.In(p.lang),
			Checked: typed.Get(f.Name) == o.Code})
	}
	for _, y := range problems {
		if y.question == x && y.row == r.Code {
			f.Error, f.Described = p.sentence(y), f.ID+"--error"
		}
	}
	return f
}

// places of a ranking: for each option a list to choose its place from.
func (p *paper) places(x *form.Question, typed url.Values) (all []field) {
	for _, o := range x.Options {
		f := field{ID: fieldID(x, o.Code), Name: name(x, o.Code), Label: o.Label.In(p.lang)}
		for n := range len(x.Options) {
			place := strconv.Itoa(n + 1)
			f.Choices = append(f.Choices, choice{Value: place, Label: digits(p.lang, place), Checked: typed.Get(f.Name) == place})
		}
		all = append(all, f)
	}
	return all
}
