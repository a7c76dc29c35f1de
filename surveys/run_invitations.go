package surveys

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

// RunInvitations invites after cases, reminds, and ends what was not answered in time, until ctx ends. Any number of processes
// may run it on the same store: each invitation moves on once.
func (p *Programmes) RunInvitations(ctx context.Context) error {
	return p.poll(ctx, "work on invitations", p.invitationsOnce)
}

func (p *Programmes) invitationsOnce(ctx context.Context) (more bool, err error) {
	overdue, err := p.planOverdue(ctx)
	due, dueErr := p.workOnDue(ctx)
	err = errors.Join(err, dueErr)
	return (overdue || due) && err == nil, err
}

// planOverdue plans invitations after cases that became overdue. Each deadline is looked at once, also when no programme asks:
// one that comes later asks about later cases.
func (p *Programmes) planOverdue(ctx context.Context) (more bool, err error) {
	cases, err := p.Store.OverdueCases(ctx, p.instant(), roundPage)
	if err != nil {
		return false, fmt.Errorf("look for overdue cases: %w", err)
	}
	if len(cases) == 0 {
		return false, nil
	}
	programmes, err := p.after(ctx, OnOverdue)
	if err != nil {
		return false, err
	}
	for _, c := range cases {
		if err := p.plan(ctx, programmes, OnOverdue, c, c.Due); err != nil {
			return false, err
		}
		if err := p.Store.ForgetDue(ctx, c.Report, c.Due); err != nil {
			return false, fmt.Errorf("note that an overdue case was looked at: %w", err)
		}
	}
	return len(cases) == roundPage, nil
}

// workOnDue takes the invitations that are due, the oldest first. Of the planned ones of a person it takes one at a time:
// whatever process takes the next one finds then that the person was invited, or does not find it at the head of the queue.
func (p *Programmes) workOnDue(ctx context.Context) (more bool, err error) {
	now := p.instant()
	due, err := p.Store.DueInvitations(ctx, now, roundPage)
	if err != nil {
		return false, fmt.Errorf("look for due invitations: %w", err)
	}
	var errs []error
	planned, codes := map[string][]*Invitation{}, []string{}
	over, remind, idle := []*Invitation{}, []*Invitation{}, []*Invitation{}
	rounds, taken, again := map[string]bool{}, map[string]bool{}, false
	for _, i := range due {
		switch {
		case i.State == InvitationPlanned && taken[i.Citizen]:
			again = true
		case i.State == InvitationPlanned:
			if taken[i.Citizen] = true; planned[i.Programme] == nil {
				codes = append(codes, i.Programme)
			}
			planned[i.Programme] = append(planned[i.Programme], i)
		case i.State != InvitationInvited && i.State != InvitationPartial:
			idle = append(idle, i)
		default:
			reminds, err := p.reminds(ctx, rounds, i.Round)
			if errs = append(errs, err); err != nil {
				continue
			}
			switch {
			case reminds && now.Before(i.Until):
				remind = append(remind, i)
			case reminds && i.Report != "":
				over = append(over, i)
			default:
				idle = append(idle, i) // the closing of the round settles it
			}
		}
	}
	for _, code := range codes {
		errs = append(errs, p.askAfter(ctx, code, planned[code]))
	}
	errs = append(errs, p.remind(ctx, remind), p.settle(ctx, over),
		p.Store.UpdateInvitations(ctx, idsOf(idle), func(i *Invitation) ([]event.Event, error) {
			if i.Due.IsZero() || i.Due.After(now) || i.State == InvitationPlanned {
				return nil, errMoved
			}
			i.Due = time.Time{}
			return nil, nil
		}))
	return again || len(due) == roundPage, errors.Join(errs...)
}

// reminds says whether a round still reminds its people.
func (p *Programmes) reminds(ctx context.Context, known map[string]bool, round string) (bool, error) {
	open, seen := known[round]
	if !seen {
		r, err := p.Store.Round(ctx, round)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return false, fmt.Errorf("the round of an invitation: %w", err)
		}
		open = err == nil && (r.State == RoundInviting || r.State == RoundOpen)
		known[round] = open
	}
	return open, nil
}

// askAfter invites after cases; a programme that does not ask any more drops what it had planned.
func (p *Programmes) askAfter(ctx context.Context, code string, page []*Invitation) error {
	x, err := p.Store.Programme(ctx, code)
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return fmt.Errorf("the programme of an invitation: %w", err)
	}
	if err != nil || !x.Active || x.After == nil {
		return p.Store.UpdateInvitations(ctx, idsOf(page), func(i *Invitation) ([]event.Event, error) {
			if i.State != InvitationPlanned {
				return nil, errMoved
			}
			i.drop(p.instant())
			return nil, nil
		})
	}
	r, err := p.roundOf(ctx, x)
	if err != nil {
		return err
	}
	return p.ask(ctx, r, page, func(now time.Time) time.Time { return p.daysBefore(now, -x.OpenDays) })
}

// ask invites those of a page who were drawn or planned for to a round, and drops whoever has no account any more or was invited to
// something else within the quarantine, which after a case is no drop: nobody chose them before it was looked at.
func (p *Programmes) ask(ctx context.Context, r *Round, page []*Invitation, until func(now time.Time) time.Time) error {
	x := &r.Programme
	q, err := p.questionnaire(ctx, x.Questionnaire, x.Version)
	if err != nil {
		return fmt.Errorf("the questionnaire of an invitation: %w", err)
	}
	gone, err := p.missing(ctx, page)
	if err != nil {
		return err
	}
	p.asking.Lock()
	defer p.asking.Unlock()
	now := p.instant()
	rests := map[string]bool{}
	for _, i := range page {
		last, err := p.Store.LastInvited(ctx, i.Citizen)
		if err != nil {
			return fmt.Errorf("when somebody was last invited: %w", err)
		}
		rests[i.Citizen] = x.QuarantineDays > 0 && !last.IsZero() && !last.Before(p.daysBefore(now, x.QuarantineDays))
	}
	return p.Store.UpdateInvitations(ctx, idsOf(page), func(i *Invitation) ([]event.Event, error) {
		if i.State != InvitationDrawn && i.State != InvitationPlanned {
			return nil, errMoved
		}
		i.Round = r.ID
		switch {
		case gone[i.Citizen], rests[i.Citizen] && i.State == InvitationDrawn:
			i.drop(now)
			return nil, nil
		case rests[i.Citizen]:
			i.end(InvitationQuarantined, now)
			return nil, nil
		}
		i.State, i.Invited, i.Until, i.Channels, i.Reminders = InvitationInvited, now, until(now), x.Channels, x.Reminders
		i.Questionnaire, i.Version, i.Anonymous = q.Code, q.Version, x.Anonymous
		i.Due = p.nextDue(i)
		return []event.Event{i.fact(event.SurveyInvited, "invited", now, q.Title)}, nil
	})
}

// fact tells the person of the invitation. What tells of it is named after the step, so that a step taken again tells nothing new.
func (i *Invitation) fact(t event.Type, step string, at time.Time, titles map[string]string) event.Event {
	return event.Event{ID: event.Derive(i.ID, step), Type: t, Subject: "survey/" + i.ID, At: at,
		Survey: &event.Survey{Invitation: i.ID, Citizen: i.Citizen,
			Centre: i.Snapshot.Centre, Titles: titles, Channels: i.Channels, Until: i.Until, Reminder: i.Reminded}}
}

func reminderStep(n int) string { return "reminder-" + strconv.Itoa(n) }

// nextDue is the next reminder of an invitation that was sent, or its end.
func (p *Programmes) nextDue(i *Invitation) time.Time {
	if i.Reminded < len(i.Reminders) {
		if at := p.daysBefore(i.Invited, -i.Reminders[i.Reminded]); at.Before(i.Until) {
			return at
		}
	}
	return i.Until
}

// remind reminds once, also when several reminders have become due meanwhile.
func (p *Programmes) remind(ctx context.Context, page []*Invitation) error {
	if len(page) == 0 {
		return nil
	}
	gone, err := p.missing(ctx, page)
	if err != nil {
		return err
	}
	titles := map[string]map[string]string{}
	for _, i := range page {
		q, err := p.questionnaire(ctx, i.Questionnaire, i.Version)
		if err != nil {
			return fmt.Errorf("the questionnaire of an invitation: %w", err)
		}
		titles[i.ID] = q.Title
	}
	now := p.instant()
	return p.Store.UpdateInvitations(ctx, idsOf(page), func(i *Invitation) ([]event.Event, error) {
		if i.State != InvitationInvited && i.State != InvitationPartial || i.Due.IsZero() || i.Due.After(now) || !now.Before(i.Until) {
			return nil, errMoved
		}
		was := i.Reminded
		for i.Reminded < len(i.Reminders) && !p.daysBefore(i.Invited, -i.Reminders[i.Reminded]).After(now) {
			i.Reminded++
		}
		if i.Due = p.nextDue(i); i.Reminded == was || gone[i.Citizen] {
			return nil, nil
		}
		return []event.Event{i.fact(event.SurveyReminded, reminderStep(i.Reminded), now, titles[i.ID])}, nil
	})
}

// settle ends invitations whose time is over.
func (p *Programmes) settle(ctx context.Context, page []*Invitation) error {
	if len(page) == 0 {
		return nil
	}
	unreached, err := p.unreached(ctx, page)
	if err != nil {
		return err
	}
	return p.Store.UpdateInvitations(ctx, idsOf(page), func(i *Invitation) ([]event.Event, error) {
		now := p.instant()
		switch {
		case i.State == InvitationDrawn || i.State == InvitationPlanned:
			i.drop(now)
		case i.State == InvitationInvited && unreached[i.ID]:
			i.end(InvitationUnreached, now)
		case i.State == InvitationInvited:
			i.end(InvitationLapsed, now)
		case i.State == InvitationPartial && (!i.Due.IsZero() || i.Until.After(now)):
			i.Due = time.Time{}
		default:
			return nil, errMoved
		}
		if i.Until.After(now) {
			i.Until = now // the round was closed early
		}
		return nil, nil
	})
}

// unreached says whom nothing has reached that was sent to them, by invitation.
func (p *Programmes) unreached(ctx context.Context, page []*Invitation) (map[string]bool, error) {
	if p.Unreached == nil {
		return nil, nil
	}
	sent, all := map[string][]string{}, []string{}
	for _, i := range page {
		if i.State != InvitationInvited {
			continue
		}
		facts := []string{event.Derive(i.ID, "invited")}
		for n := 1; n <= i.Reminded; n++ {
			facts = append(facts, event.Derive(i.ID, reminderStep(n)))
		}
		sent[i.ID], all = facts, append(all, facts...)
	}
	if len(all) == 0 {
		return nil, nil
	}
	failed, err := p.Unreached(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("who was not reached: %w", err)
	}
	unreached := map[string]bool{}
	for id, facts := range sent {
		unreached[id] = failed[facts[0]]
		for n := 1; n < len(facts); n++ { // a reminder that did not arrive says nothing when an earlier one did
			unreached[id] = unreached[id] && failed[facts[n]]
		}
	}
	return unreached, nil
}

func (p *Programmes) missing(ctx context.Context, page []*Invitation) (map[string]bool, error) {
	if p.Missing == nil || len(page) == 0 {
		return nil, nil
	}
	citizens := make([]string, len(page))
	for n, i := range page {
		citizens[n] = i.Citizen
	}
	gone, err := p.Missing(ctx, citizens)
	if err != nil {
		return nil, fmt.Errorf("who has an account: %w", err)
	}
	return gone, nil
}

// drop gives up an invitation that was never sent.
func (i *Invitation) drop(now time.Time) { i.end(InvitationDropped, now) }

func idsOf(page []*Invitation) []string {
	ids := make([]string, len(page))
	for n, i := range page {
		ids[n] = i.ID
	}
	return ids
}
