package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"
)

// migrations bring a store from version i to i+1. A released one is never changed.
var migrations = [][]string{
	{outboxSchema, answersSchema, surveysSchema, daysSchema, pushSchema, broadcastsSchema, ledgerSchema, pushTextsSchema, photosSchema, accountsSchema, organisationSchema, reportsSchema, searchSchema,
		questionnairesSchema, programmesSchema, roundsSchema, casesSchema, invitationsSchema, responsesSchema, verbatimsSchema},
	{copyStateSchema},
	{reportFiguresSchema},
	{pagesSchema},
	{auditSchema, recentSchema},
}

// ErrNewer says that a newer version of the program wrote the store.
var ErrNewer = errors.New("the store was written by a newer version of balagh")

func migrate(ctx context.Context, db *sql.DB, path string) error {
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema(version INTEGER NOT NULL, at INTEGER NOT NULL)`); err != nil {
		return fmt.Errorf("open the store %s: %w", path, err)
	}
	var version int
	if err := db.QueryRowContext(ctx, `SELECT version FROM schema`).Scan(&version); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read the version of the store: %w", err)
	}
	if err := known(path, version); err != nil {
		return err
	}
	if version > 0 && version < len(migrations) {
		if err := vacuumInto(ctx, db, backupName(path, version)); err != nil {
			return fmt.Errorf("back up the store before bringing it up to date: %w", err)
		}
	}
	for ; version < len(migrations); version++ {
		if err := step(ctx, db, version); err != nil {
			return fmt.Errorf("bring the store from schema %d to %d: %w", version, version+1, err)
		}
	}
	return nil
}

func known(path string, version int) error {
	if version > len(migrations) {
		return fmt.Errorf("%w: it has schema %d, this program knows up to %d; use the newer program, or restore the backup %s", ErrNewer,
			version, len(migrations), backupName(path, len(migrations)))
	}
	return nil
}

func step(ctx context.Context, db *sql.DB, from int) error {
	t, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }()
	for _, q := range migrations[from] {
		if _, err := t.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	if _, err := t.ExecContext(ctx, `DELETE FROM schema`); err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, `INSERT INTO schema VALUES(?,?)`, from+1, time.Now().UnixMilli()); err != nil {
		return err
	}
	return t.Commit()
}

func backupName(path string, version int) string {
	return fmt.Sprintf("%s.schema-%d.backup", path, version)
}

// BackupFile writes a consistent copy of the store at path into the file dst, also while a server uses it; dst must not exist.
func BackupFile(ctx context.Context, path, dst string) error {
	db, err := sql.Open("sqlite", dsn(path)) // a copy is a write, in the eyes of a connection that only reads
	if err != nil {
		return err
	}
	defer db.Close()
	return vacuumInto(ctx, db, dst)
}

// Check is CheckFile for a store that a server may have open. It refuses one that a newer version wrote, and changes nothing.
func Check(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(path, "query_only(1)"))
	if err != nil {
		return err
	}
	defer db.Close()
	var version int
	if err := db.QueryRowContext(ctx, `SELECT version FROM schema`).Scan(&version); err != nil {
		return fmt.Errorf("read the version of the store: %w", err)
	}
	if err := known(path, version); err != nil {
		return err
	}
	return sound(ctx, db)
}

// CheckFile reads the whole store at path, which nobody has open, and says whether its pages and indexes are sound.
func CheckFile(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer db.Close()
	return sound(ctx, db)
}

func sound(ctx context.Context, db *sql.DB) error {
	var result string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&result); err != nil {
		return err
	}
	if result != "ok" {
		return fmt.Errorf("it is damaged: %s", result)
	}
	return nil
}

func vacuumInto(ctx context.Context, db *sql.DB, dst string) error {
	tmp := dst + ".part"
	_ = os.Remove(tmp)
	if _, err := os.Stat(dst); err == nil {
		return fmt.Errorf("%s exists already", dst)
	}
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, tmp); err != nil {
		return err
	}
	f, err := os.Open(tmp)
	if err != nil {
		return err
	}
	err = errors.Join(f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp, dst)
}
