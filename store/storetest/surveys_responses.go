package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// TestResponses is what every backend must do for answers and what is counted of them.
func TestResponses(t *testing.T, open func(t *testing.T) RoundsStore) {
	roundsRun(t, open, map[string]func(*testing.T, RoundsStore){
		"Respond/both_or_neither":                   responseBoth,
		"Respond/keeps_every_field":                 responseKept,
		"Respond/the_old_one_is_given_and_replaced": responseReplaced,
		"Respond/anonymous":                         responseAnonymous,
		"Respond/no_response":                       responseNone,
		"Respond/many_at_once_one_counts":           responseRace,
		"Respond/beside_other_changes":              responseBeside,
		"ScanResponses/of_a_round":                  responsesOfRound,
		"ScanResponses/an_error_ends_it":            responsesError,
		"Touched/grows_with_each":                   responsesTouched,
		"PutTally/kept_and_replaced":                tallyKept,
	})
}

// aResponse is to the n-th invitation.
func aResponse(n int, change ...func(*surveys.Response)) *surveys.Response {
	i := anInvitation(n)
	r := &surveys.Response{ID: surveys.ResponseID(i.ID), Rev: 1, Programme: i.Programme, Round: i.Round,
		Questionnaire: i.Questionnaire, Version: i.Version, Invitation: i.ID,
		Stratum: i.Stratum, Snapshot: i.Snapshot, Answers: form.Answers{"overall": 4.0, "why": []any{"slow"}, "far": true},
		Complete: true, How: surveys.ByApp,
		Language: "ar", At: roundsEpoch}
	for _, f := range change {
		f(r)
	}
	return r
}

// respond answers the n-th invitation.
func respond(t *testing.T, s RoundsStore, n int, row string, r *surveys.Response, words ...surveys.Verbatim) {
	t.Helper()
	must(t, s.Respond(t.Context(), roundsID('i', n),
		func(i *surveys.Invitation, _ *surveys.Response) (*surveys.Response, []byte, []surveys.Verbatim, error) {
			i.State = surveys.InvitationComplete
			return r, []byte(row), words, nil
		}))
}

func scanned(t *testing.T, s RoundsStore, round int) []string {
	t.Helper()
	rows := []string{}
	must(t, s.ScanResponses(t.Context(), roundsID('r', round), func(row []byte) error {
		rows = append(rows, string(row))
		return nil
	}))
	slices.Sort(rows)
	return rows
}

func responseBoth(t *testing.T, s RoundsStore) {
	before := anInvitation(1, invited(roundsEpoch, roundsEpoch.Add(time.Hour)))
	addInvitations(t, s, before)
	boom := errors.New("boom")
	err := s.Respond(t.Context(), before.ID, func(i *surveys.Invitation, old *surveys.Response) (*surveys.Response, []byte,
		[]surveys.Verbatim, error) {
		if old != nil || !reflect.DeepEqual(i, &before) {
			t.Errorf("given %+v and %+v", i, old)
		}
		i.State = surveys.InvitationComplete
		return aResponse(1), []byte("row"), []surveys.Verbatim{aVerbatim(1, 1)}, boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("a refused answer: %v", err)
	}
	if i, err := s.Invitation(t.Context(), before.ID); err != nil || !reflect.DeepEqual(i, &before) {
		t.Errorf("a refused answer left %+v, %v", i, err)
	}
	if _, err := s.Response(t.Context(), aResponse(1).ID); !isNotFound(err) {
		t.Errorf("a refused answer: %v", err)
	}
	if rows, words := scanned(t, s, 1), verbatims(t, s, surveys.VerbatimQuery{Limit: 9}); len(rows)+len(words) != 0 {
		t.Errorf("a refused answer left %q and %q", rows, words)
	}
	if n, err := s.Touched(t.Context(), before.Round); err != nil || n != 0 {
		t.Errorf("a refused answer counts: %d, %v", n, err)
	}
	respond(t, s, 1, "row", aResponse(1))
	if i, err := s.Invitation(t.Context(), before.ID); err != nil || i.State != surveys.InvitationComplete || i.Rev != 2 {
		t.Errorf("answered, and yet %+v, %v", i, err)
	}
	err = s.Respond(t.Context(), roundsID('i', 9),
		func(*surveys.Invitation, *surveys.Response) (*surveys.Response, []byte, []surveys.Verbatim, error) {
			t.Error("asked about an unknown invitation")
			return nil, nil, nil, nil
		})
	if !isNotFound(err) {
		t.Errorf("an unknown invitation: %v", err)
	}
}

func responseKept(t *testing.T, s RoundsStore) {
	addInvitations(t, s, anInvitation(1))
	want := aResponse(1, func(r *surveys.Response) { r.By, r.How, r.Complete = "staff-1", surveys.ByPhone, false })
	respond(t, s, 1, "a\x1fb", want)
	got, err := s.Response(t.Context(), want.ID)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("kept %+v, want %+v", got, want)
	}
	if rows := scanned(t, s, 1); !slices.Equal(rows, []string{"a\x1fb"}) {
		t.Errorf("rows %q", rows)
	}
	respond(t, s, 1, "", want)
	if rows := scanned(t, s, 1); len(rows) != 0 {
		t.Errorf("an empty row is given: %q", rows)
	}
	if _, err := s.Response(t.Context(), roundsID('x', 1)); !isNotFound(err) {
		t.Errorf("an unknown one: %v", err)
	}
}

func responseReplaced(t *testing.T, s RoundsStore) {
	addInvitations(t, s, anInvitation(1), anInvitation(2, ofRound(2)))
	for n := 1; n <= 2; n++ {
		first := aResponse(n, func(r *surveys.Response) { r.Round, r.Complete = roundsID('r', n), false })
		second := aResponse(n, func(r *surveys.Response) {
			r.Round, r.Rev, r.At, r.Answers = roundsID('r', n), 2, roundsEpoch.AddDate(0, 0, 1), form.Answers{"overall": 2.0}
		})
		respond(t, s, n, "first", first, aVerbatim(n, 1), aVerbatim(n, 2))
		must(t, s.Respond(t.Context(), roundsID('i', n),
			func(i *surveys.Invitation, old *surveys.Response) (*surveys.Response, []byte, []surveys.Verbatim, error) {
				if !reflect.DeepEqual(old, first) {
					t.Errorf("the old one is given as %+v, want %+v", old, first)
				}
				return second, []byte("second"), []surveys.Verbatim{aVerbatim(n, 2), aVerbatim(n, 3)}, nil
			}))
		if got, err := s.Response(t.Context(), first.ID); err != nil || !reflect.DeepEqual(got, second) {
			t.Errorf("kept %+v, %v; want %+v", got, err, second)
		}
		if rows := scanned(t, s, n); !slices.Equal(rows, []string{"second"}) {
			t.Errorf("rows %q", rows)
		}
	}
	if got := verbatims(t, s, surveys.VerbatimQuery{Limit: 9}); !slices.Equal(got, []string{"1.2", "1.3", "2.2", "2.3"}) {
		t.Errorf("words %v", got)
	}
}

func responseAnonymous(t *testing.T, s RoundsStore) {
	day := roundsEpoch.Truncate(24 * time.Hour)
	for n := 1; n <= 3; n++ {
		addInvitations(t, s, anInvitation(n, func(i *surveys.Invitation) { i.Anonymous = true }))
	}
	var ids []string
	for n := 1; n <= 3; n++ {
		must(t, s.Respond(t.Context(), roundsID('i', n),
			func(i *surveys.Invitation, old *surveys.Response) (*surveys.Response, []byte, []surveys.Verbatim, error) {
				if old != nil {
					t.Errorf("%d is led to %+v", n, old)
				}
				i.State, i.Ended = surveys.InvitationComplete, day
				r := aResponse(n, func(r *surveys.Response) { r.ID, r.Invitation, r.At = uuid.NewString(), "", day })
				ids = append(ids, r.ID)
				return r, fmt.Append(nil, n), nil, nil
			}))
	}
	for n, id := range ids {
		r, err := s.Response(t.Context(), id)
		must(t, err)
		if r.Invitation != "" || !r.At.Equal(day) {
			t.Errorf("%+v", r)
		}
		if _, err := s.Response(t.Context(), surveys.ResponseID(roundsID('i', n+1))); !isNotFound(err) {
			t.Errorf("the invitation leads to a response: %v", err)
		}
	}
	if rows := scanned(t, s, 1); !slices.Equal(rows, []string{"1", "2", "3"}) {
		t.Errorf("rows %q", rows)
	}
}

func responseNone(t *testing.T, s RoundsStore) {
	addInvitations(t, s, anInvitation(1))
	must(t, s.Respond(t.Context(), roundsID('i', 1),
		func(i *surveys.Invitation, _ *surveys.Response) (*surveys.Response, []byte, []surveys.Verbatim, error) {
			i.State = surveys.InvitationRefused
			return nil, nil, nil, nil
		}))
	if i, err := s.Invitation(t.Context(), roundsID('i', 1)); err != nil || i.State != surveys.InvitationRefused {
		t.Errorf("%+v, %v", i, err)
	}
	if n, err := s.Touched(t.Context(), roundsID('r', 1)); err != nil || n != 0 || len(scanned(t, s, 1)) != 0 {
		t.Errorf("no response counts: %d, %v", n, err)
	}
}

func responseRace(t *testing.T, s RoundsStore) {
	taken := errors.New("taken")
	addInvitations(t, s, anInvitation(1), anInvitation(2))
	var won, lost atomic.Int64
	atOnce(30, func(w int) {
		n := 1 + w%2 // the second is anonymous
		switch err := s.Respond(t.Context(), roundsID('i', n),
			func(i *surveys.Invitation, old *surveys.Response) (*surveys.Response, []byte, []surveys.Verbatim, error) {
				if i.State == surveys.InvitationComplete {
					return nil, nil, nil, taken
				}
				i.State = surveys.InvitationComplete
				return aResponse(n, func(r *surveys.Response) {
					if n == 2 {
						r.ID = uuid.NewString()
					}
				}), []byte("row"), nil, nil
			}); {
		case err == nil:
			won.Add(1)
		case errors.Is(err, taken):
			lost.Add(1)
		default:
			t.Error(err)
		}
	})
	if won.Load() != 2 || lost.Load() != 28 {
		t.Errorf("%d won, %d lost", won.Load(), lost.Load())
	}
	if n, err := s.Touched(t.Context(), roundsID('r', 1)); err != nil || n != 2 || len(scanned(t, s, 1)) != 2 {
		t.Errorf("%d responses were written, %v", n, err)
	}
}

// An answer and another change of its invitation at the same time both stay.
func responseBeside(t *testing.T, s RoundsStore) {
	addInvitations(t, s, anInvitation(1))
	atOnce(20, func(w int) {
		var err error
		if w%2 == 0 {
			_, err = s.UpdateInvitation(t.Context(), roundsID('i', 1),
				func(i *surveys.Invitation) ([]event.Event, error) { i.Reminded++; return nil, nil })
		} else {
			err = s.Respond(t.Context(), roundsID('i', 1),
				func(i *surveys.Invitation, old *surveys.Response) (*surveys.Response, []byte, []surveys.Verbatim, error) {
					r := aResponse(1, func(r *surveys.Response) { r.Complete, r.Rev = false, 1 })
					if old != nil {
						r.Rev = old.Rev + 1
					}
					i.State = surveys.InvitationPartial
					return r, fmt.Append(nil, r.Rev), nil, nil
				})
		}
		if err != nil {
			t.Error(err)
		}
	})
	i, err := s.Invitation(t.Context(), roundsID('i', 1))
	must(t, err)
	r, err := s.Response(t.Context(), aResponse(1).ID)
	must(t, err)
	if i.Reminded != 10 || r.Rev != 10 || i.Rev != 21 {
		t.Errorf("%d reminders, %d answers, %d changes; want 10, 10 and 20", i.Reminded, r.Rev, i.Rev-1)
	}
	if rows := scanned(t, s, 1); !slices.Equal(rows, []string{"10"}) {
		t.Errorf("rows %q", rows)
	}
	if n, err := s.Touched(t.Context(), roundsID('r', 1)); err != nil || n != 10 {
		t.Errorf("touched %d, %v", n, err)
	}
}

func responsesOfRound(t *testing.T, s RoundsStore) {
	for n := 1; n <= 4; n++ {
		round := 1 + n/4
		addInvitations(t, s, anInvitation(n, ofRound(round)))
		respond(t, s, n, fmt.Sprint("row ", n), aResponse(n,
			func(r *surveys.Response) { r.Round, r.At = roundsID('r', round), roundsEpoch.AddDate(0, n, 0) }))
	}
	for round, want := range map[int][]string{1: {"row 1", "row 2", "row 3"}, 2: {"row 4"}, 3: {}} {
		if rows := scanned(t, s, round); !slices.Equal(rows, want) {
			t.Errorf("of %d: %q, want %q", round, rows, want)
		}
	}
}

func responsesError(t *testing.T, s RoundsStore) {
	for n := 1; n <= 3; n++ {
		addInvitations(t, s, anInvitation(n))
		respond(t, s, n, "row", aResponse(n))
	}
	boom, visited := errors.New("boom"), 0
	err := s.ScanResponses(t.Context(), roundsID('r', 1), func([]byte) error {
		if visited++; visited == 2 {
			return boom
		}
		return nil
	})
	if !errors.Is(err, boom) || visited != 2 {
		t.Errorf("visited %d, %v", visited, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.ScanResponses(ctx, roundsID('r', 1), func([]byte) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
}

func responsesTouched(t *testing.T, s RoundsStore) {
	touched := func(round, want int64) {
		t.Helper()
		if n, err := s.Touched(t.Context(), roundsID('r', int(round))); err != nil || n != want {
			t.Errorf("round %d was touched %d times, %v; want %d", round, n, err, want)
		}
	}
	touched(1, 0)
	for n := 1; n <= 2; n++ {
		addInvitations(t, s, anInvitation(n))
		respond(t, s, n, "row", aResponse(n))
		touched(1, int64(n))
	}
	respond(t, s, 1, "row", aResponse(1)) // again
	touched(1, 3)
	touched(2, 0)
	must(t, s.PutTally(t.Context(), roundsID('r', 1), 2, []byte("{}")))
	touched(1, 3)
}

func tallyKept(t *testing.T, s RoundsStore) {
	round := roundsID('r', 1)
	kept := func(touched int64, tally string) {
		t.Helper()
		n, b, err := s.TallyOf(t.Context(), round)
		must(t, err)
		if n != touched || string(b) != tally || (b == nil) != (tally == "") {
			t.Errorf("kept %q at %d, want %q at %d", b, n, tally, touched)
		}
	}
	kept(0, "")
	addInvitations(t, s, anInvitation(1))
	respond(t, s, 1, "row", aResponse(1))
	kept(0, "")
	must(t, s.PutTally(t.Context(), round, 1, []byte(`{"n":1}`)))
	kept(1, `{"n":1}`)
	respond(t, s, 1, "row", aResponse(1))
	kept(1, `{"n":1}`)
	must(t, s.PutTally(t.Context(), round, 2, []byte(`{"n":2}`)))
	must(t, s.PutTally(t.Context(), round, 1, []byte(`{"n":1}`))) // counted earlier, and late
	kept(2, `{"n":2}`)
	must(t, s.PutTally(t.Context(), round, 2, []byte(`{"n":3}`)))
	kept(2, `{"n":3}`)
	must(t, s.PutTally(t.Context(), roundsID('r', 2), 0, []byte(`{}`)))
	if n, b, err := s.TallyOf(t.Context(), roundsID('r', 2)); err != nil || n != 0 || string(b) != "{}" {
		t.Errorf("of a round without answers: %q at %d, %v", b, n, err)
	}
}
