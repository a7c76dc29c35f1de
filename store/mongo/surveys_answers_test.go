package mongo

import (
	"testing"

	"github.com/balagh/balagh/store/storetest"
	"github.com/balagh/balagh/surveys"
)

// answers is the store with what is about invitations and answers; the rest of a RoundStore lies behind it.
type answers struct {
	rest
	*DB
}

type rest struct{ surveys.RoundStore }

func TestAnswers_Conformance(t *testing.T) {
	t.Parallel()
	for name, suite := range map[string]func(*testing.T, func(*testing.T) storetest.RoundsStore){
		"Invitations": storetest.TestInvitations, "Responses": storetest.TestResponses, "Verbatims": storetest.TestVerbatims,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			suite(t, func(t *testing.T) storetest.RoundsStore { return answers{DB: fresh(t)} })
		})
	}
}
