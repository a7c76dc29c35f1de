package surveys_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fold"
	"github.com/balagh/balagh/store/teststore"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

var asManager = actor.Actor{Kind: actor.Staff, ID: "staff-2", Role: actor.Manager, Centres: []string{actor.All},
	Departments: []string{actor.All}}

// answerTime is when everything is answered in these tests.
var answerTime = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// inThree is a text in all languages.
func inThree(s string) form.Text { return form.Text{"ar": s, "en": s, "ur": s} }

func optionsOf(codes ...string) []form.Option {
	all := make([]form.Option, len(codes))
	for i, c := range codes {
		all[i] = form.Option{Code: c, Label: inThree(c)}
	}
	return all
}

// everyType is a questionnaire of twenty questions, with every type among them.
func everyType() *form.Questionnaire {
	q := &form.Questionnaire{Code: "every_type", Version: 1, Title: inThree("Every type")}
	add := func(code string, of form.Question) {
		of.Code, of.Label = code, inThree(code)
		q.Questions = append(q.Questions, of)
	}
	low, high := 0.0, 240.0
	add("overall", form.Question{Type: form.Rating, Required: true})
	add("staff", form.Question{Type: form.Rating, DontKnow: true})
	add("speed", form.Question{Type: form.Rating})
	add("clarity", form.Question{Type: form.Rating, DontKnow: true})
	add("recommend", form.Question{Type: form.NPS})
	add("recommend_app", form.Question{Type: form.NPS, DontKnow: true})
	add("easy", form.Question{Type: form.Effort})
	add("difficult", form.Question{Type: form.Effort, Hard: true})
	add("solved", form.Question{Type: form.YesNo, Required: true})
	add("why_not", form.Question{Type: form.Choice, Options: optionsOf("late", "wrong", "nothing", "other"),
		ShowIf: &form.Condition{Question: "solved", Op: form.Equal, Value: false}})
	add("again", form.Question{Type: form.YesNo, DontKnow: true})
	add("heard", form.Question{Type: form.Choice, Options: optionsOf("mosque", "friends", "media", "web", "other")})
	add("used", form.Question{Type: form.Choices, Options: optionsOf("app", "phone", "visit", "mail", "telegram")})
	add("wants", form.Question{Type: form.Choices, Options: optionsOf("video", "chat", "letters", "hours")})
	add("minutes", form.Question{Type: form.Number, Min: &low, Max: &high})
	add("visited", form.Question{Type: form.Date})
	add("words", form.Question{Type: form.Words})
	add("order", form.Question{Type: form.Ranking, Options: optionsOf("fast", "fair", "friendly")})
	add("hall", form.Question{Type: form.Matrix, Rows: optionsOf("parking", "seats", "signs", "waiting")})
	add("wait", form.Question{Type: form.Rating})
	return q
}

// respondent is the n-th respondent of a made-up round: what they are depends on n alone.
func respondent(n int) (surveys.Snapshot, form.Answers) {
	r := rand.New(rand.NewPCG(4, uint64(n)))
	centre := min(r.IntN(14), r.IntN(16)) // some are small
	s := surveys.Snapshot{Centre: fmt.Sprintf("centre_%02d", centre), Region: fmt.Sprintf("region_%02d", min(centre, 12)),
		Department: fmt.Sprintf("department_%d", r.IntN(8)), Category: fmt.Sprintf("category_%02d", r.IntN(20)),
		Channel: []string{"app", "web", "phone", "email", "telegram", "visit"}[min(r.IntN(6), r.IntN(6))],
		Gender:  []string{"male", "male", "female", ""}[r.IntN(4)], Residency: []string{"citizen", "citizen", "resident"}[r.IntN(3)],
		Company: r.IntN(9) == 0, First: r.IntN(8) > 0, Employee: fmt.Sprintf("employee_%03d", min(r.IntN(100), r.IntN(100)))}
	level := func() float64 { return float64(5 - min(r.IntN(5), r.IntN(5))) }
	a := form.Answers{"overall": level(), "speed": level(), "recommend": float64(10 - min(r.IntN(11), r.IntN(11))),
		"easy":      float64(7 - r.IntN(5)),
		"difficult": float64(1 + r.IntN(5)), "solved": r.IntN(20) > 0,
		"heard": []string{"mosque", "friends", "media", "web", "other"}[r.IntN(5)],
		"used":  []any{"app", "visit"}[:1+r.IntN(2)], "minutes": float64(r.IntN(240)), "order": []any{"fair", "fast", "friendly"},
		"wait":    level(),
		"hall":    map[string]any{"parking": level(), "seats": level(), "waiting": level()},
		"visited": "2026-10-" + strconv.Itoa(10+r.IntN(20))}
	if a["solved"] == false {
		a["why_not"] = []string{"late", "wrong", "nothing", "other"}[r.IntN(4)]
	}
	if r.IntN(10) > 0 {
		a["staff"], a["clarity"] = level(), any(form.DontKnow)
	} else {
		a["staff"], a["again"] = any(form.DontKnow), true
	}
	if r.IntN(5) == 0 {
		a["words"] = "شكراً على الخدمة " + strconv.Itoa(n)
	}
	return s, a
}

// world is a round on a store of its own.
type world struct {
	*surveys.Programmes
	round *surveys.Round
	q     *form.Questionnaire
}

func newWorld(t testing.TB, change func(*surveys.Round)) *world {
	t.Helper()
	return newWorldOf(t, everyType(), change)
}

func newWorldOf(t testing.TB, q *form.Questionnaire, change func(*surveys.Round)) *world {
	t.Helper()
	db := teststore.Open(t)
	w := &world{&surveys.Programmes{Store: db, Now: func() time.Time { return answerTime }, Zone: time.UTC}, nil, q}
	if err := db.AddQuestionnaire(t.Context(), w.q); err != nil {
		t.Fatal(err)
	}
	w.round = w.addRound(t, "0190a000-0000-7000-8000-000000000001", change)
	return w
}

func (w *world) addRound(t testing.TB, id string, change func(*surveys.Round)) *surveys.Round {
	t.Helper()
	r := &surveys.Round{ID: id, Number: 1, State: surveys.RoundOpen, Seed: "5eed",
		Programme: surveys.Programme{Code: "reception", Names: inThree("Reception"),
			Questionnaire: w.q.Code, Version: w.q.Version}, From: answerTime.AddDate(0, -3, 0), To: answerTime.AddDate(0, 0, -7),
		Closes: answerTime.AddDate(0, 0, 7)}
	if change != nil {
		change(r)
	}
	if err := w.Store.CreateRound(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// answer has people from to to-1 answer the round.
func (w *world) answer(t testing.TB, r *surveys.Round, from, to int, change func(n int, r *surveys.Response)) {
	t.Helper()
	const batch = 2000
	for ; from < to; from += batch {
		var all []surveys.Invitation
		for n := from; n < min(to, from+batch); n++ {
			s, _ := respondent(n)
			citizen := event.Derive("citizen", strconv.Itoa(n))
			all = append(all, surveys.Invitation{ID: event.Derive(r.ID, citizen), Programme: r.Programme.Code, Round: r.ID, Citizen: citizen,
				Questionnaire: w.q.Code, Version: w.q.Version, Snapshot: s, State: surveys.InvitationInvited, Invited: answerTime,
				Until: r.Closes})
		}
		if _, err := w.Store.AddInvitations(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for part := range 100 {
			wait.Go(func() {
				for i := part; i < len(all); i += 100 {
					if err := w.respond(t.Context(), r, from+i, all[i].ID, change); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wait.Wait()
	}
}

func (w *world) respond(ctx context.Context, r *surveys.Round, n int, invitation string,
	change func(n int, r *surveys.Response)) error {
	return w.Store.Respond(ctx, invitation, func(i *surveys.Invitation, _ *surveys.Response) (*surveys.Response, []byte,
		[]surveys.Verbatim, error) {
		s, answers := respondent(n)
		x := &surveys.Response{ID: surveys.ResponseID(i.ID), Programme: r.Programme.Code, Round: r.ID, Questionnaire: w.q.Code,
			Version:    w.q.Version,
			Invitation: i.ID, Snapshot: s, Answers: answers, Complete: true, How: surveys.ByApp, Language: form.Languages[n%3],
			At: answerTime}
		if change != nil {
			change(n, x)
		}
		i.State = surveys.InvitationComplete
		if !x.Complete {
			i.State = surveys.InvitationPartial
		}
		var words []surveys.Verbatim
		if text, ok := x.Answers["words"].(string); ok {
			words = append(words, surveys.Verbatim{ID: event.Derive(x.ID, "words"), Round: r.ID, Response: x.ID, Question: "words",
				Text:   text,
				Folded: fold.Text(text), Day: "2026-11-21", State: surveys.VerbatimNew, Snapshot: x.Snapshot})
		}
		return x, surveys.PackRow(x, w.q), words, nil
	})
}

// drawnOf is a frame in which respondent n stands for so many people.
func drawnOf(n int, people func(n int) int) surveys.Drawn {
	d := surveys.Drawn{Margins: map[surveys.Dimension]map[string]int{}, Cells: map[string]int{}}
	for i := range n {
		s, _ := respondent(i)
		for _, by := range surveys.SnapshotDimensions {
			if d.Margins[by] == nil {
				d.Margins[by] = map[string]int{}
			}
			d.Margins[by][s.Value(by)] += people(i)
		}
		d.Cells[surveys.Stratum(&s, []surveys.Dimension{surveys.ByRegion, surveys.ByGender})] += people(i)
		d.Population += people(i)
	}
	d.Eligible, d.Sampled = d.Population, n
	return d
}
