package desk

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

// sheet is the page of one report: all that staff may see of it, and what they may do.
type sheet struct {
	*office
	Report   gen.DeskReport
	Category *gen.Category // nil when it is gone
	Messages []gen.ReportMessage
	Facts    []fact // the answers to the category's questions
	Where    string
	Late     string
	Replies  []gen.DeskReply // templates for what is written to the citizen, in the language of the report
	Others   []gen.Colleague // to whom it can be given, but for who is signed in
	Key      string          // of the next request, so that two clicks are one
	Done     string

	Form  string // that was refused, with what was typed in it
	Typed url.Values
	Wrong *page.Problem
	News  []entry // what happened since the form was opened
}

// entry of the timeline.
type entry struct {
	gen.TimelineEntry
	Was, Became gen.Status // "" for none
}

func entries(all []gen.TimelineEntry) []entry {
	shown := make([]entry, len(all))
	for i, e := range all {
		shown[i].TimelineEntry = e
		if e.From != nil {
			shown[i].Was = *e.From
		}
		if e.To != nil {
			shown[i].Became = *e.To
		}
	}
	return shown
}

// Timeline of the report.
func (p *sheet) Timeline() []entry { return entries(p.Report.Timeline) }

// fact is an answer with its question.
type fact struct{ Label, Text string }

func showReport(v *page.Visit) error {
	p, err := readSheet(v)
	if err != nil {
		return err
	}
	if done := v.Query("done"); v.Has("desk_done_" + done) {
		p.Done = done
	}
	return p.show(v)
}

func readSheet(v *page.Visit) (*sheet, error) {
	p := &sheet{Key: rand.Text()}
	path := on(v, "")
	if err := v.Get(path, nil, &p.Report); err != nil {
		return nil, err
	}
	var told gen.ReportDeliveries
	if err := v.Get(path+"/deliveries", nil, &told); err != nil {
		return nil, err
	}
	var err error
	if p.office, err = readOffice(v); err != nil {
		return nil, err
	}
	if p.Works(v) {
		var replies gen.DeskReplyList
		query := url.Values{"category": {p.Report.Category.Code}, "language": {string(p.Report.Language)}}
		if err := v.Get("/v1/desk/replies", query, &replies); err != nil {
			return nil, err
		}
		p.Replies = replies.Items
		var colleagues gen.ColleagueList
		if err := v.Get(path+"/colleagues", nil, &colleagues); err != nil {
			return nil, err
		}
		p.Others = slices.DeleteFunc(colleagues.Items, func(c gen.Colleague) bool { return c.Id == v.Me.Id })
	}
	p.Messages, p.Category = told.Items, p.category(p.Report.Category.Code)
	p.Facts = facts(v, p.Category, p.Report.Attributes)
	p.Where, p.Late = where(v, p.Report.Place), late(v, p.Report.Deadline)
	return p, nil
}

func (p *sheet) show(v *page.Visit) error {
	return v.Show(templates["report"], "desk-report", v.T("desk_report", v.In(p.Report.Number)), p)
}

// facts are the answers in the order of the category's questions; those to questions that it no longer has come last, by their codes.
func facts(v *page.Visit, c *gen.Category, answers gen.Attributes) []fact {
	var all []fact
	left := map[string]any{}
	for code, x := range answers {
		left[code] = x
	}
	if c != nil {
		for _, a := range c.Attributes {
			if x, ok := left[a.Code]; ok {
				all = append(all, fact{a.Label, answer(v, &a, x)})
				delete(left, a.Code)
			}
		}
	}
	for _, code := range slices.Sorted(maps.Keys(left)) {
		all = append(all, fact{code, answer(v, &gen.Attribute{}, left[code])})
	}
	return all
}

// answer to a question in words.
func answer(v *page.Visit, a *gen.Attribute, x any) string {
	switch x := x.(type) {
	case string:
		for _, known := range a.Values {
			if known.Key == x {
				return known.Name
			}
		}
		if t, err := time.Parse(time.RFC3339, x); err == nil && a.Datatype == gen.DatatypeDatetime {
			return v.Moment(t)
		}
		return x
	case float64:
		return v.In(strings.TrimSuffix(fmt.Sprintf("%.3f", x), ".000"))
	case []any:
		var all []string
		for _, one := range x {
			all = append(all, answer(v, a, one))
		}
		return strings.Join(all, v.T("comma"))
	}
	return fmt.Sprint(x)
}

// Was is what was typed into a field of the form that was refused.
func (p *sheet) Was(form, field string) string {
	if p.Form != form {
		return ""
	}
	return p.Typed.Get(field)
}

// In is what is wrong with a field of a form.
func (p *sheet) In(form, field string) string {
	if p.Form != form {
		return ""
	}
	return p.Wrong.In(field)
}

// Refused is what is wrong with a form as a whole; nil when it was not sent, or when the fields say it.
func (p *sheet) Refused(form string) *page.Problem {
	if p.Form != form {
		return nil
	}
	return p.Wrong
}

// Nth is the number of what stands at an index.
func (p *sheet) Nth(i int) int { return i + 1 }

// Last is the newest entry of the timeline that is shown.
func (p *sheet) Last() string {
	if n := len(p.Report.Timeline); n > 0 {
		return p.Report.Timeline[n-1].Id
	}
	return ""
}

// Works reports whether who is signed in may write.
func (p *sheet) Works(v *page.Visit) bool { return slices.Contains(workers, string(v.Me.Role)) }

// Open reports whether somebody still has to work on it, so that it can be given to somebody.
func (p *sheet) Open() bool { return open(p.Report.Status) }

// Mergeable reports whether who is signed in may make it a duplicate of another.
func (p *sheet) Mergeable(v *page.Visit) bool {
	return v.Me.Role == gen.RoleSupervisor && p.Open() && p.Report.Status != gen.StatusReopened && len(p.Report.Merged) == 0
}

// Mine reports whether it lies with who is signed in.
func (p *sheet) Mine(v *page.Visit) bool {
	return p.Report.Assignee != nil && p.Report.Assignee.Id == v.Me.Id
}

// Until is the last moment before a promised one.
func (p *sheet) Until(promised time.Time) time.Time { return until(promised) }

// Overdue reports whether a promised moment is over and what was promised did not happen until then.
func (p *sheet) Overdue(v *page.Visit, promised time.Time, kept *time.Time) bool {
	if kept != nil {
		return kept.After(promised)
	}
	return p.Open() && v.Now().After(promised)
}

// since are the entries of the timeline that came after one.
func since(timeline []gen.TimelineEntry, last string) []gen.TimelineEntry {
	for i, e := range timeline {
		if e.Id == last {
			return timeline[i+1:]
		}
	}
	return nil
}

// Again reports whether who is signed in may have a delivery sent once more.
func (p *sheet) Again(v *page.Visit, d gen.Delivery) bool {
	return v.Me.Role == gen.RoleSupervisor && dead(d)
}

// dead reports whether nothing more comes of a delivery by itself.
func dead(d gen.Delivery) bool {
	return d.State == gen.DeliveryStateFailed || d.State == gen.DeliveryStateExpired
}

// act is what a form of the page does: the path of the operation and what is sent to it.
type act func(v *page.Visit) (path string, body any, err error)

var acts = map[string]act{
	"move": func(v *page.Visit) (string, any, error) {
		return on(v, "/transitions"), gen.Move{To: gen.Status(v.Form("to")), Text: typed(v, "text"), Note: typed(v, "note")}, nil
	},
	"assign": func(v *page.Visit) (string, any, error) {
		a := gen.Assignment{Centre: typed(v, "centre"), Department: typed(v, "department"), Assignee: typed(v, "assignee"), Note: typed(v, "note")}
		if a.Centre == nil && a.Department == nil && a.Assignee == nil {
			return "", nil, wrong(v, "department", "desk_choose_one")
		}
		return on(v, "/assign"), a, nil
	},
	"note": func(v *page.Visit) (string, any, error) { return on(v, "/notes"), gen.Text{Text: v.Form("text")}, nil },
	"reply": func(v *page.Visit) (string, any, error) {
		return on(v, "/replies"), gen.Text{Text: v.Form("text")}, unseen(v)
	},
	"merge": func(v *page.Visit) (string, any, error) {
		if err := unseen(v); err != nil {
			return "", nil, err
		}
		into, err := byNumber(v, v.Form("into"))
		return on(v, "/merge"), gen.Merge{Into: into}, err
	},
	"again": func(v *page.Visit) (string, any, error) {
		return "/v1/admin/dead-letters/" + url.PathEscape(v.Form("message")) + "/" + url.PathEscape(v.Form("delivery")) + "/retry", nil, nil
	},
}

// on is the path of an operation on the report of the page.
func on(v *page.Visit, operation string) string {
	return "/v1/desk/reports/" + url.PathEscape(v.Param("id")) + operation
}

// do takes a form. What is refused is shown again, with everything typed kept and with what happened meanwhile.
func do(v *page.Visit, form string, a act) error {
	path, body, err := a(v)
	if err == nil {
		headers := map[string]string{"Idempotency-Key": v.Form("key")}
		if rev := v.Form("rev"); rev != "" && (form == "move" || form == "assign") {
			headers["If-Match"] = `"` + rev + `"`
		}
		_, err = v.Call(http.MethodPost, path, nil, headers, body, nil)
	}
	if err == nil {
		return v.Redirect("/desk/reports/" + url.PathEscape(v.Param("id")) + "?done=" + form)
	}
	refused := page.Refused(err)
	if refused == nil || refused.Status == http.StatusNotFound {
		return err
	}
	p, err := readSheet(v)
	if err != nil {
		return err
	}
	if refused.Status == http.StatusPreconditionFailed {
		refused.Title = v.T("desk_changed")
	}
	p.Form, p.Typed, p.Wrong = form, v.Typed(), refused
	p.News = entries(since(p.Report.Timeline, v.Form("seen")))
	v.Status(refused.Status)
	return p.show(v)
}

// typed is a field of the form, nil for an empty one.
func typed(v *page.Visit, name string) *string {
	if x := v.Form(name); x != "" {
		return &x
	}
	return nil
}

// wrong says beside a field what a page has to say itself.
func wrong(v *page.Visit, field, key string) *page.Problem {
	return &page.Problem{Status: http.StatusUnprocessableEntity, Code: "validation_failed", Title: v.T(key), Fields: []page.Field{{Path: field, Message: v.T(key)}}}
}

// unseen refuses to write to a citizen, or to merge, when something happened on the report that the one who does it has not seen. For these
// operations the API takes whatever comes.
func unseen(v *page.Visit) error {
	var r gen.DeskReport
	if err := v.Get(on(v, ""), nil, &r); err != nil {
		return err
	}
	if len(since(r.Timeline, v.Form("seen"))) == 0 {
		return nil
	}
	return &page.Problem{Status: http.StatusPreconditionFailed, Code: "precondition_failed", Title: v.T("desk_changed")}
}

// byNumber finds the id of the report with a number.
func byNumber(v *page.Visit, number string) (string, error) {
	number = page.Digits(strings.ReplaceAll(number, " ", ""))
	if number == "" {
		return "", wrong(v, "into", "desk_which_number")
	}
	var found gen.DeskPage
	if err := v.Get("/v1/desk/reports", url.Values{"q": {number}, "limit": {"1"}}, &found); err != nil {
		return "", err
	}
	if len(found.Items) == 0 || found.Items[0].Number != number {
		return "", wrong(v, "into", "desk_no_such_number")
	}
	return found.Items[0].Id, nil
}
