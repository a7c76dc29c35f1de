package mongo

import (
	"testing"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

func TestPush(t *testing.T) {
	t.Parallel()
	storetest.TestPush(t, func(t *testing.T) push.Store { return fresh(t) })
}

func TestPushLedger(t *testing.T) {
	t.Parallel()
	storetest.TestPushLedger(t, func(t *testing.T) push.Store { return fresh(t) })
}
