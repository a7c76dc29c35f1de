package mongo

import (
	"testing"

	"github.com/balagh/balagh/store/storetest"
)

func TestSurveys_Conformance(t *testing.T) {
	t.Parallel()
	storetest.TestSurveys(t, func(t *testing.T) storetest.SurveysStore { return fresh(t) })
}

func TestSurveyDays_Conformance(t *testing.T) {
	t.Parallel()
	storetest.TestSurveyDays(t, func(t *testing.T) storetest.SurveysStore { return fresh(t) })
}
