package scenario

import (
	"context"
	_ "embed" // the data
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

//go:embed questionnaire.json
var questionnaireJSON []byte

// The periodic questionnaire of the reception centres, and what it found.
const (
	programme    = "reception"
	noDifficulty = "no_difficulty"         // met no difficulty in submitting a request: 94 %
	askedBefore  = "asked_minister_before" // had never asked to meet the minister: 88 %
	openDays     = 30
	patience     = time.Minute // for a step of the round that works by itself
)

// round is a round with so many answers.
type round struct{ respondents int }

// met and never are how many of the respondents are behind the two percentages.
func (r *round) met() int   { return r.respondents * 94 / 100 }
func (r *round) never() int { return r.respondents * 88 / 100 }

// ask holds a round at the end of the account: a questionnaire, a programme, a drawn sample, answers, and a close. The runner of the
// rounds works as it does in a server, by a clock that stands where the account does.
func (l *loader) ask(ctx context.Context, relay *event.Relay) error {
	p := l.Programmes
	var clock atomic.Int64
	set := func(t time.Time) { clock.Store(t.UnixMilli()) }
	set(l.To.Add(6 * time.Hour))
	now := p.Now
	p.Now = func() time.Time { return time.UnixMilli(clock.Load()).UTC() }
	working, stop := context.WithCancel(ctx)
	var runners sync.WaitGroup
	defer func() {
		stop()
		runners.Wait()
		p.Now = now
	}()
	x, err := l.prepare(ctx, p)
	if err != nil {
		return err
	}
	begun, err := p.StartRound(ctx, administrator, programme)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	runners.Go(func() { _ = p.RunRounds(working) })
	l.show.phase("drawing", 0)
	if err := l.until(ctx, begun.ID, surveys.RoundOpen); err != nil {
		return err
	}
	invited, err := l.invited(ctx, begun.ID)
	if err != nil {
		return err
	}
	if err := l.answer(ctx, invited, func(share float64) { set(l.To.Add(6*time.Hour + time.Duration(share*(openDays-1)*24)*time.Hour)) }); err != nil {
		return fmt.Errorf("answers: %w", err)
	}
	l.show.phase("closing", 0)
	set(l.To.AddDate(0, 0, openDays))
	if _, err := p.CloseRound(ctx, administrator, begun.ID); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if err := l.until(ctx, begun.ID, surveys.RoundPublished); err != nil {
		return err
	}
	x.Active = false // the account is of one round: a server must not go on with it today
	if _, _, err := p.PutProgramme(ctx, administrator, *x, nil, nil, false); err != nil {
		return fmt.Errorf("end the programme: %w", err)
	}
	return relay.Drain(ctx)
}

// prepare writes the questionnaire and the programme.
func (l *loader) prepare(ctx context.Context, p *surveys.Programmes) (*surveys.Programme, error) {
	var q form.Questionnaire
	if err := json.Unmarshal(questionnaireJSON, &q); err != nil {
		return nil, fmt.Errorf("embedded questionnaire: %w", err)
	}
	if _, err := p.PutQuestionnaire(ctx, administrator, q, nil, false); err != nil {
		return nil, fmt.Errorf("questionnaire: %w", err)
	}
	x := surveys.Programme{Code: programme, Active: true, Questionnaire: q.Code, QuarantineDays: 90, OpenDays: openDays, Reminders: []int{}, Channels: []string{"push"},
		Names: form.Text{"ar": "رضا المستفيدين عن مراكز الاستقبال", "en": "Satisfaction with the reception centres", "ur": "استقبالیہ مراکز سے اطمینان"},
		Every: &surveys.Every{Rule: "FREQ=YEARLY", Start: l.To.AddDate(0, 6, 0).Format(time.DateOnly), Hour: 9,
			WindowDays: int(l.To.Sub(l.From) / (24 * time.Hour))},
		Sample: surveys.Sample{Method: surveys.DrawRandom, Size: l.round.respondents * 8 / 5}}
	warnings := []string{surveys.WarnNobody, surveys.WarnEverybody, surveys.WarnNoQuarantine, surveys.WarnTooFew, surveys.WarnNoChannel}
	if _, _, err := p.PutProgramme(ctx, administrator, x, nil, warnings, false); err != nil {
		return nil, fmt.Errorf("programme: %w", err)
	}
	return &x, nil
}

// until waits until the runner has brought the round to a state.
func (l *loader) until(ctx context.Context, id string, want surveys.RoundState) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("it did not become "+string(want)))
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		r, _, err := l.Programmes.Round(ctx, administrator, id)
		if err != nil || r.State == want {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// invited are the invitations of the round, in the order of their ids, which is none that anybody chose.
func (l *loader) invited(ctx context.Context, id string) (all []*surveys.Invitation, err error) {
	for after := ""; ; {
		page, err := l.Programmes.Store.RoundInvitations(ctx, id, []surveys.InvitationState{surveys.InvitationInvited}, after, 500)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all, after = append(all, page...), page[len(page)-1].ID
	}
}

// answer lets as many answer as the account says, and some of the others refuse. at moves the clock by the share that is done.
func (l *loader) answer(ctx context.Context, invited []*surveys.Invitation, at func(share float64)) error {
	n := l.round.respondents
	if len(invited) < n {
		return fmt.Errorf("%d are invited, too few for %d answers", len(invited), n)
	}
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	met, never := r.Perm(n), r.Perm(n)
	answers := make([]form.Answers, n)
	for i := range answers {
		answers[i] = opinion(r, met[i] < l.round.met(), never[i] < l.round.never())
	}
	refusals := min(n/20, len(invited)-n)
	l.show.phase("answers", n+refusals)
	return parallel(ctx, n+refusals, func(ctx context.Context, next func() (int, bool)) error {
		for i, more := next(); more; i, more = next() {
			at(float64(i) / float64(n+refusals))
			self := actor.Actor{Kind: actor.Citizen, ID: invited[i].Citizen}
			var err error
			if i < n {
				_, err = l.Programmes.Respond(ctx, self, invited[i].ID, surveys.Submission{Answers: answers[i], Complete: true, Language: "ar"})
			} else {
				err = l.Programmes.Refuse(ctx, self, invited[i].ID)
			}
			if err != nil {
				return err
			}
			l.show.add(1)
		}
		return nil
	})
}

// opinion is what somebody answers: the account tells the first two, the rest is made up.
func opinion(r *rand.Rand, met, never bool) form.Answers {
	level := func() float64 { return float64(min(5, 3+r.IntN(4))) }
	a := form.Answers{"channel": []string{"phone", "app", "email", "telegram"}[r.IntN(4)], noDifficulty: met, askedBefore: !never, "overall": level(),
		"aspects": map[string]any{"courtesy": level(), "speed": level(), "messages": level(), "followup": level()},
		"easy":    float64(4 + r.IntN(4)), "recommend": float64(5 + r.IntN(6))}
	if !met {
		a["difficulties"] = []any{[]string{"waiting", "documents", "identity", "unclear", "place"}[r.IntN(5)]}
	}
	return a
}
