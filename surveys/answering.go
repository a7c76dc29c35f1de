package surveys

import (
	"context"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// Asked is an invitation as its person sees it.
type Asked struct {
	Invitation    *Invitation
	Questionnaire *form.Questionnaire
	Answers       form.Answers // that are kept; empty when none are, or the programme is anonymous
}

// Asked are the citizen's invitations that can be answered or were, newest first.
func (p *Programmes) Asked(ctx context.Context, a actor.Actor) ([]Asked, error) {
	return nil, fault.New(fault.Internal)
}

// AskedOne is one of them. Somebody else's is fault.NotFound.
func (p *Programmes) AskedOne(ctx context.Context, a actor.Actor, invitation string) (*Asked, error) {
	return nil, fault.New(fault.Internal)
}

// AskedOf are the open invitations of a citizen, for clerks who take answers by phone; without answers.
func (p *Programmes) AskedOf(ctx context.Context, a actor.Actor, citizen string) ([]Asked, error) {
	return nil, fault.New(fault.Internal)
}

// Submission is what somebody answers.
type Submission struct {
	Answers  form.Answers
	Complete bool   // otherwise they are kept, and more may come
	Language string // in which it was asked
}

// Respond takes a citizen's answers, or those that a clerk takes down by phone, who then is a. The same complete answers again are no
// error. Errors: fault.NotFound for a foreign invitation, fault.Invalid with answers/CODE, fault.Exists when others were given,
// fault.Gone when it is too late, fault.Conflict when the person refused or the round was stopped, and for partial answers of an
// anonymous programme.
func (p *Programmes) Respond(ctx context.Context, a actor.Actor, invitation string, s Submission) (*Asked, error) {
	return nil, fault.New(fault.Internal)
}

// Refuse notes that the person does not want to answer. Errors as of Respond.
func (p *Programmes) Refuse(ctx context.Context, a actor.Actor, invitation string) error {
	return fault.New(fault.Internal)
}

// Link is where the person of an invitation answers without signing in.
func (p *Programmes) Link(invitation string) string { return "" }

// AskedBy is the invitation that a link's token leads to. fault.NotFound for a token that was tampered with; an invitation whose time is
// over is given with fault.Gone.
func (p *Programmes) AskedBy(ctx context.Context, token string) (*Asked, error) {
	return nil, fault.New(fault.Internal)
}

// RespondBy is Respond by a link's token, RefuseBy is Refuse.
func (p *Programmes) RespondBy(ctx context.Context, token string, s Submission) (*Asked, error) {
	return nil, fault.New(fault.Internal)
}

// RefuseBy is Refuse by a link's token.
func (p *Programmes) RefuseBy(ctx context.Context, token string) error {
	return fault.New(fault.Internal)
}
