package surveys_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// opinion asks after closed cases at once, without reminders.
func opinion(change ...func(*surveys.Programme)) surveys.Programme {
	return afterCase("opinion", append([]func(*surveys.Programme){func(x *surveys.Programme) {
		x.After, x.Reminders, x.QuarantineDays = &surveys.After{On: []string{surveys.OnClosed}}, nil, 0
	}}, change...)...)
}

// answers of a citizen to whatever they are asked.
func (w *asker) answers(citizen string, overall float64) {
	w.t.Helper()
	all, err := w.Asked(w.t.Context(), person(citizen))
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%s is asked %d times, %v", citizen, len(all), err)
	}
	if _, err := w.Respond(w.t.Context(), person(citizen), all[0].Invitation.ID, whole(func(a form.Answers) { a["overall"] = overall })); err != nil {
		w.t.Fatal(err)
	}
}

// Those who are asked after cases within a month are a round: it closes when the last of them cannot answer any more, and its
// figures can be compared with those of the month before.
func TestProgrammes_afterCases_months(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.at(time.Date(2026, 1, 15, 23, 0, 0, 0, riyadh))
	w.put(opinion())
	for n := range 10 {
		w.fact(fmt.Sprintf("report-1-%02d", n), fmt.Sprintf("citizen-%02d", n), "closed")
	}
	w.run()
	for month := 2; month <= 3; month++ {
		w.at(time.Date(2026, time.Month(month), 3, 9, 0, 0, 0, riyadh))
		for n := range 24 {
			w.fact(fmt.Sprintf("report-%d-%02d", month, n), fmt.Sprintf("citizen-%02d", n), "closed")
		}
		w.run()
		for n := range 20 {
			w.answers(fmt.Sprintf("citizen-%02d", n), float64(month+n%2)) // satisfied in February: half of those with 3; in March 4 and 5
		}
		for range 11 {
			w.pass(day)
			w.run()
		}
	}
	all := w.rounds("opinion")
	if len(all) != 3 {
		t.Fatalf("%d rounds", len(all))
	}
	slices.SortFunc(all, func(a, b *surveys.Round) int { return a.Number - b.Number })
	for i, r := range all {
		from, to := time.Date(2026, time.Month(i+1), 1, 0, 0, 0, 0, riyadh), time.Date(2026, time.Month(i+2), 1, 0, 0, 0, 0, riyadh)
		if r.Number != i+1 || !r.From.Equal(from) || !r.To.Equal(to) || !r.Closes.Equal(to.AddDate(0, 0, 10)) {
			t.Errorf("%+v", r)
		}
	}
	if all[0].State != surveys.RoundPublished || all[1].State != surveys.RoundPublished || all[2].State != surveys.RoundOpen {
		t.Errorf("%s, %s, %s", all[0].State, all[1].State, all[2].State)
	}
	march, err := w.Results(t.Context(), setter, all[2].ID, all[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	want := surveys.Dispositions{Complete: 20, Unknown: 4}
	if march.Dispositions != want || march.Respondents != 20 || march.Methods.Drawn.Sampled != 24 {
		t.Errorf("March, whose people had ten days: %+v, %+v", march.Dispositions, march.Methods.Drawn)
	}
	february, err := w.Results(t.Context(), setter, all[1].ID, "")
	if err != nil {
		t.Fatal(err)
	}
	if f := february.FirstTime; f == nil || f.Count != 10 || f.N != 20 { // ten had a report in January
		t.Errorf("first in February: %+v", f)
	}
	if f := march.FirstTime; f == nil || f.Count != 0 {
		t.Errorf("first in March: %+v", f)
	}
	if d := all[1].Drawn; !february.Final || d.Population != 24 || d.Sampled != 24 || february.Methods.Drawn.Population != 24 {
		t.Errorf("February is asked of %+v", d)
	}
	for _, q := range march.Comparison.Questions {
		if q.Code == "overall" && (q.Now == nil || *q.Now != 0.5 || *q.Then != 0) {
			t.Errorf("overall: %v, before %v", q.Now, q.Then)
		}
	}
}

// Who is in the quarantine when their day comes is counted as an exclusion, and lowers no response rate.
func TestProgrammes_afterCases_quarantine(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.put(opinion(func(x *surveys.Programme) { x.QuarantineDays = 30 }))
	for n := range 12 {
		w.fact(fmt.Sprintf("report-%02d", n), fmt.Sprintf("citizen-%02d", n%8), "closed")
	}
	w.run()
	r := w.rounds("opinion")[0]
	answer, err := w.Results(t.Context(), setter, r.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	d := answer.Methods.Drawn
	if d.Population != 12 || d.Excluded[surveys.ExcludedQuarantine] != 4 || d.Sampled != 8 || answer.Dispositions != (surveys.Dispositions{Open: 8}) {
		t.Errorf("%+v, %+v", d, answer.Dispositions)
	}
}

// A programme that changes within a month, or whose round is stopped, goes on with another round.
func TestProgrammes_afterCases_changes(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	x := w.put(opinion())
	asked := func(n int) {
		w.fact(fmt.Sprintf("report-%02d", n), fmt.Sprintf("citizen-%02d", n), "closed")
		w.pass(time.Minute)
		w.run()
	}
	asked(1)
	asked(2)
	x.OpenDays = 5
	w.put(*x)
	asked(3)
	if _, err := w.StopRound(t.Context(), setter, w.rounds("opinion")[0].ID); err != nil {
		t.Fatal(err)
	}
	asked(4)
	all := w.rounds("opinion")
	slices.SortFunc(all, func(a, b *surveys.Round) int { return a.Number - b.Number })
	var got []string
	for _, r := range all {
		got = append(got, fmt.Sprint(r.State, " ", r.Programme.OpenDays, " ", w.states(r.ID)))
	}
	if want := []string{"open 10 map[invited:2]", "stopped 5 map[invited:1]", "open 5 map[invited:1]"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if !all[1].From.After(all[0].From) || !all[2].From.After(all[1].From) {
		t.Errorf("they begin at %s, %s, %s", all[0].From, all[1].From, all[2].From)
	}
	if _, err := w.AskedOne(t.Context(), person("citizen-03"), event.Derive("report-03", "survey", "opinion", surveys.OnClosed)); err != nil {
		t.Error(err)
	}
	over, err := w.Asked(t.Context(), person("citizen-03"))
	if err != nil || len(over) != 0 {
		t.Errorf("asked of a round that was stopped: %d, %v", len(over), err)
	}
}

// Two processes begin one round of a month.
func TestProgrammes_afterCases_twoProcesses(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.put(opinion())
	for n := range 40 {
		w.fact(fmt.Sprintf("report-%02d", n), fmt.Sprintf("citizen-%02d", n), "closed")
	}
	done := make(chan error, 4)
	for range 4 {
		go func() { done <- runOnce(context.Background(), w.process(w.db)) }()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if all := w.rounds("opinion"); len(all) != 1 || w.states(all[0].ID)[surveys.InvitationInvited] != 40 {
		t.Errorf("%d rounds, %v", len(all), w.states(all[0].ID))
	}
}

// An anonymous month tells nothing until it is over.
func TestProgrammes_afterCases_anonymous(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.Rand = rand.Reader
	w.put(opinion(func(x *surveys.Programme) { x.Anonymous = true }))
	for n := range 12 {
		w.fact(fmt.Sprintf("report-%02d", n), fmt.Sprintf("citizen-%02d", n), "closed")
	}
	w.run()
	for n := range 12 {
		w.answers(fmt.Sprintf("citizen-%02d", n), 5)
	}
	id := w.rounds("opinion")[0].ID
	open, err := w.Results(t.Context(), setter, id, "")
	if err != nil || !slices.Contains(open.Methods.Notes, surveys.NoteAnonymous) || open.Questions[0].Total.N != 0 {
		t.Errorf("%v, %v", open.Methods.Notes, err)
	}
	for range 12 {
		w.pass(day)
		w.run()
	}
	over, err := w.Results(t.Context(), setter, id, "")
	if err != nil || !over.Final || over.Respondents != 12 {
		t.Errorf("%d, %s, %v", over.Respondents, over.State, err)
	}
	elsewhere := actor.Actor{Kind: actor.Staff, ID: "m", Role: actor.Manager, Centres: []string{"jeddah"}, Departments: []string{actor.All}}
	if _, err := w.Results(t.Context(), elsewhere, id, ""); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("of another centre: %v", err)
	}
}
