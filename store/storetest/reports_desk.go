package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

func serviceMove(d *reportsDesk) {
	ctx := d.Context()
	r := d.file(sara)
	d.facts()
	for _, a := range []actor.Actor{manager, admin, sara, {}} {
		_, err := d.Move(ctx, a, r.ID, reports.Move{To: reports.Assigned})
		d.wantFault(err, fault.Forbidden)
	}
	_, err := d.Move(ctx, stranger, r.ID, reports.Move{To: reports.Assigned})
	d.wantFault(err, fault.NotFound)
	_, err = d.Move(ctx, clerk, r.ID, reports.Move{To: reports.Closed})
	d.wantFault(err, fault.TransitionNotAllowed)
	if f, ok := errors.AsType[*fault.Error](err); !ok || !slices.Equal(f.Allowed, []string{"assigned", "rejected"}) {
		d.Errorf("allowed: %v", f)
	}
	_, err = d.Move(ctx, supervisor, r.ID, reports.Move{To: reports.Duplicate})
	d.wantFault(err, fault.TransitionNotAllowed)
	if next := d.Transitions(supervisor, r); !slices.Equal(next, []reports.Status{reports.Assigned, reports.Rejected}) {
		d.Errorf("transitions %v", next)
	}
	if d.Transitions(manager, r) != nil || d.Transitions(stranger, r) != nil {
		d.Error("transitions for those who may make none")
	}
	old := int64(7)
	_, err = d.Move(ctx, clerk, r.ID, reports.Move{To: reports.Assigned, Rev: &old})
	d.wantFault(err, fault.PreconditionFailed)
	_, err = d.Move(ctx, clerk, r.ID, reports.Move{To: "gone", Text: "\x00", Photos: []string{"a", "a"}})
	d.wantFault(err, fault.Invalid, "to unknown", "text wrong_format", "photos/1 duplicate")
	d.wantFacts()

	got, err := d.Move(ctx, clerk, r.ID, reports.Move{To: reports.Assigned, Rev: &r.Rev, Note: "داخلي"})
	must(d.T, err)
	if got.Status != reports.Assigned || !got.FirstAnswer.IsZero() || len(got.Timeline) != 3 || !got.Timeline[1].Internal {
		d.Errorf("assigned %+v", got)
	}
	d.later(time.Hour)
	got, err = d.Move(ctx, officer, r.ID, reports.Move{To: reports.InProgress, Text: "بدأ العمل"})
	must(d.T, err)
	last := got.Timeline[len(got.Timeline)-1]
	if !got.FirstAnswer.Equal(d.clock) || last.From != reports.Assigned || last.To != reports.InProgress || last.Text != "بدأ العمل" ||
		last.By.ID != officer.ID || !last.At.Equal(d.clock) || !got.UpdatedAt.Equal(d.clock) {
		d.Errorf("in progress %+v", got)
	}
	_, err = d.Move(ctx, officer, r.ID, reports.Move{To: reports.Resolved, Photos: []string{"proof", "foreign"}})
	d.wantFault(err, fault.Invalid, "photos/1 unknown")
	got, err = d.Move(ctx, officer, r.ID, reports.Move{To: reports.Resolved, Photos: []string{"proof"}})
	must(d.T, err)
	if len(got.Photos) != 1 || !got.Photos[0].Staff || got.ResolvedBy != officer.ID {
		d.Errorf("resolved %+v", got)
	}
	d.wantFacts("moved received>assigned", "moved assigned>in_progress", "moved in_progress>resolved")
	if _, e, err := d.Reply(ctx, officer, r.ID, "شكرا"); err != nil || e.Kind != reports.EntryReply {
		d.Errorf("replied %+v, %v", e, err)
	}
	d.wantFacts("replied >resolved")
	for _, a := range []actor.Actor{manager, admin, sara} {
		_, _, err := d.Reply(ctx, a, r.ID, "x")
		d.wantFault(err, fault.Forbidden)
		_, _, err = d.Note(ctx, a, r.ID, "x")
		d.wantFault(err, fault.Forbidden)
		_, err = d.Assign(ctx, a, r.ID, reports.Assign{Note: "x"})
		d.wantFault(err, fault.Forbidden)
		_, err = d.Merge(ctx, a, r.ID, r.ID)
		d.wantFault(err, fault.Forbidden)
	}
	_, _, err = d.Note(ctx, stranger, r.ID, "x")
	d.wantFault(err, fault.NotFound)
}

func serviceAssign(d *reportsDesk) {
	ctx := d.Context()
	r := d.file(sara)
	d.facts()
	_, err := d.Assign(ctx, clerk, r.ID, reports.Assign{Centre: "SA-99", Department: "x"})
	d.wantFault(err, fault.Invalid, "centre unknown", "department unknown")
	_, err = d.Assign(ctx, officer, r.ID, reports.Assign{Assignee: officer.ID})
	d.wantFault(err, fault.TransitionNotAllowed)
	got, err := d.Assign(ctx, clerk, r.ID, reports.Assign{Department: "dawah", Assignee: "staff-9"})
	must(d.T, err)
	last := got.Timeline[len(got.Timeline)-1]
	if got.Status != reports.Assigned || got.Department != "dawah" || got.Assignee != "staff-9" || last.Department != "dawah" || last.Kind != reports.EntryAssigned ||
		last.From != reports.Received || last.To != reports.Assigned {
		d.Errorf("assigned %+v", got)
	}
	d.wantFacts("moved received>assigned")
	if got, err = d.Assign(ctx, clerk, r.ID, reports.Assign{Department: "dawah"}); err != nil || len(got.Timeline) != 2 {
		d.Errorf("as it was already: %+v, %v", got, err)
	}
	d.wantFacts()
	got, err = d.Assign(ctx, clerk, r.ID, reports.Assign{Centre: "SA-02", Department: "maintenance"})
	must(d.T, err)
	if got.Centre != "SA-02" || got.Assignee != "" || got.Timeline[len(got.Timeline)-1].Internal {
		d.Errorf("handed on %+v", got)
	}
	d.wantFacts("assigned >assigned")
	_, err = d.Assign(ctx, clerk, r.ID, reports.Assign{Centre: "SA-01"})
	d.wantFault(err, fault.NotFound)
	got, err = d.Assign(ctx, stranger, r.ID, reports.Assign{Assignee: "staff-8"})
	if err != nil || got.Assignee != "staff-8" || !got.Timeline[len(got.Timeline)-1].Internal {
		d.Errorf("to an employee %+v, %v", got, err)
	}
}

func serviceMerge(d *reportsDesk) {
	ctx := d.Context()
	first, second, third, elsewhere := d.file(sara), d.file(omar), d.file(omar), d.file(sara, func(n *reports.NewReport) { n.Place.Longitude = 39.5 })
	_, err := d.Support(ctx, actor.Actor{Kind: actor.Citizen, ID: reporter(3)}, second.ID)
	must(d.T, err)
	_, err = d.Support(ctx, sara, second.ID)
	must(d.T, err)
	d.facts()
	_, err = d.Merge(ctx, supervisor, second.ID, second.ID)
	d.wantFault(err, fault.Invalid, "into contradictory")
	_, err = d.Merge(ctx, supervisor, second.ID, reportID(404))
	d.wantFault(err, fault.Invalid, "into unknown")
	_, err = d.Merge(ctx, supervisor, second.ID, elsewhere.ID)
	d.wantFault(err, fault.Invalid, "into unknown")
	_, err = d.Merge(ctx, stranger, second.ID, first.ID)
	d.wantFault(err, fault.NotFound)
	for range 2 { // again is fine
		got, err := d.Merge(ctx, supervisor, second.ID, first.ID)
		must(d.T, err)
		if got.Status != reports.Duplicate || got.DuplicateOf == nil || *got.DuplicateOf != (reports.Ref{ID: first.ID, Number: first.Number}) {
			d.Errorf("merged %+v", got)
		}
	}
	d.wantFacts("moved received>duplicate")
	target, err := d.Get(ctx, supervisor, first.ID)
	must(d.T, err)
	if target.Supports != 2 || !slices.Equal(target.Merged, []reports.Ref{{ID: second.ID, Number: second.Number}}) || len(target.Timeline) != 2 {
		d.Errorf("the other one %+v", target)
	}
	if seen, err := d.Get(ctx, omar, second.ID); err != nil || seen.DuplicateOf.ID != "" || seen.DuplicateOf.Number != first.Number {
		d.Errorf("the citizen sees %+v, %v", seen.DuplicateOf, err)
	}
	_, err = d.Merge(ctx, supervisor, third.ID, second.ID) // into a duplicate
	d.wantFault(err, fault.Invalid, "into not_allowed")
	_, err = d.Merge(ctx, supervisor, first.ID, third.ID) // of one that has duplicates
	d.wantFault(err, fault.Conflict)
	_, err = d.Merge(ctx, supervisor, second.ID, third.ID) // a duplicate already
	d.wantFault(err, fault.TransitionNotAllowed)
	_, err = d.Merge(ctx, clerk, third.ID, first.ID)
	d.wantFault(err, fault.Forbidden)
}

func serviceMergeRace(d *reportsDesk) {
	for range 20 {
		a, b, c := d.file(sara), d.file(omar), d.file(omar)
		pairs := [][2]string{{a.ID, b.ID}, {b.ID, a.ID}, {b.ID, c.ID}, {c.ID, a.ID}}
		var group sync.WaitGroup
		for _, p := range pairs {
			group.Go(func() {
				if _, err := d.Merge(d.Context(), supervisor, p[0], p[1]); err != nil && fault.CodeOf(err) == fault.Internal {
					d.Error(err)
				}
			})
		}
		group.Wait()
		all := map[string]*reports.Report{}
		for _, r := range []*reports.Report{a, b, c} {
			got, err := d.store.Report(d.Context(), r.ID)
			must(d.T, err)
			all[r.ID] = got
		}
		for _, r := range all {
			if r.DuplicateOf != nil && (r.Status != reports.Duplicate || all[r.DuplicateOf.ID].Status == reports.Duplicate) {
				d.Errorf("%s is a duplicate of a duplicate", r.Number)
			}
			for _, m := range r.Merged {
				if dup := all[m.ID]; dup.DuplicateOf == nil || dup.DuplicateOf.ID != r.ID {
					d.Errorf("%s took in %s, which is %s", r.Number, m.Number, dup.Status)
				}
			}
		}
	}
}

func serviceTimelineFull(d *reportsDesk) {
	ctx := d.Context()
	r := d.file(sara)
	_, err := d.store.UpdateReport(ctx, r.ID, func(r *reports.Report) ([]event.Event, error) {
		for len(r.Timeline) < reports.MaxTimeline {
			r.Timeline = append(r.Timeline, reports.Entry{ID: fmt.Sprint(len(r.Timeline)), Kind: reports.EntryComment})
		}
		return nil, nil
	})
	must(d.T, err)
	_, _, err = d.Comment(ctx, sara, r.ID, "x")
	d.wantFault(err, fault.Conflict)
	if r, err = d.Withdraw(ctx, sara, r.ID, ""); err != nil || r.Status != reports.Withdrawn {
		d.Errorf("it cannot end: %v", err)
	}
}

func serviceClose(d *reportsDesk) {
	ctx := d.Context()
	var ids []string
	for range 3 {
		r := d.file(sara)
		ids = append(ids, r.ID)
		d.to(r.ID, reports.Assigned, reports.InProgress, reports.Resolved)
		d.later(24 * time.Hour)
	}
	d.facts()
	d.later(12 * 24 * time.Hour) // the first was resolved 15 days ago, the second 14, the third 13
	if n, err := d.CloseResolved(ctx, d.clock); err != nil || n != 1 {
		d.Errorf("closed %d, %v", n, err)
	}
	d.later(time.Minute)
	if n, err := d.CloseResolved(ctx, d.clock); err != nil || n != 1 {
		d.Errorf("closed %d, %v", n, err)
	}
	d.wantFacts("moved resolved>closed", "moved resolved>closed")
	r, err := d.Get(ctx, sara, ids[0])
	must(d.T, err)
	if last := r.Timeline[len(r.Timeline)-1]; r.Status != reports.Closed || r.ClosedAt.IsZero() || last.By.Kind != actor.System {
		d.Errorf("closed %+v", r)
	}
}

func serviceVolumes(d *reportsDesk) {
	ctx := d.Context()
	d.file(sara)            // 00:30 on the fifth of March in Riyadh
	d.later(-2 * time.Hour) // 22:30 on the fourth
	d.file(sara)
	d.file(omar, func(n *reports.NewReport) { n.Place.Longitude = 39.5 })
	d.file(clerk) // for themselves: in no figure
	for _, a := range []actor.Actor{clerk, officer, supervisor, sara, {}} {
		_, _, err := d.Service.Volumes(ctx, a, reports.VolumesSearch{})
		d.wantFault(err, fault.Forbidden)
	}
	rows, total, err := d.Service.Volumes(ctx, manager, reports.VolumesSearch{By: []reports.Dimension{reports.ByDay},
		Selection: reports.Selection{From: "2026-03-01", Through: "2026-03-05"}})
	must(d.T, err)
	if total != 3 || len(rows) != 2 || rows[0].Keys[0] != "2026-03-04" || rows[0].Count != 2 {
		d.Errorf("%d in %+v", total, rows)
	}
	for want, by := range map[string][]reports.Dimension{
		"[{[R01] 2} {[R02] 1}]": {reports.ByRegion},
		"[{[2026-03-04 R01] 1} {[2026-03-04 R02] 1} {[2026-03-05 R01] 1}]": {reports.ByDay, reports.ByRegion},
		"[{[R01 SA-01] 2} {[R02 SA-02] 1}]":                                {reports.ByRegion, reports.ByCentre},
	} {
		if rows, _, err := d.Service.Volumes(ctx, manager, reports.VolumesSearch{By: by}); err != nil || fmt.Sprint(rows) != want {
			d.Errorf("by %v: %v, %v", by, rows, err)
		}
	}
	two, _ := d.Catalogue().Centre("SA-02")
	two.Region = "R01"
	_, err = d.PutCentre(ctx, admin, two, nil)
	must(d.T, err)
	if rows, total, err := d.Service.Volumes(ctx, manager, reports.VolumesSearch{By: []reports.Dimension{reports.ByRegion}}); err != nil ||
		fmt.Sprint(rows) != "[{[R01] 3}]" || total != 3 {
		d.Errorf("two centres of one region: %v, %v", rows, err)
	}
	regional := staffOf(actor.Manager, "SA-02", actor.All)
	if _, total, err := d.Service.Volumes(ctx, regional, reports.VolumesSearch{}); err != nil || total != 1 {
		d.Errorf("a regional manager counts %d, %v", total, err)
	}
	_, _, err = d.Service.Volumes(ctx, manager, reports.VolumesSearch{By: []reports.Dimension{"citizen", reports.ByDay, reports.ByDay},
		Selection: reports.Selection{From: "2026-03-05", Through: "2026-03-04"}})
	d.wantFault(err, fault.Invalid, "by too_many", "by unknown", "by duplicate", "to contradictory")
	_, _, err = d.Service.Volumes(ctx, manager, reports.VolumesSearch{Selection: reports.Selection{From: "yesterday"}})
	d.wantFault(err, fault.Invalid, "from wrong_format")
	items, _, err := d.Queue(ctx, supervisor, reports.QueueSearch{From: "2026-03-05", Through: "2026-03-05", Page: reports.Page{Limit: 9}})
	if err != nil || len(items) != 1 {
		d.Errorf("of one day: %v, %v", numbers(items), err)
	}
	_, _, err = d.Queue(ctx, sara, reports.QueueSearch{Page: reports.Page{Limit: 9}})
	d.wantFault(err, fault.Forbidden)
	_, _, err = d.Queue(ctx, clerk, reports.QueueSearch{Q: "a\x00", Sort: "citizen", Page: reports.Page{Limit: 9}})
	d.wantFault(err, fault.Invalid, "sort unknown", "q wrong_format")
	items, _, err = d.Queue(ctx, clerk, reports.QueueSearch{Q: `"(*)"`, Page: reports.Page{Limit: 9}})
	if err != nil || len(items) > 0 {
		d.Errorf("nothing but signs: %v, %v", numbers(items), err)
	}
}

func servicePut(d *reportsDesk) {
	ctx := d.Context()
	bad := reports.Category{Code: "a b", Names: map[string]string{"ar": "اسم", "fr": "Nom", "en": "x\x00"}, Department: "gone", FirstAnswerDays: -1, ResolutionDays: 366}
	_, err := d.PutCategory(ctx, admin, bad, nil)
	d.wantFault(err, fault.Invalid, "code wrong_format", "names/en wrong_format", "names/ur required", "names/fr unknown", "department unknown",
		"first_answer_days out_of_range", "resolution_days out_of_range")
	_, err = d.PutCentre(ctx, admin, reports.Centre{Code: "c", Names: threeNames, Parent: "gone", Area: json.RawMessage(`{"type":"Point"}`)}, nil)
	d.wantFault(err, fault.Invalid)
	for _, a := range []actor.Actor{manager, supervisor, sara, {}} {
		_, err := d.PutDepartment(ctx, a, reports.Department{Code: "x", Names: threeNames}, nil)
		d.wantFault(err, fault.Forbidden)
	}
	before := d.Catalogue()
	none, one := int64(0), int64(1)
	_, err = d.PutDepartment(ctx, admin, reports.Department{Code: "dawah", Names: threeNames}, &none)
	d.wantFault(err, fault.PreconditionFailed)
	if got, err := d.PutDepartment(ctx, admin, reports.Department{Code: "dawah", Names: threeNames}, &one); err != nil || got.Rev != 2 {
		d.Errorf("replaced %+v, %v", got, err)
	}
	_, err = d.PutDepartment(ctx, admin, reports.Department{Code: "dawah", Names: threeNames}, &one)
	d.wantFault(err, fault.PreconditionFailed)
	if after := d.Catalogue(); after.ETag == before.ETag || after.Rev != before.Rev+1 {
		d.Errorf("the catalogue before %s and after %s", before.ETag, after.ETag)
	}
	for code, parent := range map[string]string{"SA-01": "SA-02"} {
		c, _ := d.Catalogue().Centre(code)
		c.Parent = parent
		_, err = d.PutCentre(ctx, admin, c, nil)
		must(d.T, err)
	}
	c, _ := d.Catalogue().Centre("SA-02")
	c.Parent = "SA-01"
	_, err = d.PutCentre(ctx, admin, c, nil)
	d.wantFault(err, fault.Invalid, "parent contradictory")
	cal := d.Catalogue().Calendar
	cal.ReopenDays = 3
	if cal, err = d.PutCalendar(ctx, admin, cal, &none); err != nil || cal.Rev != 1 {
		d.Errorf("calendar %+v, %v", cal, err)
	}

	other := reports.New(d.store, attached{}, riyadh) // another process
	must(d.T, other.Refresh(ctx))
	if got := other.Catalogue(); got.ETag != d.Catalogue().ETag || got.Calendar.ReopenDays != 3 {
		d.Errorf("another process has %+v", got.Calendar)
	}
	category, _ := other.Catalogue().Category("posts")
	category.Active = false
	_, err = other.PutCategory(ctx, admin, category, nil)
	must(d.T, err)
	must(d.T, d.Refresh(ctx))
	_, _, err = d.File(ctx, sara, aNew(func(n *reports.NewReport) { n.Category, n.Attributes = "posts", nil }))
	d.wantFault(err, fault.Invalid, "category not_allowed")
}

func moved(to reports.Status) func(*reports.Report) ([]event.Event, error) {
	return func(r *reports.Report) ([]event.Event, error) {
		r.Status = to
		return nil, nil
	}
}
