package mongo

import (
	"context"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// questionnaires: {_id: code/version, v, code, version, doc}
var questionnaires = kind[form.Questionnaire]{in: "questionnaires", id: func(q *form.Questionnaire) string { return questionnaireID(q.Code, q.Version) },
	fields: func(q *form.Questionnaire) (bson.D, error) {
		return bson.D{{Key: "code", Value: q.Code}, {Key: "version", Value: q.Version}}, nil
	}}

var questionnairesIndexes = []index{{in: "questionnaires", keys: newestVersion, serves: "the versions of a questionnaire"}}

var newestVersion = bson.D{{Key: "code", Value: 1}, {Key: "version", Value: -1}}

var _ surveys.QuestionnaireStore = (*DB)(nil)

func questionnaireID(code string, version int) string { return code + "/" + strconv.Itoa(version) }

// AddQuestionnaire writes a version.
func (db *DB) AddQuestionnaire(ctx context.Context, q *form.Questionnaire) error {
	return questionnaires.add(ctx, db, q, effects{}, fault.PreconditionFailed)
}

// Questionnaire reads a version, or the newest with 0.
func (db *DB) Questionnaire(ctx context.Context, code string, version int) (*form.Questionnaire, error) {
	if version == 0 {
		return questionnaires.one(ctx, db, bson.D{{Key: "code", Value: code}}, options.FindOne().SetSort(newestVersion))
	}
	return questionnaires.get(ctx, db, questionnaireID(code, version))
}

// Questionnaires reads the newest versions: which they are is asked of them all, which are some hundreds, and then only these are handed over.
func (db *DB) Questionnaires(ctx context.Context) ([]*form.Questionnaire, error) {
	var ids []string
	cursor, err := db.in(questionnaires.in).Aggregate(ctx, driver.Pipeline{
		{{Key: "$group", Value: bson.D{{Key: "_id", Value: "$code"}, {Key: "version", Value: bson.D{{Key: "$max", Value: "$version"}}}}}}})
	err = scanned(ctx, cursor, err, func(raw bson.Raw) error {
		version, _ := raw.Lookup("version").AsInt64OK()
		ids = append(ids, questionnaireID(idOf(raw), int(version)))
		return nil
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return questionnaires.all(ctx, db, bson.D{{Key: "_id", Value: among(ids)}}, options.Find().SetSort(bson.D{{Key: "code", Value: 1}}))
}

// QuestionnaireVersions reads every version of one.
func (db *DB) QuestionnaireVersions(ctx context.Context, code string) ([]*form.Questionnaire, error) {
	return questionnaires.all(ctx, db, bson.D{{Key: "code", Value: code}}, options.Find().SetSort(newestVersion))
}
