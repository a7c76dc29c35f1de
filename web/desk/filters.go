package desk

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

// saved is a filter that somebody keeps, with the address of its queue.
type saved struct{ Name, Address string }

func savedFilters(v *page.Visit) ([]saved, error) {
	var kept gen.SavedFilterList
	if err := v.Get("/v1/desk/me/filters", nil, &kept); err != nil {
		return nil, err
	}
	var all []saved
	for _, f := range kept.Items {
		all = append(all, saved{f.Name, addressOf(f.Query)})
	}
	return all, nil
}

// addressOf a queue with a filter.
func addressOf(f gen.QueueFilter) string {
	q := url.Values{}
	for name, x := range map[string]*string{"q": f.Q, "centre": f.Centre, "department": f.Department, "category": f.Category, "channel": (*string)(f.Channel),
		"assignee": f.Assignee, "sort": (*string)(f.Sort), "from": f.From, "to": f.To} {
		if x != nil {
			q.Set(name, *x)
		}
	}
	if f.Overdue != nil && *f.Overdue {
		q.Set("overdue", "true")
	}
	switch {
	case len(f.Status) == 0:
		q.Set("status", "all")
	case len(f.Status) == opens && !slices.ContainsFunc(f.Status, func(s gen.Status) bool { return !open(s) }):
		q.Set("status", "open")
	default:
		for _, s := range f.Status {
			q.Add("status", string(s))
		}
	}
	return "/desk?" + q.Encode()
}

// opens is how many statuses ask for work.
var opens = len(slices.DeleteFunc(slices.Clone(statuses), func(s gen.Status) bool { return !open(s) }))

// filterOf a queue with an address.
func filterOf(q url.Values) gen.QueueFilter {
	var f gen.QueueFilter
	query := asked(q)
	of := func(name string) *string {
		if x := query.Get(name); x != "" {
			return &x
		}
		return nil
	}
	f.Q, f.Centre, f.Department, f.Category, f.Assignee, f.From, f.To = of("q"), of("centre"), of("department"), of("category"), of("assignee"), of("from"), of("to")
	f.Channel, f.Sort = (*gen.Channel)(of("channel")), (*gen.QueueFilterSort)(of("sort"))
	if query.Get("overdue") == "true" {
		f.Overdue = new(true)
	}
	for _, s := range query["status"] {
		f.Status = append(f.Status, gen.Status(s))
	}
	return f
}

// keepFilter keeps the queue that was shown under a name, or forgets the one with that name.
func keepFilter(v *page.Visit) error {
	q, err := url.ParseQuery(strings.TrimPrefix(v.Form("query"), "?"))
	if err != nil {
		q = url.Values{}
	}
	path := "/v1/desk/me/filters/" + url.PathEscape(v.Form("name"))
	if v.Form("do") == "forget" {
		if err := v.Send(http.MethodDelete, path, nil, nil); err != nil {
			return err
		}
		return v.Redirect("/desk")
	}
	if v.Form("name") == "" {
		v.Status(http.StatusUnprocessableEntity)
		return showQueueOf(v, q, wrong(v, "name", "desk_name_it"), "")
	}
	if err := v.Send(http.MethodPut, path, filterOf(q), nil); err != nil {
		if refused := page.Refused(err); refused != nil {
			v.Status(refused.Status)
			return showQueueOf(v, q, refused, v.Form("name"))
		}
		return err
	}
	return v.Redirect(addressOf(filterOf(q)))
}
