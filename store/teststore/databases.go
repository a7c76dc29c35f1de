package teststore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/store/storetest"
)

// pool has the databases of this process. One that a test is done with is emptied for the next: making one with all its indexes takes
// longer than most tests.
type pool struct {
	mu     sync.Mutex
	client *driver.Client
	made   []string
	free   []string
}

var databases pool

// take gives the address of an empty database, and has it back when the test is over.
func (p *pool) take(t testing.TB) string {
	t.Helper()
	server := os.Getenv(storetest.MongoDB)
	if server == "" {
		t.Fatal(storetest.WithoutMongoDB)
	}
	name, err := p.next(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.give(name); err != nil {
			t.Error(err)
		}
	})
	address, options, found := strings.Cut(server, "?")
	address = strings.TrimSuffix(address, "/") + "/" + name
	if found {
		address += "?" + options
	}
	return address
}

func (p *pool) next(server string) (name string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client == nil {
		if p.client, err = driver.Connect(options.Client().ApplyURI(server).SetTimeout(30 * time.Second)); err != nil {
			return "", err
		}
	}
	if n := len(p.free); n > 0 {
		name, p.free = p.free[n-1], p.free[:n-1]
		return name, nil
	}
	name = fmt.Sprintf("test_%d_%d_%d", time.Now().Unix(), os.Getpid(), len(p.made))
	p.made = append(p.made, name)
	return name, nil
}

// give empties a database. That it is up to date stays written in it.
func (p *pool) give(name string) error {
	ctx, db := context.Background(), p.client.Database(name)
	all, err := db.ListCollectionNames(ctx, bson.D{})
	for _, collection := range all {
		if collection == "schema" {
			continue
		}
		_, failed := db.Collection(collection).DeleteMany(ctx, bson.D{})
		err = errors.Join(err, failed)
	}
	if err != nil {
		return fmt.Errorf("empty a database: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, name)
	return nil
}

// drop removes all of them.
func (p *pool) drop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client == nil {
		return nil
	}
	ctx := context.Background()
	var errs []error
	for _, name := range p.made {
		errs = append(errs, p.client.Database(name).Drop(ctx))
	}
	errs = append(errs, p.client.Disconnect(ctx))
	p.client, p.made, p.free = nil, nil, nil
	return errors.Join(errs...)
}
