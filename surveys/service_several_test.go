package surveys_test

import (
	"testing"
	"time"

	"github.com/balagh/balagh/event"
)

func TestService_Several(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var facts []event.Event
	for i, to := range []string{"received", "resolved", "closed", "reopened", "resolved", "closed"} {
		facts = append(facts, event.Event{Type: event.ReportMoved, At: began.Add(time.Duration(i) * time.Hour),
			Report: &event.Report{ID: "r", Citizen: citizen.ID, Closure: 1 + i/4, To: to}})
	}
	for range 2 {
		if err := b.Several(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
	}
	all := b.occasions("r") // the latest first
	if len(all) != 2 || !all[0].Opened.Equal(facts[4].At) || !all[0].Ended.IsZero() || !all[1].Opened.Equal(facts[1].At) || !all[1].Ended.Equal(facts[3].At) {
		t.Errorf("occasions %+v", all)
	}
}
