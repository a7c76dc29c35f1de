package surveys

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
	"github.com/balagh/balagh/surveys/stats"
)

// Codes of sentences that belong to the figures: Methods.Notes.
const (
	NotePreliminary = "preliminary"        // the round is not over; figures move in steps of at least MinCell answers
	NotePartial     = "partial_counted"    // partial responses count in the questions that they answer, and in no other
	NoteSmall       = "small_total"        // fewer than MinCell people answered: nothing is published
	NoteAnonymous   = "anonymous_open"     // the round is anonymous and takes answers: its figures come when it is over
	NoteNoWeights   = "weights_failed"     // see WeightingResult.Problem
	NoteJoined      = "weights_joined"     // see WeightingResult.Joined
	NoteUnequal     = "unequal_unweighted" // strata were drawn at different rates, and no weights make up for it
)

// Results of a round, compared with an earlier one when compare names it, for managers and administrators. Nothing is published
// of a round of whose frame the actor may see only a part: fault.NotFound then, unless the frame lies within it.
func (p *Programmes) Results(ctx context.Context, a actor.Actor, round, compare string) (*Results, error) {
	if !a.Is(actor.Manager, actor.Admin) {
		return nil, fault.New(fault.Forbidden)
	}
	now, err := p.counted(ctx, a, round)
	if err != nil {
		return nil, err
	}
	answer, err := p.results(ctx, now)
	if err != nil || compare == "" {
		return answer, err
	}
	if compare == round {
		return nil, fault.At("compare", fault.Contradicted)
	}
	then, err := p.counted(ctx, a, compare)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, fault.At("compare", fault.Unknown)
	}
	if err != nil {
		return nil, err
	}
	answer.Comparison = now.compare(then, answer.Questions)
	return answer, nil
}

// Settled gives a mark of the figures of a round that is over: as long as the mark is the same, so is what Results says, but for a
// comparison. It is empty while figures move. Errors as of Results.
func (p *Programmes) Settled(ctx context.Context, a actor.Actor, round string) (mark string, err error) {
	if !a.Is(actor.Manager, actor.Admin) {
		return "", fault.New(fault.Forbidden)
	}
	r, err := p.Store.Round(ctx, round)
	if err != nil {
		return "", fmt.Errorf("read a round: %w", err)
	}
	if !r.within(a) {
		return "", fault.New(fault.NotFound)
	}
	if r.State != RoundPublished {
		return "", nil
	}
	touched, err := p.Store.Touched(ctx, round)
	if err != nil {
		return "", fmt.Errorf("ask whether responses have come: %w", err)
	}
	return fmt.Sprintf("%s.%d.%d", r.ID, r.Rev, touched), nil
}

// counted is a round with what its responses were counted to.
type counted struct {
	round *Round
	q     *form.Questionnaire
	tally *tally
}

func (p *Programmes) counted(ctx context.Context, a actor.Actor, round string) (*counted, error) {
	r, err := p.Store.Round(ctx, round)
	if err != nil {
		return nil, fmt.Errorf("read a round: %w", err)
	}
	if !r.within(a) {
		return nil, fault.New(fault.NotFound)
	}
	q, err := p.questionnaire(ctx, r.Programme.Questionnaire, r.Programme.Version)
	if err != nil {
		return nil, fmt.Errorf("questionnaire of a round: %w", err)
	}
	y, err := p.tally(ctx, r, q)
	if err != nil {
		return nil, err
	}
	return &counted{r, q, y}, nil
}

// within says whether everybody who can be drawn is within what a may see.
func (r *Round) within(a actor.Actor) bool {
	inside := func(may, frame []string) bool {
		if slices.Contains(may, actor.All) {
			return true
		}
		return len(frame) > 0 && !slices.ContainsFunc(frame, func(code string) bool { return !slices.Contains(may, code) })
	}
	return a.Is(actor.Admin) || inside(a.Centres, r.Programme.Frame.Centres) && inside(a.Departments, r.Programme.Frame.Departments)
}

func (p *Programmes) results(ctx context.Context, c *counted) (*Results, error) {
	r, y := c.round, c.tally
	states := y.States
	if r.State != RoundPublished || states == nil {
		var err error
		if states, err = p.Store.CountInvitations(ctx, r.ID); err != nil {
			return nil, fmt.Errorf("count invitations: %w", err)
		}
	}
	if r.Programme.After != nil {
		r.Drawn = askedAfterCases(states)
	}
	answer := &Results{Round: r.ID, Programme: r.Programme.Code, Names: r.Programme.Names, Number: r.Number,
		State: r.State, Final: r.State == RoundPublished, From: r.From, To: r.To, Opened: r.Opened, Closes: r.Closes,
		Dispositions: dispositions(states), Respondents: y.Respondents, Questions: []QuestionResult{}}
	answer.Rates = answer.Dispositions.rates()
	f := newFigures(y)
	answer.Weighting = y.Weighting
	if f.weighted {
		answer.Weighting.Deff, answer.Weighting.NEff = new(rounded(*y.Weighting.Deff, 2)), new(rounded(*y.Weighting.NEff, 1))
	}
	answer.FirstTime = f.firstTime()
	for i, column := range columns(c.q) {
		answer.Questions = append(answer.Questions, f.question(column, &y.Items[i]))
	}
	answer.Methods = c.methods(f.suppressed)
	return answer, nil
}

func dispositions(n map[InvitationState]int) Dispositions {
	return Dispositions{Complete: n[InvitationComplete], Partial: n[InvitationPartial], Refused: n[InvitationRefused],
		NonContact: n[InvitationUnreached], Other: n[InvitationDropped], Unknown: n[InvitationLapsed],
		Open: n[InvitationDrawn] + n[InvitationPlanned] + n[InvitationInvited]}
}

// rates are AAPOR's. The eligible share of those of whom nothing came back is taken to be that among all others: those who were
// dropped after the draw turned out not to be eligible.
func (d Dispositions) rates() Rates {
	s := stats.Dispositions{Complete: d.Complete, Partial: d.Partial, Refused: d.Refused, NonContact: d.NonContact, Other: d.Other,
		Unknown: d.Unknown + d.Open}
	r := Rates{E: 1}
	if eligible := d.Complete + d.Partial + d.Refused + d.NonContact; eligible+d.Other > 0 {
		r.E = float64(eligible) / float64(eligible+d.Other)
	}
	known := func(x float64) *float64 {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
		return &x
	}
	r.RR1, r.RR2, r.RR3, r.RR5 = known(s.RR1()), known(s.RR2()), known(s.RR3(r.E)), known(s.RR5())
	return r
}

// firstTime is the share of the respondents who had never had a report before; nil when it is not for publishing.
func (f *figures) firstTime() *Share {
	if f.y.Groups[0].Hidden {
		return nil
	}
	var first sums
	for _, g := range f.y.Groups {
		switch {
		case g.By == ByFirst && g.Hidden:
			return nil
		case g.By == ByFirst && g.Value == yesNo(true):
			first = g.People
		}
	}
	return new(f.share(first, f.y.Groups[0].People))
}

// formulas that figures are made by.
func formulas() map[string]int {
	all := map[string]int{}
	for _, name := range []string{stats.FormulaTop2, stats.FormulaMean100, stats.FormulaNet, stats.FormulaNPS, stats.FormulaEffort,
		stats.FormulaMean,
		FormulaYes} {
		all[name] = stats.FormulaVersion
	}
	return all
}

func (c *counted) methods(suppressed int) Methods {
	r, y := c.round, c.tally
	m := Methods{Frame: r.Programme.Frame, From: r.From, To: r.To, Sample: r.Programme.Sample, Drawn: r.Drawn,
		Questionnaire: c.q.Code, Version: c.q.Version, Languages: publishable(y.Languages), How: publishable(y.How), Formulas: formulas(),
		Confidence: stats.Level95, MinCell: MinCell, MinEmployee: MinEmployee, Suppressed: suppressed, Notes: []string{}}
	if r.State == RoundPublished {
		m.Seed = r.Seed
	}
	note := func(code string, holds bool) {
		if holds {
			m.Notes = append(m.Notes, code)
		}
	}
	note(NotePreliminary, r.State != RoundPublished)
	note(NotePartial, y.Complete < y.Respondents)
	waits := r.withheld()
	note(NoteAnonymous, waits)
	note(NoteSmall, y.Groups[0].Hidden && !waits)
	note(NoteNoWeights, y.Weighting.Problem != "")
	note(NoteJoined, y.Weighting.Joined && y.Weighting.Problem == "")
	note(NoteUnequal, y.Weighting.Deff == nil && r.Drawn.unequal())
	return m
}

// unequal says whether people of some stratum were more likely to be drawn than those of another, but for rounding.
func (d *Drawn) unequal() bool {
	for _, s := range d.Strata {
		if math.Abs(float64(s.Sampled)*float64(d.Eligible)-float64(d.Sampled)*float64(s.Eligible)) > 2*float64(d.Eligible) {
			return true
		}
	}
	return false
}

// publishable leaves out counts that are small, and what would give them away.
func publishable(n map[string]int64) map[string]int64 {
	keys, counts := make([]string, 0, len(n)), make([]int64, 0, len(n))
	for k := range n {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		counts = append(counts, n[k])
	}
	shown := map[string]int64{}
	for i, hidden := range stats.Suppress(counts, MinCell) {
		if !hidden {
			shown[keys[i]] = counts[i]
		}
	}
	return shown
}
