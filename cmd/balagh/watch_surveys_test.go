package main

import (
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/store/teststore"
	"github.com/balagh/balagh/surveys"
)

func TestSurveyWatch_look(t *testing.T) {
	t.Parallel()
	db := teststore.Open(t)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	w := &surveyWatch{asking: &surveys.Programmes{Store: db, Now: func() time.Time { return now }}}
	sees := func(failing int, rounds, invitations time.Duration) {
		t.Helper()
		if err := w.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.failing != failing || w.rounds != rounds || w.invitations != invitations {
			t.Errorf("%d failing, %v, %v; want %d, %v, %v", w.failing, w.rounds, w.invitations, failing, rounds, invitations)
		}
	}
	sees(0, 0, 0)

	programme := func(code string, active bool, next time.Time) {
		t.Helper()
		if _, err := db.PutProgramme(t.Context(), code, func(x *surveys.Programme) error { x.Active, x.Next = active, next; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	programme("ahead", true, now.Add(time.Hour))
	programme("idle", false, now.Add(-time.Hour))
	r := &surveys.Round{ID: event.Derive("r"), Rev: 1, State: surveys.RoundOpen, Due: now.Add(time.Hour)}
	if err := db.CreateRound(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	i := surveys.Invitation{ID: event.Derive("i"), Rev: 1, Citizen: event.Derive("c"), State: surveys.InvitationInvited, Due: now.Add(time.Hour)}
	if _, err := db.AddInvitations(t.Context(), []surveys.Invitation{i}); err != nil {
		t.Fatal(err)
	}
	sees(0, 0, 0)

	programme("late", true, now.Add(-time.Minute))
	sees(0, time.Minute, 0)
	if _, err := db.UpdateRound(t.Context(), r.ID, func(x *surveys.Round) error { x.Failures = 3; return nil }); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	sees(1, 2*time.Hour+time.Minute, time.Hour)
}
