package mongo

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/store/storetest"
)

// server is the address of the server that the tests run on. Each test has a database of its own there.
var server = os.Getenv(storetest.MongoDB)

// patience of tests that share two processors: a slow answer is no wrong one. Servers are given up sooner.
const patience = "?timeoutMS=60000"

func TestMain(m *testing.M) {
	if server == "" {
		fmt.Println(storetest.WithoutMongoDB)
		if os.Getenv("CI") != "" {
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	for _, bad := range seen.explain(context.Background()) {
		fmt.Println("query:", bad)
		code = 1
	}
	pool.drop()
	os.Exit(code)
}

// databases are kept for the next test: making one with all its indexes takes longer than most tests.
type databases struct {
	mu     sync.Mutex
	free   []string
	all    int
	client *driver.Client
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
func (p *databases) give(ctx context.Context, name string) error {
	db := p.server().Database(name)
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := db.Collection(name).DeleteMany(ctx, bson.D{}); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, name)
	return nil
}

// server is a connection that nobody listens to.
func (p *databases) server() *driver.Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client == nil {
		var err error
		if p.client, err = driver.Connect(options.Client().ApplyURI(server)); err != nil {
			panic(err)
		}
	}
	return p.client
}

func (p *databases) drop() {
	ctx := context.Background()
	for _, name := range p.free {
		_ = p.server().Database(name).Drop(ctx)
	}
	_ = p.server().Disconnect(ctx)
}

// fresh is an empty store.
func fresh(t testing.TB) *DB { return opened(t, pool.take()) }

func opened(t testing.TB, name string) *DB {
	t.Helper()
	db, err := Open(t.Context(), server+"/"+name+patience, Options{Monitor: seen.monitor()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.give(context.Background(), name); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
