package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
)

// TestDB_write/one refusal spoils no other: writes that share a commit with one that fails halfway, or panics, are all there.
func TestDB_write(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	failed := errors.New("refused")
	insert := func(t *tx, key string) error {
		_, err := t.exec(`INSERT INTO answers(key, at, doc) VALUES(?, 1, x'')`, key)
		return err
	}
	held, gate := make(chan struct{}), make(chan struct{})
	var writes sync.WaitGroup
	writes.Go(func() { // holds the writer until all the others wait, so that they share one commit
		_ = db.write(t.Context(), func(*tx) error { close(held); <-gate; return nil })
	})
	<-held
	errs := make([]error, 60)
	for i := range errs {
		key := string(rune('A' + i))
		writes.Go(func() {
			errs[i] = db.write(t.Context(), func(t *tx) error {
				if err := insert(t, key); err != nil {
					return err
				}
				switch i % 20 {
				case 7:
					return failed
				case 13:
					panic("no")
				}
				return nil
			})
		})
	}
	for len(db.writer.jobs) < len(errs) {
		<-time.After(time.Millisecond)
	}
	close(gate)
	writes.Wait()
	for i, err := range errs {
		_, e := db.Answer(t.Context(), string(rune('A'+i)))
		there := e == nil
		if bad := i%20 == 7 || i%20 == 13; bad != (err != nil) || bad == there {
			t.Errorf("write %d: %v, and it is there: %v", i, err, there)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.write(ctx, func(t *tx) error { return insert(t, "late") }); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that is gone: %v", err)
	}
	if _, err := db.Answer(t.Context(), "late"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("it was written all the same: %v", err)
	}
}

// TestOpen_Newer: a store that a newer program wrote is refused, with the backup to go back to, and not touched.
func TestOpen_Newer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "balagh.db")
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec(`UPDATE schema SET version = 99`); err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err = Open(t.Context(), path, Options{}); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), ".backup") {
		t.Fatalf("opened: %v", err)
	}
}

// TestOpen_Older: an older store is brought up to date after a backup of it; opened again, there is nothing to do.
func TestOpen_Older(t *testing.T) {
	path := filepath.Join(t.TempDir(), "balagh.db")
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.KeepAnswer(t.Context(), "k", []byte("v"), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	old := migrations
	defer func() { migrations = old }()
	migrations = append(old[:len(old):len(old)], []string{`CREATE TABLE later(id INTEGER)`})
	for range 2 {
		if db, err = Open(t.Context(), path, Options{}); err != nil {
			t.Fatal(err)
		}
		if b, err := db.Answer(t.Context(), "k"); err != nil || string(b) != "v" {
			t.Fatalf("%q, %v", b, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := CheckFile(t.Context(), backupName(path, len(old))); err != nil {
		t.Fatalf("the backup: %v", err)
	}
	migrations = append(migrations, []string{`CREATE TABLE broken(`})
	if _, err := Open(t.Context(), path, Options{}); err == nil {
		t.Fatal("a broken step went through")
	}
	migrations = migrations[:len(migrations)-1]
	if db, err = Open(t.Context(), path, Options{}); err != nil {
		t.Fatalf("after a step that failed: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(backupName(path, len(old))); err != nil {
		t.Error(err)
	}
}
