package surveys

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

// Statuses of a report that are points of a programme, as event.Report.To names them; resolved and closed are one.
const (
	rejected  = "rejected"
	withdrawn = "withdrawn"
)

// On takes a fact of a report: the frame comes to know the case, and a programme that asks after such a fact plans an
// invitation. Anonymous reports, and those that staff filed for themselves, make neither. The same fact may come again.
func (p *Programmes) On(ctx context.Context, e event.Event) error {
	return p.Several(ctx, []event.Event{e})
}

// Several takes facts of one report in their order, with what On would make of them: of the case only the newest is kept, and
// the same point is asked about once.
func (p *Programmes) Several(ctx context.Context, facts []event.Event) error {
	facts = slices.DeleteFunc(slices.Clone(facts),
		func(e event.Event) bool { return e.Report == nil || e.Report.Citizen == "" || e.Report.SelfFiled })
	if len(facts) == 0 {
		return nil
	}
	newest := caseOf(facts[0])
	for _, e := range facts[1:] {
		if c := caseOf(e); !c.Changed.Before(newest.Changed) {
			newest = c
		}
	}
	if err := p.Store.PutCase(ctx, newest); err != nil {
		return fmt.Errorf("keep a case: %w", err)
	}
	type point struct {
		on string
		Snapshot
	}
	var asked []point
	for _, e := range facts {
		c := caseOf(e)
		x := point{pointOf(e), c.Snapshot}
		if x.on == "" || slices.Contains(asked, x) {
			continue
		}
		asked = append(asked, x)
		programmes, err := p.after(ctx, x.on)
		if err != nil {
			return err
		}
		if err := p.plan(ctx, programmes, x.on, c, e.At); err != nil {
			return err
		}
	}
	return nil
}

// caseOf is what the frame knows after a fact.
func caseOf(e event.Event) Case {
	r := e.Report
	c := Case{Report: r.ID, Citizen: r.Citizen, Received: r.Received.UTC(), Changed: e.At.UTC(), Status: cmp.Or(r.To, r.From),
		Due: r.Due,
		Snapshot: Snapshot{Centre: r.Centre, Region: r.Region, Department: r.Department, Category: r.Category, Channel: r.Channel,
			Employee: r.Employee,
			Gender:   r.Gender, Residency: r.Residency, Company: r.Company}}
	if c.Received.IsZero() {
		c.Received = c.Changed
	}
	return c
}

// pointOf is the point to which a fact brings a case; "" for none.
func pointOf(e event.Event) string {
	if e.Type != event.ReportMoved {
		return ""
	}
	switch e.Report.To {
	case resolved, closed:
		return OnClosed
	case rejected:
		return OnRejected
	case withdrawn:
		return OnWithdrawn
	}
	return ""
}

// after are the active programmes that ask when a case comes to a point.
func (p *Programmes) after(ctx context.Context, point string) ([]*Programme, error) {
	all, err := p.Store.Programmes(ctx)
	if err != nil {
		return nil, fmt.Errorf("programmes after a case: %w", err)
	}
	return slices.DeleteFunc(all, func(x *Programme) bool { return !x.Active || x.After == nil || !slices.Contains(x.After.On, point) }), nil
}

// plan keeps an invitation for each programme whose frame the case fits. A case is asked about once at each point, however
// often it comes there: a reopened one is not asked about again.
func (p *Programmes) plan(ctx context.Context, programmes []*Programme, point string, c Case, at time.Time) error {
	programmes = slices.DeleteFunc(slices.Clone(programmes), func(x *Programme) bool { return !x.Frame.Fits(&c.Snapshot) })
	if len(programmes) == 0 {
		return nil
	}
	earliest, err := p.Store.FirstReceived(ctx, c.Citizen)
	if err != nil {
		return fmt.Errorf("when somebody had a case first: %w", err)
	}
	c.First = !earliest.Before(c.Received)
	var all []Invitation
	for _, x := range programmes {
		all = append(all, Invitation{ID: event.Derive(c.Report, "survey", x.Code, point), Rev: 1, Programme: x.Code, Report: c.Report,
			Point: point, Citizen: c.Citizen,
			Questionnaire: x.Questionnaire, Version: x.Version, Anonymous: x.Anonymous, Snapshot: c.Snapshot, State: InvitationPlanned,
			Due: p.daysBefore(at, -x.After.Days)})
	}
	if _, err := p.Store.AddInvitations(ctx, all); err != nil {
		return fmt.Errorf("plan an invitation: %w", err)
	}
	return nil
}

// Fits says whether a case lies within the frame.
func (f *Frame) Fits(s *Snapshot) bool {
	for _, l := range []struct {
		allowed []string
		value   string
	}{{f.Centres, s.Centre}, {f.Regions, s.Region}, {f.Departments, s.Department}, {f.Categories, s.Category}, {f.Channels, s.Channel},
		{f.Genders, s.Gender}, {f.Residencies, s.Residency}} {
		if len(l.allowed) > 0 && !slices.Contains(l.allowed, l.value) {
			return false
		}
	}
	return f.Company == nil || *f.Company == s.Company
}

// roundOf is the round that somebody belongs to who is asked after a case now: the one of the month, in the zone of the service, and
// of the programme as it is now. It has no sample: everybody who is asked is in it, and it closes when the last of them can
// not answer any more.
func (p *Programmes) roundOf(ctx context.Context, x *Programme) (*Round, error) {
	for {
		all, err := p.Store.Rounds(ctx, x.Code)
		if err != nil {
			return nil, fmt.Errorf("the round of a month: %w", err)
		}
		now := p.instant()
		year, month, _ := now.In(p.Zone).Date()
		from, to := time.Date(year, month, 1, 0, 0, 0, 0, p.Zone).UTC(), time.Date(year, month+1, 1, 0, 0, 0, 0, p.Zone).UTC()
		for _, r := range all {
			if r.takesAnswers() && r.To.Equal(to) && r.Programme.Rev == x.Rev {
				return r, nil
			}
			if r.To.Equal(to) {
				from = now // it was stopped, or the programme changed, within the month
			}
		}
		number := following(all)
		closes := p.daysBefore(to, -x.OpenDays)
		r, err := p.create(ctx, x, Round{ID: event.Derive("round", x.Code, "cases", strconv.Itoa(number)), Number: number,
			State: RoundOpen, From: from, To: to, Opened: now, Closes: closes, Due: closes})
		if fault.CodeOf(err) != fault.Exists {
			return r, err
		}
	}
}

// askedAfterCases is how those who were asked in a round after cases came about: nothing is drawn, and the quarantine is looked at when
// the day of each has come.
func askedAfterCases(states map[InvitationState]int) Drawn {
	n := 0
	for _, count := range states {
		n += count
	}
	rests := states[InvitationQuarantined]
	d := Drawn{Population: n, Eligible: n - rests, Sampled: n - rests, Excluded: map[string]int{}}
	if rests > 0 {
		d.Excluded[ExcludedQuarantine] = rests
	}
	d.Strata = []DrawnStratum{{Population: n, Eligible: d.Eligible, Sampled: d.Sampled}}
	return d
}
