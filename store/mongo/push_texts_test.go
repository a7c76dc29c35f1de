package mongo

import (
	"testing"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

func TestPushTexts(t *testing.T) {
	t.Parallel()
	storetest.TestPushTexts(t, func(t *testing.T) push.Store { return fresh(t) })
}
