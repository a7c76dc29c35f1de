package mongo

import (
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

type rest struct {
	push.Store
}

type town struct{ storetest.Town }

// whole is the store with nothing where a method is missing.
func whole(db *DB) storetest.BroadcastsStore {
	return struct {
		*DB
		rest
		town
	}{DB: db}
}
