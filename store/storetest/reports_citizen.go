package storetest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

func serviceMine(d *reportsDesk) {
	ctx := d.Context()
	for range 5 {
		d.file(sara)
		d.later(time.Second)
	}
	d.file(omar)
	var got []string
	cursor := ""
	for range 9 {
		items, next, err := d.Service.Mine(ctx, sara, nil, reports.Page{Cursor: cursor, Limit: 2})
		must(d.T, err)
		got = append(got, numbers(items)...)
		if cursor = next; next == "" {
			break
		}
	}
	if len(got) != 5 {
		d.Errorf("on the pages: %v", got)
	}
	_, next, err := d.Service.Mine(ctx, sara, nil, reports.Page{Limit: 2})
	must(d.T, err)
	for _, c := range []string{"x", "AAAA", next[:len(next)-2], next + "=", "!!", strings.Repeat("A", 400), `{"$gt":""}`} {
		_, _, err := d.Service.Mine(ctx, sara, nil, reports.Page{Cursor: c, Limit: 2})
		if c == next[:len(next)-2] && err == nil {
			continue // a shorter id: a cursor all the same
		}
		d.wantFault(err, fault.Invalid, "cursor wrong_format")
	}
	_, _, err = d.Queue(ctx, supervisor, reports.QueueSearch{Sort: reports.ByDue, Page: reports.Page{Cursor: next, Limit: 2}})
	d.wantFault(err, fault.Invalid, "cursor wrong_format")
	for _, limit := range []int{0, -1, 101} {
		_, _, err := d.Service.Mine(ctx, sara, nil, reports.Page{Limit: limit})
		d.wantFault(err, fault.Invalid, "limit out_of_range")
	}
	_, _, err = d.Service.Mine(ctx, sara, []reports.Status{"gone"}, reports.Page{Limit: 1})
	d.wantFault(err, fault.Invalid, "status unknown")
	for _, a := range []actor.Actor{clerk, admin, {}} {
		_, _, err := d.Service.Mine(ctx, a, nil, reports.Page{Limit: 1})
		d.wantFault(err, fault.Forbidden)
	}
}

func serviceGet(d *reportsDesk) {
	ctx := d.Context()
	r := d.file(sara)
	d.to(r.ID, reports.Assigned, reports.InProgress)
	_, _, err := d.Note(ctx, officer, r.ID, "سري: المقاول متأخر")
	must(d.T, err)
	_, _, err = d.Reply(ctx, officer, r.ID, "الفني في الطريق")
	must(d.T, err)
	_, err = d.Assign(ctx, supervisor, r.ID, reports.Assign{Assignee: officer.ID, Note: "سري: أعطه لأحمد"})
	must(d.T, err)
	for _, a := range []actor.Actor{omar, {}, stranger, staffOf(actor.Officer, "SA-01", "dawah"), {Kind: actor.Citizen}} {
		_, err := d.Get(ctx, a, r.ID)
		d.wantFault(err, fault.NotFound)
	}
	seen, err := d.Get(ctx, sara, r.ID)
	must(d.T, err)
	b, err := json.Marshal(seen)
	must(d.T, err)
	if s := string(b); strings.Contains(s, "سري") || strings.Contains(s, "staff-") || !strings.Contains(s, "الفني في الطريق") {
		d.Errorf("the citizen sees %s", s)
	}
	if reply := seen.Timeline[len(seen.Timeline)-1]; reply.By.Kind != actor.Staff || reply.By.Department != "maintenance" {
		d.Errorf("the reply is by %+v", reply.By)
	}
	whole, err := d.Get(ctx, manager, r.ID)
	must(d.T, err)
	if len(whole.Timeline) != len(seen.Timeline)+3 || whole.Assignee != officer.ID {
		d.Errorf("the desk sees %+v", whole)
	}
}

func serviceComment(d *reportsDesk) {
	ctx := d.Context()
	r := d.file(sara)
	got, e, err := d.Comment(ctx, sara, r.ID, " تعطل مكبر ثان ")
	must(d.T, err)
	if e.Text != "تعطل مكبر ثان" || e.Kind != reports.EntryComment || got.Status != reports.Received || got.Timeline[1].ID != e.ID {
		d.Errorf("commented %+v", got)
	}
	d.to(r.ID, reports.Assigned, reports.InProgress, reports.WaitingForCitizen)
	d.facts()
	if got, _, err = d.Comment(ctx, sara, r.ID, "نعم"); err != nil || got.Status != reports.InProgress {
		d.Errorf("answered: %+v, %v", got, err)
	}
	facts := d.facts()
	if len(facts) != 1 || facts[0].Report.From != "waiting_for_citizen" || facts[0].Report.To != "in_progress" || !facts[0].Report.ByCitizen {
		d.Errorf("facts %+v", facts)
	}
	_, _, err = d.Comment(ctx, omar, r.ID, "x")
	d.wantFault(err, fault.NotFound)
	_, _, err = d.Comment(ctx, supervisor, r.ID, "x")
	d.wantFault(err, fault.NotFound)
	for text, want := range map[string]string{"": "text required", "a\x00": "text wrong_format", strings.Repeat("ب", 2001): "text too_long"} {
		_, _, err = d.Comment(ctx, sara, r.ID, text)
		d.wantFault(err, fault.Invalid, want)
	}
	if can := d.Can(sara, got); !can.Comment || !can.AddPhoto || !can.Withdraw || can.Reopen || can.Rate || can.Support {
		d.Errorf("may %+v", can)
	}
	got, err = d.Withdraw(ctx, sara, r.ID, "حُلّت")
	if err != nil || got.Status != reports.Withdrawn || got.Timeline[len(got.Timeline)-1].Text != "حُلّت" {
		d.Errorf("withdrawn %+v, %v", got, err)
	}
	d.wantFacts("moved in_progress>withdrawn")
	_, _, err = d.Comment(ctx, sara, r.ID, "x")
	d.wantFault(err, fault.Conflict)
	_, err = d.Withdraw(ctx, sara, r.ID, "")
	d.wantFault(err, fault.TransitionNotAllowed)
	if can := d.Can(sara, got); can != (reports.Can{}) {
		d.Errorf("may %+v", can)
	}
}

func serviceReopen(d *reportsDesk) {
	ctx := d.Context()
	r := d.file(sara)
	_, err := d.Reopen(ctx, sara, r.ID, "")
	d.wantFault(err, fault.TransitionNotAllowed)
	r = d.to(r.ID, reports.Assigned, reports.InProgress, reports.Resolved)
	if r.Closure != 1 || !r.ResolvedAt.Equal(d.clock) || r.ResolvedBy != supervisor.ID || !r.FirstAnswer.Equal(d.clock) || !r.Deadline().IsZero() {
		d.Errorf("resolved %+v", r)
	}
	can := d.Can(sara, r)
	if !can.Reopen || !can.Rate || can.Comment || !can.ReopenUntil.Equal(d.clock.AddDate(0, 0, 14)) || !can.RateUntil.Equal(d.clock.AddDate(0, 0, 14)) {
		d.Errorf("may %+v", can)
	}
	_, err = d.Reopen(ctx, omar, r.ID, "")
	d.wantFault(err, fault.NotFound)
	d.later(14*24*time.Hour - time.Second)
	r, err = d.Reopen(ctx, sara, r.ID, "عاد العطل")
	must(d.T, err)
	if r.Status != reports.Reopened || !r.ResolvedAt.IsZero() || !r.Due.Resolution.After(d.clock) {
		d.Errorf("reopened %+v", r)
	}
	_, err = d.Reopen(ctx, sara, r.ID, "")
	d.wantFault(err, fault.TransitionNotAllowed)
	r = d.to(r.ID, reports.Assigned, reports.InProgress, reports.Resolved, reports.Closed)
	facts := d.facts()
	if last := facts[len(facts)-1].Report; last.Closure != 2 || last.To != "closed" || last.Employee != supervisor.ID || r.Closure != 2 {
		d.Errorf("the last fact %+v", last)
	}
	d.later(14 * 24 * time.Hour)
	_, err = d.Reopen(ctx, sara, r.ID, "")
	d.wantFault(err, fault.Gone)
	if can := d.Can(sara, r); can.Reopen || can.Rate {
		d.Errorf("may %+v", can)
	}
}

func serviceSupport(d *reportsDesk) {
	ctx := d.Context()
	r := d.file(sara)
	for range 2 {
		if n, err := d.Support(ctx, omar, r.ID); err != nil || n != 1 {
			d.Errorf("%d, %v", n, err)
		}
	}
	_, err := d.Support(ctx, sara, r.ID)
	d.wantFault(err, fault.Conflict)
	_, err = d.Support(ctx, clerk, r.ID)
	d.wantFault(err, fault.Forbidden)
	_, err = d.Support(ctx, actor.Actor{}, r.ID)
	d.wantFault(err, fault.Forbidden)
	if can := d.Can(omar, r); !can.Support || can.Comment {
		d.Errorf("may %+v", can)
	}
	if n, err := d.Unsupport(ctx, omar, r.ID); err != nil || n != 0 {
		d.Errorf("%d, %v", n, err)
	}
	d.to(r.ID, reports.Assigned, reports.InProgress, reports.Resolved)
	_, err = d.Support(ctx, omar, r.ID)
	d.wantFault(err, fault.Conflict)
	hidden := d.file(sara)
	d.to(hidden.ID, reports.Rejected)
	_, err = d.Support(ctx, omar, hidden.ID)
	d.wantFault(err, fault.NotFound)
	near, err := d.Nearby(ctx, actor.Actor{}, reports.NearSearch{Point: r.Place.Point(), Radius: 100, All: true, Limit: 9})
	if err != nil || len(near) != 1 || near[0].ID != r.ID {
		d.Errorf("nearby %+v, %v", near, err)
	}
	for _, n := range []reports.NearSearch{{Radius: 0, Limit: 1}, {Radius: 5001, Limit: 1}, {Radius: 5, Limit: 101}, {Point: reports.Point{Latitude: 91}, Radius: 5, Limit: 1}} {
		_, err := d.Nearby(ctx, sara, n)
		d.wantFault(err, fault.Invalid)
	}
}
