package mongo

import (
	"testing"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/store/storetest"
	"github.com/balagh/balagh/surveys"
)

func TestAccounts(t *testing.T) {
	t.Parallel()
	storetest.TestAccounts(t, func(t *testing.T) accounts.Store { return fresh(t) })
}

func TestAnswers(t *testing.T) {
	storetest.TestAnswers(t, func(t *testing.T) storetest.Answers { return fresh(t) })
}

func TestPhotos(t *testing.T) {
	t.Parallel()
	storetest.TestPhotos(t, func(t *testing.T) photos.Store { return fresh(t) })
}

type partly struct {
	surveys.CaseStore
	surveys.InvitationStore
	surveys.ResponseStore
	*DB
}

func TestRounds_Conformance(t *testing.T) {
	t.Parallel()
	for name, suite := range map[string]func(*testing.T, func(*testing.T) storetest.RoundsStore){
		"Questionnaires": storetest.TestQuestionnaires, "Programmes": storetest.TestProgrammes,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			suite(t, func(t *testing.T) storetest.RoundsStore { return partly{DB: fresh(t)} })
		})
	}
}
