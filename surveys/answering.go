package surveys

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/fold"
	"github.com/balagh/balagh/surveys/form"
)

// Asked is an invitation as its person sees it.
type Asked struct {
	Invitation    *Invitation
	Questionnaire *form.Questionnaire
	Answers       form.Answers // that are kept; empty when none are, or the programme is anonymous
	Over          bool         // no answer is taken any more, though the invitation does not know yet: the round was stopped or closed
}

// Asked are the citizen's invitations that can be answered or were, newest first.
func (p *Programmes) Asked(ctx context.Context, a actor.Actor) ([]Asked, error) {
	if err := isCitizen(a); err != nil {
		return nil, err
	}
	return p.askedAll(ctx, a.ID, func(i *Invitation) bool {
		return i.State == InvitationComplete || i.State == InvitationRefused || i.open()
	}, true)
}

// AskedOne is one of them. Somebody else's is fault.NotFound.
func (p *Programmes) AskedOne(ctx context.Context, a actor.Actor, invitation string) (*Asked, error) {
	if err := isCitizen(a); err != nil {
		return nil, err
	}
	i, err := p.sent(ctx, invitation)
	if err != nil {
		return nil, err
	}
	if i.Citizen != a.ID {
		return nil, fault.New(fault.NotFound)
	}
	x, err := p.asked(ctx, i, true)
	if err != nil || !i.open() {
		return x, err
	}
	switch err := p.closed(ctx, i); fault.CodeOf(err) {
	case "":
	case fault.Gone, fault.Conflict:
		x.Over = true
	default:
		return nil, err
	}
	return x, nil
}

// AskedOf are the open invitations of a citizen, for clerks who take answers by phone; without answers. What lies outside of
// the centres and departments that they work for is not among them, nor what is about their own work.
func (p *Programmes) AskedOf(ctx context.Context, a actor.Actor, citizen string) ([]Asked, error) {
	if err := takesCalls(a); err != nil {
		return nil, err
	}
	return p.askedAll(ctx, citizen, func(i *Invitation) bool { return i.open() && i.mayTakeDown(a) }, false)
}

func (p *Programmes) askedAll(ctx context.Context, citizen string, take func(*Invitation) bool, answers bool) ([]Asked, error) {
	invitations, err := p.Store.InvitationsOf(ctx, citizen, p.instant())
	if err != nil {
		return nil, fmt.Errorf("read the invitations of a citizen: %w", err)
	}
	all := []Asked{}
	for _, i := range invitations {
		if !take(i) || i.open() && p.closed(ctx, i) != nil {
			continue
		}
		x, err := p.asked(ctx, i, answers)
		if err != nil {
			return nil, err
		}
		all = append(all, *x)
	}
	return all, nil
}

// asked adds the questionnaire, and the answers that are kept.
func (p *Programmes) asked(ctx context.Context, i *Invitation, answers bool) (*Asked, error) {
	q, err := p.questionnaire(ctx, i.Questionnaire, i.Version)
	if err != nil {
		return nil, fmt.Errorf("read the questionnaire of an invitation: %w", err)
	}
	x := &Asked{Invitation: i, Questionnaire: q, Answers: form.Answers{}}
	if !answers || i.Anonymous || i.State != InvitationPartial && i.State != InvitationComplete {
		return x, nil
	}
	r, err := p.Store.Response(ctx, ResponseID(i.ID))
	if err != nil {
		return nil, fmt.Errorf("read the answers to an invitation: %w", err)
	}
	x.Answers = r.Answers
	return x, nil
}

// sent reads an invitation whose person was told of it.
func (p *Programmes) sent(ctx context.Context, id string) (*Invitation, error) {
	if uuid.Validate(id) != nil {
		return nil, fault.New(fault.NotFound)
	}
	i, err := p.Store.Invitation(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read an invitation: %w", err)
	}
	if i.Invited.IsZero() || i.State == InvitationDrawn || i.State == InvitationPlanned {
		return nil, fault.New(fault.NotFound)
	}
	return i, nil
}

// open says that an answer may still be given, as far as the invitation knows.
func (i *Invitation) open() bool { return i.State == InvitationInvited || i.State == InvitationPartial }

// closed says why no answer is taken: the time is over, or the round was stopped.
func (p *Programmes) closed(ctx context.Context, i *Invitation) error {
	now := p.instant()
	if !now.Before(i.Until) {
		return fault.New(fault.Gone)
	}
	r, err := p.Store.Round(ctx, i.Round)
	switch {
	case err != nil:
		return fmt.Errorf("read the round of an invitation: %w", err)
	case r.State == RoundStopped:
		return fault.New(fault.Conflict)
	case r.State == RoundClosing || r.State == RoundPublished || !now.Before(r.Closes):
		return fault.New(fault.Gone)
	}
	return nil
}

// settled says why an invitation that is not open takes no answer; complete ones are not its business.
func (i *Invitation) settled() error {
	switch i.State {
	case InvitationRefused, InvitationDropped:
		return fault.New(fault.Conflict)
	case InvitationLapsed, InvitationUnreached:
		return fault.New(fault.Gone)
	}
	return nil
}

// Submission is what somebody answers.
type Submission struct {
	Answers  form.Answers
	Complete bool   // otherwise they are kept, and more may come
	Language string // in which it was asked
}

// Respond takes a citizen's answers, or those that a clerk takes down by phone, who then is a. The same complete answers again
// are no error, but of an anonymous programme, where nothing is there to compare them with. Errors: fault.NotFound for a
// foreign invitation, fault.Invalid with answers/CODE, fault.Exists when others were given, fault.Gone when it is too late,
// fault.Conflict when the person refused or the round was stopped, and for partial answers of an anonymous programme.
func (p *Programmes) Respond(ctx context.Context, a actor.Actor, invitation string, s Submission) (*Asked, error) {
	i, how, err := p.theirs(ctx, a, invitation)
	if err != nil {
		return nil, err
	}
	return p.respond(ctx, i, how, s)
}

// Refuse notes that the person does not want to answer; answers that were kept until then are emptied. Errors as of Respond.
func (p *Programmes) Refuse(ctx context.Context, a actor.Actor, invitation string) error {
	i, _, err := p.theirs(ctx, a, invitation)
	if err != nil {
		return err
	}
	return p.refuse(ctx, i)
}

// way is how an answer comes, and with ByPhone by which member of staff.
type way struct{ how, by string }

// theirs is an invitation that a may answer: the citizen's own, or one that staff take down by phone.
func (p *Programmes) theirs(ctx context.Context, a actor.Actor, invitation string) (*Invitation, way, error) {
	w := way{how: ByApp}
	if a.Kind == actor.Staff {
		if err := takesCalls(a); err != nil {
			return nil, w, err
		}
		w = way{ByPhone, a.ID}
	} else if err := isCitizen(a); err != nil {
		return nil, w, err
	}
	i, err := p.sent(ctx, invitation)
	if err != nil {
		return nil, w, err
	}
	if a.Kind == actor.Citizen && i.Citizen != a.ID || a.Kind == actor.Staff && !i.mayTakeDown(a) {
		return nil, w, fault.New(fault.NotFound)
	}
	return i, w, nil
}

// mayTakeDown says whether the invitation is within the centres and departments that a works for, and about somebody else's work:
// nobody answers, or refuses, for those who are asked about themselves.
func (i *Invitation) mayTakeDown(a actor.Actor) bool {
	return a.Sees(i.Snapshot.Centre, i.Snapshot.Department) && i.Snapshot.Employee != a.ID
}

// errSame says that the very same answers are there.
var errSame = errors.New("the same answers")

// respond takes answers to an invitation that the caller may answer.
func (p *Programmes) respond(ctx context.Context, i *Invitation, w way, s Submission) (*Asked, error) {
	q, err := p.questionnaire(ctx, i.Questionnaire, i.Version)
	if err != nil {
		return nil, fmt.Errorf("read the questionnaire of an invitation: %w", err)
	}
	if i.open() {
		if err := p.closed(ctx, i); err != nil {
			return nil, err
		}
	}
	if s.Language == "" {
		s.Language = form.Languages[0]
	}
	if !slices.Contains(form.Languages, s.Language) {
		return nil, fault.At("language", fault.Unknown)
	}
	answers, wrong := q.Clean(s.Answers, s.Complete)
	id := ResponseID(i.ID)
	if i.Anonymous {
		random, err := uuid.NewRandomFromReader(p.Rand)
		if err != nil {
			return nil, fmt.Errorf("make the id of a response: %w", err)
		}
		id = random.String()
	}
	now := p.instant()
	var result *Invitation
	err = p.Store.Respond(ctx, i.ID, func(i *Invitation, old *Response) (*Response, []byte, []Verbatim, error) {
		result = i
		if i.State == InvitationComplete {
			if old != nil && wrong == nil && s.Complete && reflect.DeepEqual(old.Answers, answers) {
				return nil, nil, nil, errSame
			}
			return nil, nil, nil, fault.New(fault.Exists)
		}
		err := i.settled()
		switch {
		case err != nil:
		case i.Anonymous && !s.Complete:
			err = fault.New(fault.Conflict)
		default:
			err = wrong
		}
		if err != nil {
			return nil, nil, nil, err
		}
		r := p.response(i, id, w, s, answers, now)
		if r.Complete {
			i.end(InvitationComplete, now)
		} else {
			i.State = InvitationPartial
		}
		return r, packRow(r, q), p.verbatims(r, q), nil
	})
	if errors.Is(err, errSame) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("take answers: %w", err)
	}
	x := &Asked{Invitation: result, Questionnaire: q, Answers: form.Answers{}}
	if !i.Anonymous {
		x.Answers = answers
	}
	return x, nil
}

// response to an invitation. Of an anonymous one nothing in it leads back: the id is random, the time is a day.
func (p *Programmes) response(i *Invitation, id string, w way, s Submission, answers form.Answers, now time.Time) *Response {
	r := &Response{ID: id, Programme: i.Programme, Round: i.Round, Questionnaire: i.Questionnaire, Version: i.Version,
		Invitation: i.ID,
		Stratum:    i.Stratum, Snapshot: i.Snapshot, Answers: answers, Complete: s.Complete, How: w.how, By: w.by, Language: s.Language,
		At: now}
	if i.Anonymous {
		r.Invitation, r.By, r.Snapshot.Employee, r.At = "", "", "", dayOf(now)
	}
	return r
}

// end an invitation. When somebody answered or refused anonymously is told by the day alone.
func (i *Invitation) end(s InvitationState, now time.Time) {
	i.State, i.Ended, i.Due = s, now, time.Time{}
	if i.Anonymous {
		i.Ended = dayOf(now)
	}
}

// dayOf a moment, as one is kept where nothing finer may be.
func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// verbatims of a complete response: its answers in words.
func (p *Programmes) verbatims(r *Response, q *form.Questionnaire) []Verbatim {
	if !r.Complete {
		return nil
	}
	day := r.At
	if r.Invitation != "" {
		day = day.In(p.Zone)
	}
	var all []Verbatim
	for n := range q.Questions {
		x := &q.Questions[n]
		text, ok := r.Answers[x.Code].(string)
		if x.Type != form.Words || !ok || text == "" || x.DontKnow && text == form.DontKnow {
			continue
		}
		all = append(all, Verbatim{ID: event.Derive(r.ID, x.Code), Round: r.Round, Response: r.ID, Question: x.Code, Text: text,
			Language: r.Language,
			Day:      day.Format(time.DateOnly), State: VerbatimNew, Snapshot: r.Snapshot, Folded: fold.Text(text)})
	}
	return all
}

// refuse an invitation that the caller may answer.
func (p *Programmes) refuse(ctx context.Context, i *Invitation) error {
	if i.open() {
		if err := p.closed(ctx, i); err != nil {
			return err
		}
	}
	now := p.instant()
	err := p.Store.Respond(ctx, i.ID, func(i *Invitation, old *Response) (*Response, []byte, []Verbatim, error) {
		switch {
		case i.State == InvitationRefused:
			return nil, nil, nil, errSame
		case i.State == InvitationComplete:
			return nil, nil, nil, fault.New(fault.Exists)
		}
		if err := i.settled(); err != nil {
			return nil, nil, nil, err
		}
		i.end(InvitationRefused, now)
		if old == nil {
			return nil, nil, nil, nil
		}
		r := *old
		r.Answers, r.At = form.Answers{}, now
		return &r, nil, nil, nil // who refuses is no respondent
	})
	if err != nil && !errors.Is(err, errSame) {
		return fmt.Errorf("take a refusal: %w", err)
	}
	return nil
}

// AskedBy is the invitation that a link's token leads to. fault.NotFound for a token that was tampered with. It is given also with
// fault.Gone when its time is over, and with fault.Conflict when the person refused or the round was stopped.
func (p *Programmes) AskedBy(ctx context.Context, token string) (*Asked, error) {
	i, err := p.linked(ctx, token)
	if err != nil {
		return nil, err
	}
	x, err := p.asked(ctx, i, true)
	if err != nil {
		return nil, err
	}
	if i.open() {
		err = p.closed(ctx, i)
	} else {
		err = i.settled()
	}
	return x, err
}

// RespondBy is Respond by a link's token, RefuseBy is Refuse.
func (p *Programmes) RespondBy(ctx context.Context, token string, s Submission) (*Asked, error) {
	i, err := p.linked(ctx, token)
	if err != nil {
		return nil, err
	}
	return p.respond(ctx, i, way{how: ByLink}, s)
}

// RefuseBy is Refuse by a link's token.
func (p *Programmes) RefuseBy(ctx context.Context, token string) error {
	i, err := p.linked(ctx, token)
	if err != nil {
		return err
	}
	return p.refuse(ctx, i)
}

// linked is the invitation of a token.
func (p *Programmes) linked(ctx context.Context, token string) (*Invitation, error) {
	id, ok := p.invitationOf(token)
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	return p.sent(ctx, id)
}

// instant is now, as it is kept.
func (p *Programmes) instant() time.Time { return p.Now().UTC().Truncate(time.Millisecond) }

func isCitizen(a actor.Actor) error {
	switch a.Kind {
	case actor.Citizen:
		return nil
	case actor.Nobody:
		return fault.New(fault.Unauthenticated)
	}
	return fault.New(fault.Forbidden)
}

// takesCalls says whether a is staff who may take answers down.
func takesCalls(a actor.Actor) error {
	switch {
	case a.Is(actor.Clerk, actor.Officer, actor.Supervisor):
		return nil
	case a.Kind == actor.Nobody:
		return fault.New(fault.Unauthenticated)
	}
	return fault.New(fault.Forbidden)
}
