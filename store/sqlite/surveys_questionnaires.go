package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

const questionnairesSchema = `
CREATE TABLE questionnaires(
	code    TEXT NOT NULL,
	version INTEGER NOT NULL,
	doc     BLOB NOT NULL,
	PRIMARY KEY(code, version)
) WITHOUT ROWID;`

var _ surveys.RoundStore = (*DB)(nil)

// AddQuestionnaire writes a version.
func (db *DB) AddQuestionnaire(ctx context.Context, q *form.Questionnaire) error {
	doc, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("encode a questionnaire: %w", err)
	}
	err = db.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO questionnaires(code, version, doc) VALUES(?,?,?)`, q.Code, q.Version, doc)
		return err
	})
	if unique(err) {
		return fault.New(fault.PreconditionFailed)
	}
	return err
}

const (
	newestQuestionnaires = `SELECT doc FROM questionnaires AS q WHERE version = (SELECT max(version) FROM questionnaires WHERE code = q.code) ORDER BY code`
	questionnaireOf      = `SELECT doc FROM questionnaires WHERE code = ? AND version = ?`
	questionnaireNewest  = `SELECT doc FROM questionnaires WHERE code = ? ORDER BY version DESC LIMIT 1`
	questionnaireAll     = `SELECT doc FROM questionnaires WHERE code = ? ORDER BY version DESC`
)

// Questionnaire reads a version, or the newest with 0.
func (db *DB) Questionnaire(ctx context.Context, code string, version int) (*form.Questionnaire, error) {
	if version == 0 {
		return doc[form.Questionnaire](db.row(ctx, questionnaireNewest, code))
	}
	return doc[form.Questionnaire](db.row(ctx, questionnaireOf, code, version))
}

// Questionnaires reads the newest versions.
func (db *DB) Questionnaires(ctx context.Context) ([]*form.Questionnaire, error) {
	return docs[form.Questionnaire](db.query(ctx, newestQuestionnaires))
}

// QuestionnaireVersions reads every version of one.
func (db *DB) QuestionnaireVersions(ctx context.Context, code string) ([]*form.Questionnaire, error) {
	return docs[form.Questionnaire](db.query(ctx, questionnaireAll, code))
}
