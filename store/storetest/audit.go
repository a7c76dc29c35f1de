package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/fault"
)

// TestAudit is what every backend must do with the entries of the audit.
func TestAudit(t *testing.T, open func(t *testing.T) audit.Store) {
	t.Run("BeginAudit/then_CompleteAudit", func(t *testing.T) { t.Parallel(); auditEnds(t, open(t)) })
	t.Run("AuditEntries/pages_and_filters", func(t *testing.T) { t.Parallel(); auditPages(t, open(t)) })
}

func anEntry(n int) *audit.Entry {
	return &audit.Entry{ID: fmt.Sprintf("01936f0e-6a53-7c3e-9d0e-%012d", n), At: dawn.Add(time.Duration(n/3) * time.Minute), Staff: fmt.Sprint("staff-", n%2),
		Operation: "updateStaff", Path: fmt.Sprintf("/v1/admin/%s/%d", []string{"staff", "centres", "cent%"}[n%3], n), Fields: []string{"name", "password"}, Request: "r",
		Outcome: audit.Begun, Before: []byte{0, 1, byte(n)}}
}

func auditEnds(t *testing.T, s audit.Store) {
	ctx := t.Context()
	must(t, s.BeginAudit(ctx, anEntry(1)))
	if err := s.BeginAudit(ctx, anEntry(1)); fault.CodeOf(err) != fault.Exists {
		t.Errorf("an id that is taken: %v", err)
	}
	begun, err := s.AuditEntry(ctx, anEntry(1).ID)
	must(t, err)
	if begun.Outcome != audit.Begun || begun.Status != 0 || !bytes.Equal(begun.Before, anEntry(1).Before) || begun.After != nil || !slices.Equal(begun.Fields, anEntry(1).Fields) {
		t.Errorf("begun: %+v", begun)
	}
	end := audit.End{Outcome: audit.Done, Status: 200, Tag: `"2"`, After: []byte("after")}
	for range 2 { // again, when its answer was lost
		must(t, s.CompleteAudit(ctx, begun.ID, end))
	}
	done, err := s.AuditEntry(ctx, begun.ID)
	must(t, err)
	if done.Outcome != audit.Done || done.Status != 200 || done.Tag != `"2"` || string(done.After) != "after" || !bytes.Equal(done.Before, begun.Before) || !done.At.Equal(begun.At) {
		t.Errorf("done: %+v", done)
	}
	if err := s.CompleteAudit(ctx, "nobody", end); !isNotFound(err) {
		t.Errorf("completed what is not there: %v", err)
	}
	if _, err := s.AuditEntry(ctx, "nobody"); !isNotFound(err) {
		t.Errorf("read what is not there: %v", err)
	}
}

func auditPages(t *testing.T, s audit.Store) {
	for n := range 20 {
		must(t, s.BeginAudit(t.Context(), anEntry(n)))
	}
	for name, c := range map[string]struct {
		q     audit.Query
		wants func(*audit.Entry) bool
	}{
		"all":      {audit.Query{}, func(*audit.Entry) bool { return true }},
		"staff":    {audit.Query{Staff: "staff-1"}, func(e *audit.Entry) bool { return e.Staff == "staff-1" }},
		"path":     {audit.Query{Path: "/v1/admin/cent"}, func(e *audit.Entry) bool { return e.Path[:14] == "/v1/admin/cent" }},
		"a % sign": {audit.Query{Path: "/v1/admin/cent%"}, func(e *audit.Entry) bool { return e.Path[14] == '%' }},
		"period": {audit.Query{From: dawn.Add(time.Minute), To: dawn.Add(5 * time.Minute)}, func(e *audit.Entry) bool {
			return !e.At.Before(dawn.Add(time.Minute)) && e.At.Before(dawn.Add(5*time.Minute))
		}},
		"staff and period": {audit.Query{Staff: "staff-0", To: dawn.Add(3 * time.Minute)}, func(e *audit.Entry) bool {
			return e.Staff == "staff-0" && e.At.Before(dawn.Add(3*time.Minute))
		}},
	} {
		var want, got []string
		for n := 19; n >= 0; n-- {
			if e := anEntry(n); c.wants(e) {
				want = append(want, e.ID)
			}
		}
		c.q.Limit = 4
		for len(got) <= len(want) {
			page, err := s.AuditEntries(t.Context(), c.q)
			must(t, err)
			for _, e := range page {
				if e.Before != nil || e.After != nil {
					t.Errorf("%s: a list has what was before", name)
				}
				got = append(got, e.ID)
			}
			if len(page) < c.q.Limit {
				break
			}
			c.q.After = audit.Mark{At: page[3].At, ID: page[3].ID}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
