package mongo

import (
	"testing"

	"github.com/balagh/balagh/store/storetest"
)

func TestReports(t *testing.T) {
	t.Parallel()
	storetest.TestReports(t, func(t *testing.T) storetest.ReportsStore { return fresh(t) })
}
