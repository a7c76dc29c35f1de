package sqlite

import (
	"strings"
	"testing"

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

func TestRounds_plans(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for _, c := range []struct {
		q, index string
		args     []any
	}{
		{newestQuestionnaires, "SCAN q", nil}, // of every code, so of nearly every row
		{questionnaireNewest, "PRIMARY KEY (code=?)", []any{"q"}},
		{questionnaireAll, "PRIMARY KEY (code=?)", []any{"q"}},
		{roundsAll, "rounds_ends", nil},
		{roundsOf, "rounds_programme (programme=?)", []any{"p"}},
		{dueRound, "rounds_due", []any{1, 2}},
		{overdueCases, "cases_due (due<?)", []any{1, 9}},
		{forgetDue, "cases_due (due=? AND report=?)", []any{1, "r"}},
		{casesOf, "PRIMARY KEY (citizen=?)", []any{"c"}},
		{casesInOrder, "PRIMARY KEY ((citizen,report)>(?,?))", []any{"", "", 9}},
		{dropDrawn, "INDEX invitations_round (round=? AND state=?)", []any{"r", 9, 9}},
		{invitationOf, "PRIMARY KEY (id=?)", []any{"i"}},
		{invitationsOf, "invitations_citizen (citizen=? AND asked<?)", []any{"c", 9}},
		{lastInvited, "COVERING INDEX invitations_citizen (citizen=? AND asked<?)", []any{"c", 9}},
		{roundInvitations, "invitations_round (round=? AND state=? AND id>?)", []any{"r", "drawn", "", 9}},
		{dueInvitations, "invitations_due (due<?)", []any{1, 9}},
		{countInvitations, "COVERING INDEX invitations_round (round=?)", []any{"r"}},
		{invitedSince, "COVERING INDEX invitations_citizen", []any{1, "r"}},
		{rowsOfRound, "PRIMARY KEY (round=?)", []any{"r"}},
		{verbatimsOfRound, "verbatims_round (round=? AND (age,id)>(?,?))", []any{0, "", "", nil, "[]", "r"}},
		{verbatimsOfAll, "verbatims_age ((age,id)>(?,?))", []any{0, "", "", nil, "[]"}},
	} {
		plan, err := explain(t.Context(), db, c.q, c.args)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, c.index) || strings.Contains(plan, "B-TREE") {
			t.Errorf("%s\n%s; want %s", c.q, plan, c.index)
		}
	}
}

func TestDB_LeaseRound_poisonedRow(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for _, id := range []string{"poisoned", "sound"} {
		if err := db.CreateRound(t.Context(), &surveys.Round{ID: id, State: surveys.RoundDrawing, Due: moment(1)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.write(t.Context(), func(w *tx) error {
		_, err := w.exec(`UPDATE rounds SET doc = '{', due = 0 WHERE id = 'poisoned'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if r, err := db.LeaseRound(t.Context(), moment(5), 1e9); err != nil || r == nil || r.ID != "sound" {
		t.Errorf("one that cannot be read holds up the others: %+v, %v", r, err)
	}
}
