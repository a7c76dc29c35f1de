package desk

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

// queue is the page of the reports that wait, with what was asked for in its address.
type queue struct {
	*office
	Asked    url.Values
	Rows     []row
	Next     string // address of the next page
	Wrong    *page.Problem
	Statuses []gen.Status
	Channels []gen.Channel
	Works    bool
	Saved    []saved
	Unkept   *page.Problem // what was wrong with the name of a filter
	Name     string        // as it was typed
}

// row is a report in the queue.
type row struct {
	gen.DeskSummary
	Where, Late string
	Until       time.Time // the last moment before the deadline; zero for none
}

var (
	statuses = []gen.Status{gen.StatusReceived, gen.StatusAssigned, gen.StatusInProgress, gen.StatusWaitingForCitizen, gen.StatusReopened, gen.StatusResolved,
		gen.StatusClosed, gen.StatusRejected, gen.StatusDuplicate, gen.StatusWithdrawn}
	channels = []gen.Channel{gen.ChannelApp, gen.ChannelWeb, gen.ChannelPhone, gen.ChannelEmail, gen.ChannelTelegram, gen.ChannelVisit}
	filters  = []string{"q", "centre", "department", "category", "channel", "assignee", "overdue", "from", "to", "sort", "cursor"}
)

const perPage = "30"

// asked is the question to the API: status "open", which is meant where none is named, stands for every status on which somebody has to work,
// and "all" for each. Words are searched in all of them.
func asked(q url.Values) url.Values {
	query := url.Values{"limit": {perPage}}
	for _, name := range filters {
		if x := strings.TrimSpace(q.Get(name)); x != "" {
			query.Set(name, x)
		}
	}
	switch status := q.Get("status"); {
	case status == "all", status == "" && query.Has("q"):
	case status == "", status == "open":
		for _, s := range statuses {
			if open(s) {
				query.Add("status", string(s))
			}
		}
	default:
		query["status"] = q["status"]
	}
	return query
}

func showQueue(v *page.Visit) error { return showQueueOf(v, v.Queries(), nil, "") }

// showQueueOf shows the queue that was asked for; with what is wrong with the name under which it was to be kept, if anything.
func showQueueOf(v *page.Visit, asking url.Values, unkept *page.Problem, name string) error {
	p := queue{Asked: asking, Unkept: unkept, Name: name, Statuses: statuses, Channels: channels, Works: slices.Contains(workers, string(v.Me.Role))}
	var err error
	if p.office, err = readOffice(v); err != nil {
		return err
	}
	if p.Saved, err = savedFilters(v); err != nil {
		return err
	}
	var found gen.DeskPage
	if err := v.Get("/v1/desk/reports", asked(p.Asked), &found); err != nil {
		if p.Wrong = page.Refused(err); p.Wrong == nil {
			return err
		}
		v.Status(p.Wrong.Status)
	}
	for _, r := range found.Items {
		x := row{DeskSummary: r, Where: where(v, r.Place), Late: late(v, r.Deadline)}
		if r.Deadline != nil {
			x.Until = until(*r.Deadline)
		}
		p.Rows = append(p.Rows, x)
	}
	if found.Next != nil {
		p.Next = p.With("cursor", *found.Next)
	}
	return v.Show(templates["queue"], "desk", v.T("desk_queue"), p)
}

// With is the address of this queue with one of its filters changed, from its first page on.
func (p queue) With(name, value string) string {
	q := url.Values{}
	for k, x := range p.Asked {
		if k != "cursor" && k != "done" && len(x) > 0 && x[0] != "" {
			q[k] = x
		}
	}
	q.Del(name)
	if value != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return "/desk"
	}
	return "/desk?" + q.Encode()
}

// Has says whether the queue is asked for with that value, "" for none.
func (p queue) Has(name, value string) bool { return p.Asked.Get(name) == value }

// Query is what is asked for, to be kept.
func (p queue) Query() string {
	_, query, _ := strings.Cut(p.With("cursor", ""), "?")
	return query
}

// Here says whether this is the queue with an address.
func (p queue) Here(address string) bool {
	return !p.Bare() && addressOf(filterOf(p.Asked)) == address
}

// Bare says that nothing narrows the queue.
func (p queue) Bare() bool {
	return !slices.ContainsFunc(append(filters[:len(filters)-2:len(filters)-2], "status"), func(name string) bool { return p.Asked.Get(name) != "" })
}
