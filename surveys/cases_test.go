package surveys_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// after lets time pass with the runners at work, and gives the facts of surveys that are new.
func (w *asker) after(d time.Duration) map[string][]string {
	w.t.Helper()
	for range int(d / (6 * time.Hour)) {
		w.pass(6 * time.Hour)
		w.run()
	}
	return w.facts()
}

func TestProgrammes_On(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to     string
		change func(*event.Event)
		want   bool
	}{
		"resolved":              {"resolved", nil, true},
		"closed":                {"closed", nil, true},
		"rejected":              {"rejected", nil, true},
		"withdrawn":             {"withdrawn", nil, true},
		"in progress":           {"in_progress", nil, false},
		"a reply":               {"resolved", func(e *event.Event) { e.Type = event.ReportReplied }, false},
		"anonymous":             {"closed", func(e *event.Event) { e.Report.Citizen = "" }, false},
		"filed by staff":        {"closed", func(e *event.Event) { e.Report.SelfFiled = true }, false},
		"outside the frame":     {"closed", func(e *event.Event) { e.Report.Region = "eastern" }, false},
		"another's fact":        {"closed", func(e *event.Event) { e.Report = nil }, false},
		"overdue":               {"in_progress", func(e *event.Event) { e.Report.Due = e.At.Add(time.Hour) }, true},
		"not overdue yet":       {"in_progress", func(e *event.Event) { e.Report.Due = e.At.AddDate(1, 0, 0) }, false},
		"without knowing since": {"closed", func(e *event.Event) { e.Report.Received = time.Time{} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newAsker(t)
			w.put(afterCase("cases", func(x *surveys.Programme) { x.Frame.Regions, x.Reminders = []string{"central"}, nil }))
			e := w.fact("report-1", "citizen-1", c.to, func(e *event.Event) {
				if c.change != nil {
					c.change(e)
				}
			})
			if err := w.On(t.Context(), e); err != nil { // again
				t.Fatal(err)
			}
			if early := w.after(2 * day); len(early) > 0 {
				t.Errorf("invited before its day: %v", early)
			}
			got := w.after(2 * day)
			if want := map[bool]int{true: 1}[c.want]; len(got["citizen-1"]) != want || len(got) != want {
				t.Errorf("%v, want %d", got, want)
			}
		})
	}
}

func TestProgrammes_On_once(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.put(afterCase("cases", func(x *surveys.Programme) { x.QuarantineDays, x.Reminders = 0, nil }))
	for _, to := range []string{"resolved", "closed", "reopened", "resolved"} {
		w.fact("report-1", "citizen-1", to)
		w.pass(time.Hour)
	}
	w.fact("report-1", "citizen-1", "rejected") // another point of the same case
	if got := w.after(5 * day); !slices.Equal(got["citizen-1"], []string{"invited", "invited"}) {
		t.Errorf("%v", got)
	}
}

// Facts that come together make what they would make one after the other.
func TestProgrammes_Several(t *testing.T) {
	t.Parallel()
	w, one := newAsker(t), newAsker(t)
	var facts []event.Event
	for i, to := range []string{"received", "resolved", "closed", "reopened", "resolved", "rejected"} {
		facts = append(facts, one.fact("report-1", "citizen-1", to, func(e *event.Event) {
			e.At = e.At.Add(time.Duration(i) * time.Hour)
			if i == 0 || i == 2 { // the closing fits another frame than the resolving did
				e.Report.Centre = "jeddah"
			}
		}))
	}
	facts[0], facts[5] = facts[5], facts[0] // a clock was set back: what is kept is the newest all the same
	facts = append(facts, event.Event{Type: event.ReportRated, At: facts[0].At}, one.fact("report-2", "", "closed"))
	for _, x := range []*asker{w, one} {
		x.put(afterCase("all", func(x *surveys.Programme) { x.QuarantineDays, x.Reminders = 0, nil }))
		x.put(afterCase("jeddah", func(x *surveys.Programme) {
			x.QuarantineDays, x.Reminders, x.Frame.Centres = 0, nil, []string{"jeddah"}
		}))
	}
	for _, e := range facts {
		if err := one.On(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := w.Several(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
	}
	for name, x := range map[string]*asker{"together": w, "one by one": one} {
		if got := x.after(5 * day); !slices.Equal(got["citizen-1"], []string{"invited", "invited", "invited"}) || len(got) != 1 {
			t.Errorf("%s: %v", name, got)
		}
		n := 0
		err := x.db.People(t.Context(), surveys.Frame{}, lately.AddDate(0, 0, -1), lately.AddDate(0, 0, 1),
			func(p *surveys.FramePerson) error {
				n++
				if p.Citizen != "citizen-1" || p.Centre != "riyadh" {
					t.Errorf("%s: %+v", name, p)
				}
				return nil
			})
		if err != nil || n != 1 {
			t.Errorf("%s: %d people, %v", name, n, err)
		}
	}
}

func TestProgrammes_On_quarantine(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.put(afterCase("a", func(x *surveys.Programme) { x.Reminders = nil }))
	w.put(afterCase("b", func(x *surveys.Programme) { x.Reminders = nil }))
	for _, report := range []string{"report-1", "report-2", "report-3"} {
		w.fact(report, "citizen-1", "closed")
	}
	if got := w.after(5 * day); !slices.Equal(got["citizen-1"], []string{"invited"}) {
		t.Errorf("%v", got)
	}
	w.pass(60 * day)
	w.fact("report-4", "citizen-1", "closed")
	w.run()
	if got := w.after(5 * day); !slices.Equal(got["citizen-1"], []string{"invited"}) { // the facts of before are leased
		t.Errorf("after the quarantine: %v", got)
	}
}

func TestProgrammes_On_programmeEnds(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	x := w.put(afterCase("cases"))
	w.fact("report-1", "citizen-1", "closed")
	x.Active = false
	w.put(*x)
	w.fact("report-2", "citizen-2", "closed")
	x.Active = true
	if got := w.after(5 * day); len(got) != 0 {
		t.Errorf("%v: what was planned is dropped", got)
	}
	w.put(*x)
	if got := w.after(5 * day); len(got) != 0 {
		t.Errorf("%v: and stays so", got)
	}
}

// Deadlines that passed while no programme asked about them are not asked about by one that comes later.
func TestProgrammes_On_overdueBefore(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.fact("report-1", "citizen-1", "in_progress", func(e *event.Event) { e.Report.Due = e.At.Add(time.Hour) })
	w.pass(day)
	w.run()
	w.put(afterCase("cases"))
	w.fact("report-1", "citizen-1", "in_progress", func(e *event.Event) { e.Type = event.ReportReplied; e.Report.Due = time.Time{} })
	if got := w.after(5 * day); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestProgrammes_On_keepsCases(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	e := w.fact("report-1", "citizen-1", "received", func(e *event.Event) { e.Report.Residency, e.Report.Company = "resident", true })
	w.pass(time.Hour)
	w.fact("report-1", "citizen-1", "rejected", func(e *event.Event) { e.Report.Department, e.Report.Received = "sound", e.At.Add(-time.Hour) })
	if err := w.On(t.Context(), e); err != nil { // an old fact again
		t.Fatal(err)
	}
	n := 0
	err := w.db.People(t.Context(), surveys.Frame{}, lately.AddDate(0, 0, -1), lately.AddDate(0, 0, 1),
		func(p *surveys.FramePerson) error {
			n++
			if p.Citizen != "citizen-1" || p.Department != "sound" || p.Region != "central" || !p.First {
				t.Errorf("%+v", p)
			}
			return nil
		})
	if err != nil || n != 1 {
		t.Errorf("%d people, %v: a rejected case is in the frame", n, err)
	}
}

// The runners end when they are told to.
func TestProgrammes_run(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(3)
	w.put(monthly("monthly"))
	w.at(time.Date(2026, 3, 1, 8, 0, 0, 0, riyadh))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- w.RunRounds(ctx) }()
	go func() { done <- w.RunInvitations(ctx) }()
	for open := false; !open; {
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
		r := w.rounds("monthly")
		open = len(r) == 1 && r[0].State == surveys.RoundOpen
	}
	stop()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
