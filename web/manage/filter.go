package manage

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

// narrowing are the filters besides the period. Not every figure knows each of them.
var narrowing = []string{"centre", "region", "department", "category", "channel"}

var channels = []string{"app", "web", "phone", "email", "telegram", "visit"}

// filter is what the address asks for: a period, and what figures are narrowed to.
type filter struct {
	v         *page.Visit
	Period    string
	From, To  string // days as 2006-01-02
	TypedFrom string
	TypedTo   string
	Wrong     *page.Problem     // of the days that were typed; then there are no figures
	Where     map[string]string // by name, without empty ones
	Lists     []list
	names     map[string]map[string]string // of codes, by filter
}

// list is what may be chosen for a filter.
type list struct {
	Name, Label string
	Choices     []choice
}

type choice struct {
	Value, Text string
	Here        bool
	Href        string
}

// filters reads the address and what there is to choose from.
func filters(v *page.Visit) (*filter, error) {
	f := &filter{v: v, Period: v.Query("period"), TypedFrom: v.Query("from"), TypedTo: v.Query("to"), Where: map[string]string{}, names: map[string]map[string]string{}}
	for _, name := range narrowing {
		if x := v.Query(name); x != "" {
			f.Where[name] = x
		}
	}
	f.days()
	return f, f.choices()
}

func (f *filter) days() {
	if f.Period == "" {
		f.Period = defaultPeriod
		if f.TypedFrom != "" || f.TypedTo != "" {
			f.Period = "days"
		}
	}
	y, m, d := f.v.Now().Date()
	today := day(y, m, d)
	from, to, ok := span(f.Period, today)
	if !ok {
		f.Period = "days"
		from, to, _ = span(defaultPeriod, today)
		from, to = f.typed("from", f.TypedFrom, from), f.typed("to", f.TypedTo, to)
		if f.Wrong == nil && to.Before(from) {
			f.wrong("to", "manage_day_before")
		}
	} else {
		f.TypedFrom, f.TypedTo = "", ""
	}
	f.From, f.To = from.Format(time.DateOnly), to.Format(time.DateOnly)
	if f.Period != "days" {
		f.TypedFrom, f.TypedTo = typedDay(f.v, from), typedDay(f.v, to)
	}
}

func (f *filter) typed(name, typed string, otherwise time.Time) time.Time {
	if typed == "" {
		return otherwise
	}
	t, ok := parseDay(typed)
	if !ok {
		f.wrong(name, "manage_day_wrong")
	}
	return t
}

func (f *filter) wrong(field, word string) {
	if f.Wrong == nil {
		f.Wrong = &page.Problem{Status: http.StatusUnprocessableEntity}
		f.v.Status(http.StatusUnprocessableEntity)
	}
	f.Wrong.Fields = append(f.Wrong.Fields, page.Field{Path: field, Message: f.v.T(word)})
}

// choices asks the API for what there is, within what the manager sees.
func (f *filter) choices() error {
	v := f.v
	var centres gen.CentreList
	var categories gen.CategoryList
	var departments gen.DepartmentList
	for path, into := range map[string]any{"centres": &centres, "categories": &categories, "departments": &departments} {
		if err := v.Get("/v1/admin/"+path, nil, into); err != nil {
			return err
		}
	}
	var regions []string
	for _, c := range centres.Items {
		if !sees(v.Me.Centres, c.Code) {
			continue
		}
		f.name("centre", c.Code, c.Name)
		if c.Region != nil && *c.Region != "" && !slices.Contains(regions, *c.Region) {
			regions = append(regions, *c.Region)
		}
	}
	slices.Sort(regions)
	for _, r := range regions {
		f.name("region", r, regionName(v, r))
	}
	for _, d := range departments.Items {
		if sees(v.Me.Departments, d.Code) {
			f.name("department", d.Code, d.Name)
		}
	}
	for _, c := range categories.Items {
		f.name("category", c.Code, c.Name)
	}
	for _, c := range channels {
		f.name("channel", c, v.T("manage_channel_"+c))
	}
	return nil
}

func sees(codes []string, code string) bool {
	return slices.Contains(codes, "*") || slices.Contains(codes, code)
}

// regionName is what a region of ISO 3166-2 is called.
func regionName(v *page.Visit, code string) string { return v.Either("manage_region_"+code, code) }

func (f *filter) name(filter, code, name string) {
	if f.names[filter] == nil {
		f.names[filter] = map[string]string{}
		f.Lists = append(f.Lists, list{Name: filter, Label: f.v.T("manage_by_" + filter)})
	}
	f.names[filter][code] = name
	l := &f.Lists[len(f.Lists)-1]
	l.Choices = append(l.Choices, choice{Value: code, Text: name, Here: f.Where[filter] == code})
}

// Periods are what may be chosen.
func (f *filter) Periods() []choice {
	all := make([]choice, len(periods))
	for i, p := range periods {
		all[i] = choice{Value: p, Text: f.v.In(f.v.T("manage_period_" + p)), Here: p == f.Period}
	}
	return all
}

// query is what the API is asked, with the filters that a figure knows.
func (f *filter) query(knows []string, more ...string) url.Values {
	q := url.Values{"from": {f.From}, "to": {f.To}}
	for name, x := range f.Where {
		if slices.Contains(knows, name) {
			q.Set(name, x)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Add(more[i], more[i+1])
	}
	return q
}

// unknown notes which filters a figure does not know: it is of everything else then.
func (f *filter) unknown(knows []string) (notes []string) {
	for _, l := range f.Lists {
		if f.Where[l.Name] != "" && !slices.Contains(knows, l.Name) {
			notes = append(notes, f.v.T("manage_not_narrowed", l.Label))
		}
	}
	return notes
}

// href is the address of a page with these filters, and with more of them in pairs of name and value.
func (f *filter) href(path string, more ...string) string {
	q := url.Values{}
	if f.Period == "days" {
		q.Set("from", f.TypedFrom)
		q.Set("to", f.TypedTo)
	} else if f.Period != defaultPeriod {
		q.Set("period", f.Period)
	}
	for name, x := range f.Where {
		q.Set(name, x)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Chosen says in words what the figures are of.
func (f *filter) Chosen() (all []string) {
	for _, l := range f.Lists {
		if code := f.Where[l.Name]; code != "" {
			name := f.names[l.Name][code]
			if name == "" {
				name = code
			}
			all = append(all, l.Label+": "+name)
		}
	}
	return all
}

// Held are the filters that the form of a page keeps beside its own fields.
func (f *filter) Held(names ...string) map[string]string {
	held := map[string]string{}
	for _, name := range names {
		if x := f.v.Query(name); x != "" {
			held[name] = x
		}
	}
	return held
}

// month is the dimension of months in the calendar that is preferred.
func (f *filter) month() string {
	if f.v.Hijri {
		return "hijri_month"
	}
	return "month"
}
