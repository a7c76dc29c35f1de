package mongo

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/balagh/balagh/store/storetest"
)

// server is the address of the server that the tests run on. Each test has a database of its own there.
var server = os.Getenv(storetest.MongoDB)

func TestMain(m *testing.M) {
	if server == "" {
		fmt.Println(storetest.WithoutMongoDB)
		if os.Getenv("CI") != "" {
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	pool.drop()
	os.Exit(code)
}

// databases are kept for the next test: making one with all its indexes takes longer than most tests.
type databases struct {
	mu   sync.Mutex
	free []string
	all  int
}

var pool databases

func (p *databases) take() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		name := p.free[n-1]
		p.free = p.free[:n-1]
		return name
	}
	p.all++
	return fmt.Sprintf("test_%d_%d", os.Getpid(), p.all)
}

// give empties a database for the next test.
func (p *databases) give(ctx context.Context, db *DB) error {
	names, err := db.db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := db.in(name).DeleteMany(ctx, bson.D{}); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, db.db.Name())
	return nil
}

func (p *databases) drop() {
	ctx := context.Background()
	db, err := Open(ctx, server, Options{AsIs: true})
	if err != nil {
		return
	}
	for _, name := range p.free {
		_ = db.client.Database(name).Drop(ctx)
	}
	_ = db.Close()
}

// fresh is an empty store.
func fresh(t testing.TB) *DB { return opened(t, pool.take(), nil) }

func opened(t testing.TB, name string, monitor *event.CommandMonitor) *DB {
	t.Helper()
	db, err := Open(t.Context(), server+"/"+name, Options{Monitor: monitor})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.give(context.Background(), db); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
