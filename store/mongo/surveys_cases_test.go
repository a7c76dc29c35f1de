package mongo

import (
	"testing"

	"github.com/balagh/balagh/store/storetest"
	"github.com/balagh/balagh/surveys"
)

// casesStore is a whole store of rounds for the suite of cases, which needs no more than the cases.
type casesStore struct {
	*DB
	others
}

type others struct{ surveys.RoundStore }

func TestCases_Conformance(t *testing.T) {
	t.Parallel()
	storetest.TestCases(t, func(t *testing.T) storetest.RoundsStore { return casesStore{DB: fresh(t)} })
}
