package mongo

import (
	"testing"

	"github.com/balagh/balagh/store/storetest"
)

func TestOutbox(t *testing.T) {
	t.Parallel()
	storetest.TestOutbox(t, func(t *testing.T) storetest.Outbox { return fresh(t) })
}
