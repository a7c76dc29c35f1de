package sqlite

import (
	"testing"

	"github.com/balagh/balagh/store/storetest"
)

func TestTransfer(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) storetest.TransferStore { return fresh(t) }
	storetest.TestTransfer(t, open, open)
}
