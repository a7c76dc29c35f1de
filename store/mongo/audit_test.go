package mongo

import (
	"testing"

	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/store/storetest"
)

func TestAudit_Conformance(t *testing.T) {
	t.Parallel()
	storetest.TestAudit(t, func(t *testing.T) audit.Store { return fresh(t) })
}
