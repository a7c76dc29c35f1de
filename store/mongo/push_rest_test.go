package mongo

import (
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

type pushRest struct {
	push.Store
}

type pushTown struct{ storetest.Town }

// whole is the store with nothing where a method is missing.
func whole(db *DB) storetest.BroadcastsStore {
	return struct {
		*DB
		pushRest
		pushTown
	}{DB: db}
}
