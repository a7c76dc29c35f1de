// Package teststore opens a fresh store for a test: a SQLite file, or, as the environment variable storetest.Store says, a database of
// its own on a MongoDB server. A test that is about one of the two opens that one by itself.
package teststore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/store/mongo"
	"github.com/balagh/balagh/store/sqlite"
	"github.com/balagh/balagh/store/storetest"
	"github.com/balagh/balagh/surveys"
)

// Store is what tests use of a store.
type Store interface {
	accounts.Store
	photos.Store
	push.Store
	reports.Store
	surveys.Store
	surveys.RoundStore
	event.Outbox
	Publish(ctx context.Context, events ...event.Event) error
	Answer(ctx context.Context, key string) ([]byte, error)
	KeepAnswer(ctx context.Context, key string, answer []byte, at time.Time) error
	SweepAnswers(ctx context.Context, before time.Time) error
	Close() error
}

var (
	_ Store = (*sqlite.DB)(nil)
	_ Store = (*mongo.DB)(nil)
)

// Open gives an empty store, which is closed at the end.
func Open(t testing.TB) Store {
	t.Helper()
	db := At(t, URI(t))
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// URI is the address of an empty store, as --store has it.
func URI(t testing.TB) string {
	t.Helper()
	if OnMongoDB() {
		return databases.take(t)
	}
	return SQLite(t)
}

// SQLite is the address of an empty store in a file, whatever the environment says.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "balagh.db")
}

// OnMongoDB says whether this run of the tests is one on MongoDB.
func OnMongoDB() bool {
	switch kind := os.Getenv(storetest.Store); kind {
	case "", "sqlite":
		return false
	case "mongodb":
		return true
	default:
		panic(fmt.Sprintf("%s=%s is not known: mongodb, or sqlite", storetest.Store, kind))
	}
}

// At opens the store at an address once more, as another process does. Whoever opens it closes it.
func At(t testing.TB, uri string) Store {
	t.Helper()
	if path, ok := strings.CutPrefix(uri, "sqlite:"); ok {
		db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db, err := mongo.Open(t.Context(), uri, mongo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// Main runs the tests of a package and then drops the databases that they had: func TestMain(m *testing.M) { teststore.Main(m) }.
func Main(m *testing.M) { os.Exit(Tests{m}.Run()) }

// Tests are those of a package; for a TestMain that does more than Main.
type Tests struct{ M *testing.M }

// Run runs them and drops their databases.
func (x Tests) Run() int {
	code := x.M.Run()
	if err := databases.drop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}
