package storetest

import (
	"slices"
	"sync"
	"testing"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/reports"
)

// changesOf are the ids and kinds of what was written after a position.
func changesOf(t *testing.T, s ReportsStore, after int64) (got []string) {
	t.Helper()
	list, whole, err := s.Changes(t.Context(), reports.ChangesQuery{After: after, Limit: 100})
	must(t, err)
	if !whole {
		t.Fatal("the store does not know what was written a moment ago")
	}
	for i, c := range list {
		if i > 0 && c.Position < list[i-1].Position {
			t.Errorf("out of order: %+v", list)
		}
		got = append(got, c.ID+" "+string(c.Change))
	}
	return got
}

func noted(kind reports.EntryKind) func(*reports.Report) ([]event.Event, error) {
	return func(r *reports.Report) ([]event.Event, error) {
		r.Timeline = append(r.Timeline, reports.Entry{ID: "entry", Kind: kind})
		return nil, nil
	}
}

// reportsChanges: what is written is given once, as it is now, by its last change.
func reportsChanges(t *testing.T, s ReportsStore) {
	ctx := t.Context()
	began, err := s.ChangePosition(ctx)
	must(t, err)
	if began == 0 {
		t.Error("a position is 0, which stands for none")
	}
	for n := range 3 {
		must(t, s.CreateReport(ctx, aReport(n, func(r *reports.Report) { r.Timeline = []reports.Entry{{ID: "entry", Kind: reports.EntryReceived}} }), nil))
	}
	_, err = s.UpdateReport(ctx, reportID(0), noted(reports.EntryNote))
	must(t, err)
	want := []string{reportID(1) + " received", reportID(2) + " received", reportID(0) + " note"}
	got := changesOf(t, s, began)
	slices.Sort(want)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	list, whole, err := s.Changes(ctx, reports.ChangesQuery{After: began, Limit: 100, Known: func(id string, rev int64) bool { return id != reportID(0) || rev < 2 }})
	must(t, err)
	if r, err := s.Report(ctx, reportID(0)); err != nil || !whole || len(list) != 1 || list[0].Rev != 2 || list[0].Number != r.Number || list[0].Status != r.Status ||
		list[0].Centre != r.Centre || list[0].Department != r.Department {
		t.Errorf("without those that are known: %+v, %v", list, whole)
	}
	if list, whole, err := s.Changes(ctx, reports.ChangesQuery{After: began, Limit: 2}); err != nil || whole || list != nil {
		t.Errorf("more than the limit: %v, %v, %v", list, whole, err)
	}
	now, err := s.ChangePosition(ctx)
	must(t, err)
	if now < began {
		t.Errorf("the position went from %d to %d", began, now)
	}
	for _, strange := range []int64{now + 1<<40, 1 << 62, -5} {
		if list, whole, err := s.Changes(ctx, reports.ChangesQuery{After: strange, Limit: 100}); err != nil || whole || list != nil {
			t.Errorf("after %d, a position that is none: %v, %v, %v", strange, list, whole, err)
		}
	}
}

// reportsChangesAtOnce: somebody who looks again and again while many write hears of the last state of every report.
func reportsChangesAtOnce(t *testing.T, s ReportsStore) {
	const writers, writes = 8, 20
	at, err := s.ChangePosition(t.Context())
	must(t, err)
	for n := range writers {
		must(t, s.CreateReport(t.Context(), aReport(n), nil))
	}
	seen := map[string]int64{}
	look := func() {
		now, err := s.ChangePosition(t.Context())
		must(t, err)
		list, whole, err := s.Changes(t.Context(), reports.ChangesQuery{After: at, Limit: 1000, Known: func(id string, rev int64) bool { return seen[id] >= rev }})
		must(t, err)
		if !whole {
			t.Error("something was lost")
		}
		at = now
		for _, c := range list {
			seen[c.ID] = max(seen[c.ID], c.Rev)
			at = max(at, c.Position)
		}
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	for n := range writers {
		wg.Go(func() {
			for range writes {
				if _, err := s.UpdateReport(t.Context(), reportID(n), noted(reports.EntryNote)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		look()
	}
	for n := range writers {
		if seen[reportID(n)] != writes+1 {
			t.Errorf("of report %d rev %d was the last that was heard of, want %d", n, seen[reportID(n)], writes+1)
		}
	}
}
