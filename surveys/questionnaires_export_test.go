package surveys

import (
	"context"

	"github.com/balagh/balagh/surveys/form"
)

const MaxTexts = maxTexts

// AskedVersion is the version that is asked.
func (p *Programmes) AskedVersion(ctx context.Context, code string, version int) (*form.Questionnaire, error) {
	return p.questionnaire(ctx, code, version)
}

// Remember puts a version into memory, and says how many are there.
func (p *Programmes) Remember(q *form.Questionnaire) int {
	p.texts.put(q)
	return len(p.texts.byVersion)
}
