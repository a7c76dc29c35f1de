package teststore

import (
	"os"
	"testing"

	"github.com/balagh/balagh/store/mongo"
	"github.com/balagh/balagh/store/sqlite"
	"github.com/balagh/balagh/store/storetest"
)

func TestMain(m *testing.M) { Main(m) }

// All that one backend holds is the same in the other, and back again.
func TestTransfer_betweenBackends(t *testing.T) {
	t.Parallel()
	if os.Getenv(storetest.MongoDB) == "" {
		if os.Getenv("CI") != "" {
			t.Fatal(storetest.WithoutMongoDB)
		}
		t.Log(storetest.WithoutMongoDB)
		return
	}
	file := func(t *testing.T) storetest.TransferStore {
		return open(t, SQLite(t)).(*sqlite.DB)
	}
	server := func(t *testing.T) storetest.TransferStore {
		return open(t, databases.take(t)).(*mongo.DB)
	}
	t.Run("from SQLite", func(t *testing.T) { t.Parallel(); storetest.TestTransfer(t, file, server) })
	t.Run("from MongoDB", func(t *testing.T) { t.Parallel(); storetest.TestTransfer(t, server, file) })
}

func open(t *testing.T, uri string) Store {
	db := At(t, uri)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
