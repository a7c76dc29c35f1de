package surveys

import (
	"context"
	"sync"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// questionnaires remembers versions, which never change.
type questionnaires struct {
	byVersion sync.Map
}

// Questionnaires are the newest versions, for managers and administrators.
func (p *Programmes) Questionnaires(ctx context.Context, a actor.Actor) ([]*form.Questionnaire, error) {
	return nil, fault.New(fault.Internal)
}

// Questionnaire of a version, or the newest with 0, for managers and administrators.
func (p *Programmes) Questionnaire(ctx context.Context, a actor.Actor, code string, version int) (*form.Questionnaire, error) {
	return nil, fault.New(fault.Internal)
}

// QuestionnaireVersions are all of one, newest first, for managers and administrators.
func (p *Programmes) QuestionnaireVersions(ctx context.Context, a actor.Actor, code string) ([]*form.Questionnaire, error) {
	return nil, fault.New(fault.Internal)
}

// PutQuestionnaire checks q and writes it as the next version, for administrators. With version, that must be the present one (0: there
// must be none). A dry run writes nothing. The same content as the present version makes no new one.
func (p *Programmes) PutQuestionnaire(ctx context.Context, a actor.Actor, q form.Questionnaire, version *int, dryRun bool) (*form.Questionnaire, error) {
	return nil, fault.New(fault.Internal)
}

// questionnaire is the version that is asked, from memory after the first time.
func (p *Programmes) questionnaire(ctx context.Context, code string, version int) (*form.Questionnaire, error) {
	return nil, fault.New(fault.Internal)
}
