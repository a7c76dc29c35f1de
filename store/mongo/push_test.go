package mongo

import (
	"context"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

type noBroadcasts interface {
	push.BudgetStore
	push.BroadcastStore
	push.TextStore
}

// pushStore is a push.Store as far as it is there.
type pushStore struct {
	noBroadcasts
	*DB
}

func TestPush(t *testing.T) {
	t.Parallel()
	storetest.TestPush(t, func(t *testing.T) push.Store { return pushStore{DB: fresh(t)} })
}

func TestPushLedger(t *testing.T) {
	t.Parallel()
	storetest.TestPushLedger(t, func(t *testing.T) push.Store { return pushStore{DB: fresh(t)} })
}

var (
	_ context.Context
	_ time.Time
)
