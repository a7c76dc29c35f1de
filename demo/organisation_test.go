package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/planar"
)

var code = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`) // as in the contract

// TestReadme_report: what the README files is answered by the demonstration with 201: its category exists and gets what it asks.
func TestReadme_report(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), `-d '{"category"`)
	body, _, _ := strings.Cut(rest, "'")
	var report struct {
		Category   string         `json:"category"`
		Attributes map[string]any `json:"attributes"`
	}
	if err := json.Unmarshal([]byte(`{"category"`+body), &report); !found || err != nil {
		t.Fatalf("the README files no report: %v", err)
	}
	o := Load()
	i := slices.IndexFunc(o.Categories, func(c Category) bool { return c.Code == report.Category })
	if i < 0 {
		t.Fatalf("there is no category %q", report.Category)
	}
	for _, a := range o.Categories[i].Body.Attributes {
		answer, there := report.Attributes[a.Code]
		if a.Required && !there || there && len(a.Values) > 0 && !slices.ContainsFunc(a.Values, func(v Value) bool { return v.Key == answer }) {
			t.Errorf("%s asks for %s and gets %v", report.Category, a.Code, answer)
		}
	}
}

// inThree checks that a text is there in the three languages, each in its own letters.
func inThree(t *testing.T, what string, texts Texts) {
	t.Helper()
	if len(texts) != len(Languages) {
		t.Errorf("%s is in %d languages: %v", what, len(texts), texts)
	}
	for _, l := range Languages {
		inLanguage(t, what, l, texts[l])
	}
}

func inLanguage(t *testing.T, what, language, text string) {
	t.Helper()
	arabic := strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Arabic, r) })
	latin := strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Latin, r) })
	// Letters that Urdu has and Arabic has not, and the other way round.
	urdu := strings.ContainsAny(text, "ٹڈڑںھہےپچگژکی")
	wrong := text == "" || strings.TrimSpace(text) != text || (language == "en") != latin || (language == "en") == arabic
	wrong = wrong || language == "ar" && urdu || language == "ur" && strings.ContainsAny(text, "ةىكيه")
	if wrong {
		t.Errorf("%s, in %s: %q", what, language, text)
	}
}

func TestLoad_EmbeddedFilesHoldNothingUnknown(t *testing.T) {
	t.Parallel()
	d := json.NewDecoder(bytes.NewReader(organisationJSON))
	d.DisallowUnknownFields()
	if err := d.Decode(new(Organisation)); err != nil {
		t.Error(err)
	}
	for _, damaged := range [][3]string{{"{", "{}", "{}"}, {"{}", "{", "{}"}, {"{}", "{}", "{"}, {`{"centres":[{"body":{"region":"SA-99"}}]}`, "{}", "{}"}} {
		if _, err := load([]byte(damaged[0]), []byte(damaged[1]), []byte(damaged[2])); err == nil {
			t.Errorf("%v was taken", damaged)
		}
	}
}

func TestLoad_Centres(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"": true}
	branches := 0
	for _, c := range Load().Centres {
		inThree(t, c.Code, c.Body.Names)
		if !code.MatchString(c.Code) || seen[c.Code] || !seen[c.Body.Parent] || !c.Body.Active {
			t.Errorf("centre %+v", c.Code)
		}
		seen[c.Code] = true
		if c.Body.Parent != "1933" {
			continue
		}
		branches++
		g, err := geojson.UnmarshalGeometry(c.Body.Area)
		if err != nil || c.Weight <= 0 || strings.ToLower(c.Body.Region) != c.Code {
			t.Errorf("branch %s: weight %d, area %v", c.Code, c.Weight, err)
		} else if kind := g.Geometry().GeoJSONType(); kind != "Polygon" && kind != "MultiPolygon" {
			t.Errorf("branch %s has a %s", c.Code, kind)
		}
	}
	if branches != 13 || !seen["1933"] {
		t.Errorf("%d branches", branches)
	}
}

func TestLoad_Mosques(t *testing.T) {
	t.Parallel()
	o := Load()
	of := map[string]int{}
	for _, m := range o.Mosques {
		of[m.Centre]++
		inLanguage(t, m.Name, "ar", m.Address())
		for _, c := range o.Centres {
			if c.Code != m.Centre {
				continue
			}
			g, err := geojson.UnmarshalGeometry(c.Body.Area)
			if err != nil {
				t.Fatal(err)
			}
			// Reports are told from around a mosque: a kilometre to every side must lie in the region as well.
			for _, d := range []orb.Point{{0, 0}, {.01, .01}, {-.01, .01}, {.01, -.01}, {-.01, -.01}} {
				if p := (orb.Point{m.Longitude + d[0], m.Latitude + d[1]}); !contains(g.Geometry(), p) {
					t.Errorf("%s in %s: %v is outside %s", m.Name, m.City, p, m.Centre)
				}
			}
		}
	}
	for _, c := range o.Centres {
		if c.Body.Region != "" && of[c.Code] < 2 {
			t.Errorf("%s has %d mosques", c.Code, of[c.Code])
		}
	}
}

func contains(g orb.Geometry, p orb.Point) bool {
	switch g := g.(type) {
	case orb.Polygon:
		return planar.PolygonContains(g, p)
	case orb.MultiPolygon:
		return planar.MultiPolygonContains(g, p)
	}
	return false
}

func TestLoad_Categories(t *testing.T) {
	t.Parallel()
	o := Load()
	departments := map[string]bool{}
	for _, d := range o.Departments {
		departments[d.Code] = true
		inThree(t, d.Code, d.Body.Names)
	}
	weights := []int{21375, 14838, 9208, 6153, 2063, 1912, 11261, 8752}
	codes := strings.Fields("mosque_staff maintenance loudspeakers hiring donors dawah_quran other precautionary")
	datatypes := map[string]bool{}
	anonymous, sum := 0, 0
	if len(o.Categories) != len(codes) {
		t.Fatalf("%d categories", len(o.Categories))
	}
	for i, c := range o.Categories {
		if c.Code != codes[i] || c.Weight != weights[i] {
			t.Errorf("category %s weighs %d", c.Code, c.Weight)
		}
		sum += c.Weight
		b := c.Body
		inThree(t, c.Code, b.Names)
		inThree(t, c.Code+"/descriptions", b.Descriptions)
		if !departments[b.Department] || !code.MatchString(b.Group) || b.FirstAnswerDays < 1 || b.ResolutionDays < b.FirstAnswerDays || !b.Active || len(b.Keywords) < 3 {
			t.Errorf("category %+v", b)
		}
		if b.Anonymous {
			anonymous++
		}
		for _, a := range b.Attributes {
			datatypes[a.Datatype] = true
			attribute(t, c.Code+"/"+a.Code, a)
		}
	}
	if sum != 75562 || len(datatypes) != 6 || anonymous == 0 || anonymous == len(o.Categories) {
		t.Errorf("weights add up to %d, datatypes %v, %d categories take anonymous reports", sum, datatypes, anonymous)
	}
}

func attribute(t *testing.T, path string, a Attribute) {
	t.Helper()
	inThree(t, path, a.Labels)
	if a.Hints != nil {
		inThree(t, path+"/hints", a.Hints)
	}
	list := a.Datatype == "singlevaluelist" || a.Datatype == "multivaluelist"
	if !code.MatchString(a.Code) || list != (len(a.Values) > 1) || a.Order == 0 {
		t.Errorf("attribute %s", path)
	}
	keys := map[string]bool{}
	for _, v := range a.Values {
		inThree(t, path+"/"+v.Key, v.Names)
		if keys[v.Key] || !code.MatchString(v.Key) {
			t.Errorf("attribute %s, value %s", path, v.Key)
		}
		keys[v.Key] = true
	}
}

func TestLoad_Stories(t *testing.T) {
	t.Parallel()
	o := Load()
	seen := map[string]bool{}
	for _, c := range o.Categories {
		languages := map[string]int{}
		for i, s := range c.Stories {
			path := fmt.Sprintf("%s/%d", c.Code, i)
			languages[s.Language]++
			inLanguage(t, path, s.Language, strings.TrimSpace(regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(s.Text, "")))
			text, attributes := s.About(o.Mosques[0], time.Date(2026, 11, 1, 20, 0, 0, 0, time.UTC))
			all := fmt.Sprint(text, attributes)
			if seen[s.Text] || strings.ContainsAny(all, "{}") || len([]rune(text)) < 40 {
				t.Errorf("%s: %s", path, all)
			}
			seen[s.Text] = true
			answers(t, path, c.Body.Attributes, attributes)
		}
		if languages["ar"] < 8 || languages["en"] < 1 || languages["ur"] < 1 {
			t.Errorf("%s: stories by language %v", c.Code, languages)
		}
		for i, texts := range slices.Concat(c.FirstAnswers, c.Resolutions) {
			inThree(t, fmt.Sprintf("%s, answer %d", c.Code, i), texts)
		}
		if len(c.FirstAnswers) < 2 || len(c.Resolutions) < 2 {
			t.Errorf("%s: %d first answers, %d resolutions", c.Code, len(c.FirstAnswers), len(c.Resolutions))
		}
	}
}

// answers checks the attributes of a report as the server would.
func answers(t *testing.T, path string, definitions []Attribute, given map[string]any) {
	t.Helper()
	known := 0
	for _, d := range definitions {
		v, ok := given[d.Code]
		if !ok {
			if d.Required {
				t.Errorf("%s: %s is required", path, d.Code)
			}
			continue
		}
		known++
		offered := func(key any) bool {
			return slices.ContainsFunc(d.Values, func(o Value) bool { return o.Key == key })
		}
		text, isText := v.(string)
		ok = false
		switch d.Datatype {
		case "string", "text":
			ok = isText && text != ""
		case "number":
			_, ok = v.(float64)
		case "datetime":
			_, day := time.Parse(time.DateOnly, text)
			_, moment := time.Parse(time.RFC3339, text)
			ok = day == nil || moment == nil
		case "singlevaluelist":
			ok = offered(v)
		case "multivaluelist":
			keys, isList := v.([]any)
			ok = isList && len(keys) > 0 && !slices.ContainsFunc(keys, func(k any) bool { return !offered(k) })
		}
		if !ok {
			t.Errorf("%s: %s is %v", path, d.Code, v)
		}
	}
	if known != len(given) {
		t.Errorf("%s: an attribute that the category has not: %v", path, given)
	}
}

func TestLoad_Staff(t *testing.T) {
	t.Parallel()
	o := Load()
	centres, departments := []string{"*"}, []string{"*"}
	for _, c := range o.Centres {
		centres = append(centres, c.Code)
	}
	for _, d := range o.Departments {
		departments = append(departments, d.Code)
	}
	roles, officers, mails := map[string]int{}, map[string]bool{}, map[string]bool{}
	for _, s := range o.Staff {
		roles[s.Role]++
		if s.Role == "officer" {
			officers[s.Departments[0]] = true
		}
		inLanguage(t, s.Email, "ar", s.Name)
		if mails[s.Email] || !strings.HasSuffix(s.Email, "@demo.balagh.example") || len(s.Password) < 12 || !slices.Contains(Languages, s.Language) {
			t.Errorf("staff %+v", s)
		}
		mails[s.Email] = true
		for _, c := range s.Centres {
			if !slices.Contains(centres, c) {
				t.Errorf("%s works for the centre %s", s.Email, c)
			}
		}
		for _, d := range s.Departments {
			if !slices.Contains(departments, d) {
				t.Errorf("%s works for the department %s", s.Email, d)
			}
		}
	}
	for _, role := range []string{"clerk", "officer", "supervisor", "manager", "admin"} {
		if roles[role] == 0 {
			t.Errorf("no %s", role)
		}
	}
	for _, c := range o.Categories {
		if !officers[c.Body.Department] {
			t.Errorf("nobody handles %s", c.Code)
		}
	}
}

func TestLoad_CommentsAndPeople(t *testing.T) {
	t.Parallel()
	o := Load()
	reasons := strings.Fields("slow unfriendly not_solved unclear fast friendly clear helpful")
	covered := map[string]bool{}
	for _, c := range o.Comments {
		inLanguage(t, "comment", c.Language, c.Text)
		if c.From < 1 || c.To > 5 || c.From > c.To || c.Solved && slices.Contains(c.Reasons, "not_solved") {
			t.Errorf("comment %+v", c)
		}
		for _, r := range c.Reasons {
			if !slices.Contains(reasons, r) {
				t.Errorf("comment %q has the reason %s", c.Text, r)
			}
		}
		for level := c.From; level <= c.To; level++ {
			covered[fmt.Sprint(c.Language, level)] = true
		}
	}
	for _, l := range Languages {
		for level := 1; level <= 5; level++ {
			if !covered[fmt.Sprint(l, level)] {
				t.Errorf("nobody says anything in %s at level %d", l, level)
			}
		}
	}
	if len(o.People) < 30 {
		t.Errorf("%d people", len(o.People))
	}
	for _, p := range o.People {
		inLanguage(t, "person", p.Language, p.Name)
	}
}
