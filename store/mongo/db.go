// Package mongo is the store for many machines: MongoDB, as a replica set or sharded, or a server that speaks its protocol.
//
// Each aggregate is one document, and each write is one atomic write of one document: no transactions over several, no change
// streams. What a write causes elsewhere travels in the document that was written: facts in its outbox, which the relay drains (see
// outbox.go), and writes to other documents in its field then, which are done at once and, when the process dies before, by
// whichever process looks next (see follow.go). The package knows how things are stored and never decides who may.
package mongo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"github.com/balagh/balagh/fault"
)

// Options of a store. The zero value is right for a server.
type Options struct {
	Monitor *event.CommandMonitor // told of each command; for tests
	AsIs    bool                  // do not bring the store up to date; for commands that look at it or make it themselves
}

const (
	defaultDatabase = "balagh"
	selectTime      = 5 * time.Second  // for finding a server
	operationTime   = 10 * time.Second // of what has no deadline of its own
	retryAfter      = 2 * time.Second  // while the server is away
)

// DB is an open store. It implements the Store interface of every domain and event.Outbox.
type DB struct {
	client  *driver.Client
	db      *driver.Database
	wake    chan struct{}
	crowd   crowd
	steps   []migration
	near    reaches
	closing chan struct{}
	working sync.WaitGroup
}

// Open connects to the store at uri, mongodb://… or mongodb+srv://…, with the database in its path (default balagh), and brings it
// up to date. A store that a newer version wrote is refused. No error of it has the password in it.
func Open(ctx context.Context, uri string, o Options) (*DB, error) {
	parsed, err := connstring.ParseAndValidate(uri)
	if err != nil {
		return nil, fmt.Errorf("the address of the store %s is wrong: %s", Masked(uri), strings.ReplaceAll(err.Error(), uri, Masked(uri)))
	}
	name := parsed.Database
	if name == "" {
		name = defaultDatabase
	}
	settings := options.Client().ApplyURI(uri).SetAppName("balagh").SetMonitor(o.Monitor).
		SetWriteConcern(writeconcern.Majority()).SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()).
		SetRetryWrites(true).SetRetryReads(true).SetServerSelectionTimeout(selectTime).SetConnectTimeout(selectTime)
	if parsed.Timeout == 0 {
		settings.SetTimeout(operationTime)
	}
	client, err := driver.Connect(settings)
	if err != nil {
		return nil, fmt.Errorf("the address of the store %s is wrong: %s", Masked(uri), strings.ReplaceAll(err.Error(), uri, Masked(uri)))
	}
	db := &DB{client: client, db: client.Database(name), steps: migrations, wake: make(chan struct{}, 1), closing: make(chan struct{})}
	if err := db.begin(ctx, o); err != nil {
		return nil, errors.Join(refusal(uri, err), client.Disconnect(context.WithoutCancel(ctx)))
	}
	return db, nil
}

func (db *DB) begin(ctx context.Context, o Options) error {
	look, cancel := context.WithTimeout(ctx, selectTime)
	defer cancel()
	// Asking for the version needs the right to read the database, which a ping does not.
	if _, err := db.version(look); err != nil {
		return err
	}
	if o.AsIs {
		return nil
	}
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	db.working.Go(db.follow)
	db.working.Go(db.lateFigures)
	return nil
}

// refusal is a sentence about a store that cannot be opened.
func refusal(uri string, err error) error {
	var command driver.CommandError
	var selection interface{ ErrorLabels() []string }
	text := err.Error()
	switch {
	case errors.Is(err, ErrNewer):
		return err
	case errors.As(err, &command) && (command.Code == 18 || command.Code == 8000) || strings.Contains(text, "auth error") || strings.Contains(text, "AuthenticationFailed"):
		return fmt.Errorf("the store %s refuses the user or the password", Masked(uri))
	case errors.As(err, &command) && command.Code == 13:
		return fmt.Errorf("the store %s does not let this user read and write the database", Masked(uri))
	case away(err), errors.As(err, &selection):
		return fmt.Errorf("the store %s cannot be reached: is the server running, and is the address right?", Masked(uri))
	}
	return fmt.Errorf("open the store %s: %s", Masked(uri), strings.ReplaceAll(text, uri, Masked(uri)))
}

// Masked is the address without the password.
func Masked(uri string) string {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return "(no address)"
	}
	host := rest
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		user, _, _ := strings.Cut(rest[:at], ":")
		if u, err := url.PathUnescape(user); err == nil {
			user = u
		}
		host = user + ":********" + rest[at:]
	}
	host, _, _ = strings.Cut(host, "?") // options may hold secrets too
	return scheme + "://" + host
}

// Close ends what works in the background and disconnects.
func (db *DB) Close() error {
	select {
	case <-db.closing:
		return nil
	default:
		close(db.closing)
	}
	db.working.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), selectTime)
	defer cancel()
	return db.client.Disconnect(ctx)
}

// Ping reads from the store. That a newer program has begun to bring it up to date does not concern one that runs.
func (db *DB) Ping(ctx context.Context) error {
	_, err := db.schema(ctx)
	return err
}

// Drop removes the whole database. For tests.
func (db *DB) Drop(ctx context.Context) error { return db.db.Drop(ctx) }

func (db *DB) in(collection string) *driver.Collection { return db.db.Collection(collection) }

// away says that the server did not answer, which passes by itself.
func away(err error) bool {
	if driver.IsNetworkError(err) || driver.IsTimeout(err) || errors.Is(err, driver.ErrClientDisconnected) || labelled(err, "RetryableWriteError") ||
		strings.Contains(err.Error(), "server selection error") {
		return true
	}
	var answered driver.ServerError
	if errors.As(err, &answered) {
		return false
	}
	for _, words := range []string{"connection", "pool for", "socket", "EOF", "i/o timeout"} { // the driver's own errors of a wire that broke
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

func labelled(err error, label string) bool {
	var l driver.LabeledError
	return errors.As(err, &l) && l.HasErrorLabel(label)
}

// failed is what a caller is told of an error of the driver: its own end, or that the store is away for now. A nil error stays nil.
func failed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, driver.ErrNoDocuments):
		return fault.New(fault.NotFound)
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case away(err) || backendAway(err) || clashed(err):
		return &fault.Error{Code: fault.Unavailable, RetryAfter: retryAfter, Cause: err}
	}
	return err
}

// backendAway knows the words of a server that answers but has lost what it stores in, or is being stopped.
func backendAway(err error) bool {
	var e driver.ServerError
	if !errors.As(err, &e) {
		return false
	}
	for _, code := range []int{6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436} { // HostUnreachable … NotPrimaryOrSecondary
		if e.HasErrorCode(code) {
			return true
		}
	}
	for _, words := range []string{"connection refused", "connection reset", "terminating connection", "failed to connect", "the database system is", "unexpected EOF", "broken pipe"} {
		if e.HasErrorMessage(words) {
			return true
		}
	}
	return false
}

// taken says that a unique key is there already.
func taken(err error) bool { return driver.IsDuplicateKeyError(err) }

// clashes of one write, after which others are no excuse.
const clashes = 20

// clashed says that writes of several waited for each other, or wrote the same, and the server gave this one up: it may be done again. A
// server on PostgreSQL does so after a second when two at once change different documents to the same unique key.
func clashed(err error) bool {
	var e driver.ServerError
	return errors.As(err, &e) && (e.HasErrorCode(112) || e.HasErrorMessage("deadlock detected"))
}

// millis is how moments are kept beside documents: milliseconds since 1970 in UTC; 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// orNone is a moment as a field holds it, nil for none: then the field is not there.
func orNone(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// date is a moment as an index that lets documents expire needs it.
func date(t time.Time) bson.DateTime { return bson.NewDateTimeFromTime(t) }
