package surveys_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

func TestProgrammes_PutProgramme(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(40)
	zero, one := int64(0), int64(1)
	x := monthly("monthly")
	if got, f, err := w.PutProgramme(t.Context(), setter, x, nil, nil, true); err != nil || got.Rev != 0 || got.Next.IsZero() ||
		f.Invitations != 12 {
		t.Errorf("a dry run: %+v, %+v, %v", got, f, err)
	}
	if all, err := w.ProgrammesAll(t.Context(), manager); err != nil || len(all) != 0 {
		t.Errorf("a dry run wrote %d, %v", len(all), err)
	}
	if _, _, err := w.PutProgramme(t.Context(), setter, x, &one, nil, false); fault.CodeOf(err) != fault.PreconditionFailed {
		t.Errorf("there is none yet: %v", err)
	}
	got, _, err := w.PutProgramme(t.Context(), setter, x, &zero, nil, false)
	if err != nil || got.Rev != 1 || got.By != setter.ID || got.At.IsZero() {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, _, err := w.PutProgramme(t.Context(), setter, x, &zero, nil, false); fault.CodeOf(err) != fault.PreconditionFailed {
		t.Errorf("there is one: %v", err)
	}
	if _, _, err := w.PutProgramme(t.Context(), setter, x, &zero, nil, true); fault.CodeOf(err) != fault.PreconditionFailed {
		t.Errorf("a dry run says so too: %v", err)
	}
	w.at(got.Next) // due at this moment, and the runner was not here yet
	x.Names["en"] = "Each month"
	if again, _, err := w.PutProgramme(t.Context(), setter, x, &one, nil, false); err != nil || !again.Next.Equal(got.Next) {
		t.Errorf("a change of the name lost the round that is due: %v, %v", again, err)
	}
	x.Every.Hour = 9
	if again, _, err := w.PutProgramme(t.Context(), setter, x, nil, nil, false); err != nil ||
		!again.Next.Equal(got.Next.Add(time.Hour)) {
		t.Errorf("%+v, %v", again, err)
	}
	x.Active = false
	if again, _, err := w.PutProgramme(t.Context(), setter, x, nil, nil, false); err != nil || !again.Next.IsZero() {
		t.Errorf("%+v, %v", again, err)
	}
	for _, a := range []actor.Actor{{}, citizen, manager, {Kind: actor.Staff, Role: actor.Admin, Centres: []string{"riyadh"}}} {
		if _, _, err := w.PutProgramme(t.Context(), a, x, nil, nil, false); fault.CodeOf(err) != fault.Forbidden &&
			fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

func TestProgrammes_PutProgramme_faults(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	paths := func(x surveys.Programme) (all []string) {
		_, _, err := w.PutProgramme(t.Context(), setter, x, nil, everyWarning, false)
		if f, ok := errors.AsType[*fault.Error](err); ok {
			for _, field := range f.Fields {
				all = append(all, field.Path)
			}
		}
		return all
	}
	x := monthly("monthly")
	x.Questionnaire, x.OpenDays, x.Frame.Genders = "another", 0, []string{"x"}
	if got, want := paths(x), []string{"frame/genders/0", "open_days", "reminders/0", "reminders/1",
		"questionnaire"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	x = monthly("monthly")
	x.Version = 7
	if got := paths(x); !slices.Equal(got, []string{"version"}) {
		t.Errorf("%v", got)
	}
	w.PublicURL = ""
	x = monthly("monthly")
	if got := paths(x); len(got) != 0 {
		t.Errorf("%v: the policy skips what needs a link", got)
	}
	x.Channels = []string{"push", "sms"}
	if got := paths(x); !slices.Equal(got, []string{"channels"}) {
		t.Errorf("%v", got)
	}
}

func TestProgrammes_PutProgramme_warns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		people int
		change func(*surveys.Programme)
		want   []string
	}{
		"nothing": {40, nil, nil},
		"nobody":  {0, nil, []string{surveys.WarnNobody}},
		"nobody in the frame": {40, func(x *surveys.Programme) { x.Frame.Centres = []string{"nowhere"} },
			[]string{surveys.WarnNobody}},
		"everybody each week": {40, func(x *surveys.Programme) {
			x.Every.Rule, x.Sample = "FREQ=WEEKLY", surveys.Sample{Method: surveys.DrawAll}
		}, []string{surveys.WarnEverybody}},
		"a sample of more than there are, each week": {40,
			func(x *surveys.Programme) { x.Every.Rule, x.Sample.Size = "FREQ=WEEKLY", 500 }, []string{surveys.WarnEverybody}},
		"everybody each quarter": {40, func(x *surveys.Programme) {
			x.Every.Rule, x.Sample = "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", surveys.Sample{Method: surveys.DrawAll}
		}, nil},
		"no quarantine": {40, func(x *surveys.Programme) { x.QuarantineDays = 29 }, []string{surveys.WarnNoQuarantine}},
		"too few": {40, func(x *surveys.Programme) {
			x.Sample.Margin, x.Sample.Confidence, x.Sample.ExpectedRate = 0.05, 0.95, 0.5
		},
			[]string{surveys.WarnTooFew}},
		"no channel": {40, func(x *surveys.Programme) { x.Channels = []string{"email"} }, []string{surveys.WarnNoChannel}},
		"several": {0, func(x *surveys.Programme) { x.QuarantineDays = 0 },
			[]string{surveys.WarnNobody, surveys.WarnNoQuarantine}},
		"but not inactive": {0, func(x *surveys.Programme) { x.Active = false }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newAsker(t)
			w.people(c.people)
			w.HasChannel = func(channel string) bool { return channel != "email" }
			x := monthly("monthly")
			if c.change != nil {
				c.change(&x)
			}
			_, _, err := w.PutProgramme(t.Context(), setter, x, nil, []string{"another"}, false)
			var got []string
			if f, ok := errors.AsType[*fault.Error](err); ok {
				got = f.Allowed
			}
			if !slices.Equal(got, c.want) || len(c.want) > 0 && fault.CodeOf(err) != fault.Conflict {
				t.Fatalf("%v (%v), want %v", got, err, c.want)
			}
			if _, _, err := w.PutProgramme(t.Context(), setter, x, nil, c.want, false); err != nil {
				t.Errorf("confirmed: %v", err)
			}
		})
	}
}

func TestProgrammes_Forecast(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(40)
	w.put(monthly("monthly", func(x *surveys.Programme) { x.Sample.ExpectedRate = 0.25 }))
	f, err := w.Forecast(t.Context(), manager, "monthly")
	if err != nil || f.Population != 40 || f.Eligible != 40 || f.Invitations != 12 || f.Expected != 3 || len(f.Strata) != 2 ||
		len(f.Next) != 5 || f.Warnings == nil {
		t.Errorf("%+v, %v", f, err)
	}
	if n := w.states(""); len(n) != 0 {
		t.Errorf("a forecast drew %v", n)
	}
	if _, err := w.StartRound(t.Context(), setter, "monthly"); err != nil {
		t.Fatal(err)
	}
	w.run()
	if f, err = w.Forecast(t.Context(), manager, "monthly"); err != nil || f.Excluded[surveys.ExcludedQuarantine] != 12 ||
		f.Eligible != 28 {
		t.Errorf("after a round: %+v, %v", f, err)
	}
	w.put(afterCase("cases"))
	if f, err = w.Forecast(t.Context(), manager, "cases"); err != nil || f.Population != 40 || f.Invitations != 28 ||
		len(f.Next) != 0 {
		t.Errorf("after cases: %+v, %v", f, err)
	}
	if _, err := w.Forecast(t.Context(), manager, "another"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
	if _, err := w.Forecast(t.Context(), citizen, "monthly"); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("%v", err)
	}
}

func TestProgrammes_Rounds(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(3)
	w.put(monthly("a"))
	w.put(monthly("b"))
	for range 3 {
		for _, code := range []string{"a", "b"} {
			if _, err := w.StartRound(t.Context(), setter, code); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(day)
	}
	all, err := w.Rounds(t.Context(), manager, "a")
	if err != nil || len(all) != 3 || all[0].Number != 3 {
		t.Errorf("%d, %v", len(all), err)
	}
	if all, err = w.Rounds(t.Context(), manager, ""); err != nil || len(all) != 6 {
		t.Errorf("%d, %v", len(all), err)
	}
	narrow := manager
	narrow.Centres = []string{"SA-02"}
	if all, err := w.Rounds(t.Context(), narrow, ""); err != nil || len(all) != 0 {
		t.Errorf("%d rounds of the whole country are listed for a manager of one centre: %v", len(all), err)
	}
	for name, ask := range map[string]func(context.Context, actor.Actor) error{
		"rounds":     func(ctx context.Context, a actor.Actor) error { _, err := w.Rounds(ctx, a, ""); return err },
		"round":      func(ctx context.Context, a actor.Actor) error { _, _, err := w.Round(ctx, a, all[0].ID); return err },
		"programmes": func(ctx context.Context, a actor.Actor) error { _, err := w.ProgrammesAll(ctx, a); return err },
		"programme":  func(ctx context.Context, a actor.Actor) error { _, err := w.Programme(ctx, a, "a"); return err },
	} {
		if err := ask(t.Context(), manager); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := ask(t.Context(), citizen); fault.CodeOf(err) != fault.Forbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Rounds(t.Context(), manager, "c"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
}
