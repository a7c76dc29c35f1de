package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/api"
	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/store/mongo"
	"github.com/balagh/balagh/store/sqlite"
	"github.com/balagh/balagh/store/transfer"
	"github.com/balagh/balagh/surveys"
)

// store is what an installation needs of the place where everything but the photos is kept.
type store interface {
	accounts.Store
	photos.Store
	push.Store
	reports.Store
	surveys.Store
	surveys.RoundStore
	event.Outbox
	api.Answers
	audit.Store
	transfer.Target
	Ping(context.Context) error
	Close() error
}

var (
	_ store = (*sqlite.DB)(nil)
	_ store = (*mongo.DB)(nil)
)

const howToWriteAStore = "write sqlite:PATH, mongodb://USER:PASSWORD@HOST/DATABASE or mongodb+srv://…"

// path is the SQLite file, "" when the store is a server's.
func (s *storage) path() (string, error) {
	if p, ok := strings.CutPrefix(s.Store, "sqlite:"); ok && p != "" {
		return p, nil
	}
	for _, scheme := range []string{"mongodb://", "mongodb+srv://"} {
		if rest, ok := strings.CutPrefix(s.Store, scheme); ok && rest != "" {
			return "", nil
		}
	}
	scheme, _, _ := strings.Cut(s.Store, ":")
	if scheme == "sqlite" || strings.HasPrefix(scheme, "mongodb") {
		return "", fmt.Errorf("--store: that is only the beginning of an address; %s", howToWriteAStore)
	}
	return "", fmt.Errorf("--store: a store of the kind %q is not known; %s", scheme, howToWriteAStore)
}

// shown is the address without a password.
func (s *storage) shown() string {
	if p, ok := strings.CutPrefix(s.Store, "sqlite:"); ok {
		return p
	}
	return mongo.Masked(s.Store)
}

// folder is where an installation on this machine has what is not in its store: beside the SQLite file, or in ./data.
func (s *storage) folder() (string, error) {
	p, err := s.path()
	switch {
	case err != nil:
		return "", err
	case p != "":
		return filepath.Dir(p), nil
	case s.beside != "":
		return s.beside, nil
	}
	return "data", nil
}

// openStore opens what --store names, and gives the function that lets the writes of a request go together there. metrics may be nil.
func (s *storage) openStore(ctx context.Context, metrics *api.Metrics) (store, func(context.Context) context.Context, error) {
	path, err := s.path()
	if err != nil {
		return nil, nil, err
	}
	if path != "" {
		var o sqlite.Options
		if metrics != nil {
			o.OnCommit = metrics.Commit
		}
		db, err := sqlite.Open(ctx, path, o)
		if err != nil {
			return nil, nil, err
		}
		return db, sqlite.Together, nil
	}
	db, err := mongo.Open(ctx, s.Store, mongo.Options{})
	if err != nil {
		return nil, nil, err
	}
	return db, mongo.Together, nil
}

// openExisting is openStore for what is of no use on an empty store, which it does not make.
func (s *storage) openExisting(ctx context.Context) (store, error) {
	path, err := s.path()
	if err != nil {
		return nil, err
	}
	if path != "" {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("there is no store: %w", err)
		}
	} else if err := withMongo(ctx, s.Store, func(db *mongo.DB) error {
		is, _, err := db.Version(ctx)
		if err == nil && is == 0 {
			err = fmt.Errorf("there is no store: nothing is in %s", mongo.Masked(s.Store))
		}
		return err
	}); err != nil {
		return nil, err
	}
	db, _, err := s.openStore(ctx, nil)
	return db, err
}

// withMongo looks at a store as it is.
func withMongo(ctx context.Context, uri string, do func(*mongo.DB) error) error {
	db, err := mongo.Open(ctx, uri, mongo.Options{AsIs: true})
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}
