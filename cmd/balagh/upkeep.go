package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/balagh/balagh/store/mongo"
	"github.com/balagh/balagh/store/sqlite"
)

// storeCommand is the upkeep of a store. All of it but copying may run beside a server.
type storeCommand struct {
	Migrate storeMigrate `cmd:"" help:"Bring the store up to date, as a server that starts does, and say what was made."`
	Check   storeCheck   `cmd:"" help:"Say what is missing or damaged in the store, and change nothing; the exit status tells."`
	Copy    storeCopy    `cmd:"" help:"Copy a whole installation into an empty store of whichever kind, with its photos, and compare all of it."`
}

type storeMigrate struct {
	storage
	Finish bool `help:"Do the second steps too, which programs of older versions would not understand: when none runs any more."`
}

// Run makes what is missing.
func (c *storeMigrate) Run(ctx context.Context, std stdio) error {
	path, err := c.path()
	if err != nil {
		return err
	}
	if path != "" { // opening does it
		db, err := sqlite.Open(ctx, path, sqlite.Options{})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(std.out, "the store is up to date")
		return errors.Join(err, db.Close())
	}
	return withMongo(ctx, c.Store, func(db *mongo.DB) error {
		is, _, err := db.Version(ctx)
		if err != nil {
			return err
		}
		missing, err := db.Check(ctx)
		if err != nil {
			return err
		}
		if err := db.Migrate(ctx); err != nil {
			return err
		}
		left, err := db.Check(ctx)
		if err != nil {
			return err
		}
		now, _, err := db.Version(ctx)
		if err != nil {
			return err
		}
		if now != is {
			fmt.Fprintf(std.out, "brought from schema %d to %d\n", is, now)
		}
		made := 0
		for _, was := range missing {
			if !slices.Contains(left, was) {
				fmt.Fprintln(std.out, "made:", was)
				made++
			}
		}
		if len(left) > 0 {
			return wanting(std, left)
		}
		fmt.Fprintf(std.out, "the store is up to date; %d indexes were made\n", made)
		if c.Finish {
			n, err := db.Finish(ctx)
			if err != nil {
				return err
			}
			fmt.Fprintf(std.out, "%d second steps were done\n", n)
		}
		return nil
	})
}

type storeCheck struct{ storage }

// Run looks.
func (c *storeCheck) Run(ctx context.Context, std stdio) error {
	path, err := c.path()
	if err != nil {
		return err
	}
	if path != "" {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("there is no store: %w", err)
		}
		if err := sqlite.Check(ctx, path); err != nil {
			return fmt.Errorf("the store %s: %w", path, err)
		}
		_, err := fmt.Fprintln(std.out, "the store is sound")
		return err
	}
	return withMongo(ctx, c.Store, func(db *mongo.DB) error {
		is, known, err := db.Version(ctx)
		switch {
		case err != nil:
			return err
		case is == 0:
			return fmt.Errorf("there is no store: nothing is in %s; a server that starts makes one, or balagh store migrate", mongo.Masked(c.Store))
		case is < known:
			return fmt.Errorf("the store has schema %d, this program wants %d: run balagh store migrate", is, known)
		}
		missing, err := db.Check(ctx)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			return wanting(std, missing)
		}
		_, err = fmt.Fprintln(std.out, "nothing is missing")
		return err
	})
}

// wanting prints what a store lacks, and is an error about it.
func wanting(std stdio, missing []string) error {
	for _, what := range missing {
		fmt.Fprintln(std.out, what)
	}
	return fmt.Errorf("%d indexes are missing or not as they are declared", len(missing))
}
