package mongo

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/store/storetest"
	"github.com/balagh/balagh/surveys"
)

func TestRounds_Conformance(t *testing.T) {
	t.Parallel()
	for name, suite := range map[string]func(*testing.T, func(*testing.T) storetest.RoundsStore){
		"Questionnaires": storetest.TestQuestionnaires, "Programmes": storetest.TestProgrammes, "Cases": storetest.TestCases,
		"Invitations": storetest.TestInvitations, "Responses": storetest.TestResponses, "Verbatims": storetest.TestVerbatims,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			suite(t, func(t *testing.T) storetest.RoundsStore { return fresh(t) })
		})
	}
}

func TestDB_LeaseRound_poisoned(t *testing.T) {
	t.Parallel()
	db, ctx := fresh(t), t.Context()
	for _, id := range []string{"poisoned", "hollow", "sound"} {
		fails(t, db.CreateRound(ctx, &surveys.Round{ID: id, State: surveys.RoundDrawing, Due: moment(3)}))
	}
	for id, up := range map[string]bson.D{"poisoned": {{Key: "$set", Value: bson.D{{Key: "doc", Value: "{"}, {Key: "due", Value: 1}}}},
		"hollow": {{Key: "$set", Value: bson.D{{Key: "due", Value: 2}}}, {Key: "$unset", Value: bson.D{{Key: "doc", Value: ""}, {Key: "rev", Value: ""}}}}} {
		_, err := db.in("rounds").UpdateOne(ctx, bson.D{{Key: "_id", Value: id}}, up)
		fails(t, err)
	}
	if r, err := db.LeaseRound(ctx, moment(5), time.Second); err != nil || r == nil || r.ID != "sound" {
		t.Errorf("one that cannot be read holds up the others: %+v, %v", r, err)
	}
}
