package surveys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// maxTexts bounds the versions in memory. A few are asked at a time; a version of a hundred questions takes about 200 kB.
const maxTexts = 200

// questionnaires remembers versions, which never change. They are shared: nobody may change what it gives.
type questionnaires struct {
	mu        sync.RWMutex
	byVersion map[textKey]*form.Questionnaire
}

type textKey struct {
	code    string
	version int
}

func (t *questionnaires) get(key textKey) *form.Questionnaire {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byVersion[key]
}

// put remembers a version. When there are too many it begins anew: those that are still asked come back at once.
func (t *questionnaires) put(q *form.Questionnaire) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byVersion == nil || len(t.byVersion) >= maxTexts {
		t.byVersion = make(map[textKey]*form.Questionnaire)
	}
	t.byVersion[textKey{q.Code, q.Version}] = q
}

// Questionnaires are the newest versions, for managers and administrators.
func (p *Programmes) Questionnaires(ctx context.Context, a actor.Actor) ([]*form.Questionnaire, error) {
	if err := mayRead(a); err != nil {
		return nil, err
	}
	all, err := p.Store.Questionnaires(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the questionnaires: %w", err)
	}
	return all, nil
}

// Questionnaire of a version, or the newest with 0, for managers and administrators.
func (p *Programmes) Questionnaire(ctx context.Context, a actor.Actor, code string, version int) (*form.Questionnaire, error) {
	if err := mayRead(a); err != nil {
		return nil, err
	}
	q, err := p.Store.Questionnaire(ctx, code, version)
	if err != nil {
		return nil, fmt.Errorf("read a questionnaire: %w", err)
	}
	return q, nil
}

// QuestionnaireVersions are all of one, newest first, for managers and administrators. fault.NotFound when there is none.
func (p *Programmes) QuestionnaireVersions(ctx context.Context, a actor.Actor, code string) ([]*form.Questionnaire, error) {
	if err := mayRead(a); err != nil {
		return nil, err
	}
	all, err := p.Store.QuestionnaireVersions(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("read the versions of a questionnaire: %w", err)
	}
	if len(all) == 0 {
		return nil, fault.New(fault.NotFound)
	}
	return all, nil
}

// PutQuestionnaire checks q and writes it as the next version, for administrators. With version, that must be the present one
// (0: there must be none). A dry run writes nothing. The same content as the present version makes no new one. Errors: what
// form.Check finds, fault.PreconditionFailed, also for one of two who write at once.
func (p *Programmes) PutQuestionnaire(ctx context.Context, a actor.Actor, q form.Questionnaire, version *int,
	dryRun bool) (*form.Questionnaire, error) {
	if err := mayWrite(a); err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	present, err := p.Store.Questionnaire(ctx, q.Code, 0)
	switch {
	case errors.Is(err, fault.New(fault.NotFound)):
		present = &form.Questionnaire{}
	case err != nil:
		return nil, fmt.Errorf("read a questionnaire: %w", err)
	}
	if version != nil && *version != present.Version {
		return nil, fault.New(fault.PreconditionFailed)
	}
	if present.Version > 0 && q.Same(present) {
		return present, nil
	}
	q.Version, q.By, q.At = present.Version+1, a.ID, p.Now().UTC()
	if dryRun {
		return &q, nil
	}
	if err := p.Store.AddQuestionnaire(ctx, &q); err != nil {
		return nil, fmt.Errorf("write a questionnaire: %w", err)
	}
	return &q, nil
}

// questionnaire is the version that is asked, or the newest with 0; a version is read once and then comes from memory. It is
// shared, and not to be changed.
func (p *Programmes) questionnaire(ctx context.Context, code string, version int) (*form.Questionnaire, error) {
	if q := p.texts.get(textKey{code, version}); q != nil {
		return q, nil
	}
	q, err := p.Store.Questionnaire(ctx, code, version)
	if err != nil {
		return nil, fmt.Errorf("read a questionnaire: %w", err)
	}
	p.texts.put(q)
	return q, nil
}

// mayRead says whether somebody may look at questionnaires, programmes and rounds.
func mayRead(a actor.Actor) error { return allowed(a, actor.Manager, actor.Admin) }

// mayWrite says whether somebody may change them. They ask people of every centre, and so only those who set up all of them may.
func mayWrite(a actor.Actor) error {
	if err := allowed(a, actor.Admin); err != nil {
		return err
	}
	if !slices.Contains(a.Centres, actor.All) {
		return fault.New(fault.Forbidden)
	}
	return nil
}

func allowed(a actor.Actor, roles ...actor.Role) error {
	switch {
	case a.Kind == actor.Nobody:
		return fault.New(fault.Unauthenticated)
	case !a.Is(roles...):
		return fault.New(fault.Forbidden)
	}
	return nil
}
