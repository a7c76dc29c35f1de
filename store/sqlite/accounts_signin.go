package sqlite

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/balagh/balagh/accounts"
)

// PutCode replaces the code of its key.
func (db *DB) PutCode(ctx context.Context, c *accounts.Code) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO codes(key, mac, tries, expires) VALUES(?,?,?,?) ON CONFLICT(key)
			DO UPDATE SET mac = excluded.mac, tries = excluded.tries, expires = excluded.expires`, c.Key, c.MAC, c.Tries, millis(c.Expires))
		return err
	})
}

// SpendCode counts a try and compares.
func (db *DB) SpendCode(ctx context.Context, key string, mac []byte, tries int, now time.Time) (right bool, err error) {
	err = db.write(ctx, func(t *tx) error {
		right = false
		n, err := t.exec(`UPDATE codes SET tries = tries + 1 WHERE key = ? AND tries < ? AND expires > ?`, key, tries, millis(now))
		if err != nil || n == 0 {
			return err
		}
		var want []byte
		if err := t.row(`SELECT mac FROM codes WHERE key = ?`, key).Scan(&want); err != nil {
			return err
		}
		if !hmac.Equal(want, mac) {
			return nil
		}
		if _, err = t.exec(`DELETE FROM codes WHERE key = ?`, key); err != nil {
			return err
		}
		right = true
		return nil
	})
	return right && err == nil, err
}

// AddSession adds one.
func (db *DB) AddSession(ctx context.Context, x *accounts.Session) error {
	return db.addAccount(ctx, x, `INSERT INTO sessions(id, account, expires, ended, rev, doc) VALUES(?,?,?,?,?,?)`,
		x.ID, x.Account, millis(x.Expires), millis(x.Ended), x.Rev)
}

// Session reads one.
func (db *DB) Session(ctx context.Context, id string) (*accounts.Session, error) {
	return session(db.row(ctx, `SELECT ended, doc FROM sessions WHERE id = ?`, id))
}

// session reads a row; the column says when it was ended, because EndSessions writes only that.
func session(r scanner) (*accounts.Session, error) {
	var ended int64
	var b []byte
	if err := r.Scan(&ended, &b); err != nil {
		return nil, absent(err)
	}
	x := new(accounts.Session)
	if err := json.Unmarshal(b, x); err != nil {
		return nil, fmt.Errorf("stored session: %w", err)
	}
	x.Ended = moment(ended)
	return x, nil
}

// UpdateSession changes one; only one that was not ended meanwhile.
func (db *DB) UpdateSession(ctx context.Context, id string, change func(*accounts.Session) error) (*accounts.Session, error) {
	ended := int64(0)
	read := func(ctx context.Context, id string) (*accounts.Session, error) {
		x, err := db.Session(ctx, id)
		if err == nil {
			ended = millis(x.Ended)
		}
		return x, err
	}
	return updateAccount(ctx, db, read, id, change, func(x *accounts.Session) *int64 { return &x.Rev },
		func(t *tx, x *accounts.Session, b []byte) (int64, error) {
			return t.exec(`UPDATE sessions SET expires = ?, ended = ?, rev = ?, doc = ? WHERE id = ? AND rev = ? AND ended = ?`,
				millis(x.Expires), millis(x.Ended), x.Rev, b, id, x.Rev-1, ended)
		})
}

// EndSessions ends those of an account.
func (db *DB) EndSessions(ctx context.Context, account, except string, now time.Time) (ids []string, err error) {
	err = db.write(ctx, func(t *tx) error {
		ids = nil
		rows, err := t.query(`UPDATE sessions SET ended = ? WHERE account = ? AND ended = 0 AND id <> ? RETURNING id`, millis(now), account, except)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	})
	return ids, err
}

// EndedSessions reads those that ended since.
func (db *DB) EndedSessions(ctx context.Context, since time.Time) (map[string]time.Time, error) {
	rows, err := db.query(ctx, `SELECT id, ended FROM sessions WHERE ended > 0 AND ended >= ?`, millis(since))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]time.Time{}
	for rows.Next() {
		var id string
		var ended int64
		if err := rows.Scan(&id, &ended); err != nil {
			return nil, err
		}
		all[id] = moment(ended)
	}
	return all, rows.Err()
}

// AddKey adds a signing key.
func (db *DB) AddKey(ctx context.Context, k *accounts.Key) error {
	return db.addAccount(ctx, k, `INSERT INTO signing_keys(id, doc) VALUES(?,?)`, k.ID)
}

// Keys reads all signing keys.
func (db *DB) Keys(ctx context.Context) ([]*accounts.Key, error) {
	return docs[accounts.Key](db.query(ctx, `SELECT doc FROM signing_keys ORDER BY id`))
}

// DropKey removes a signing key.
func (db *DB) DropKey(ctx context.Context, id string) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM signing_keys WHERE id = ?`, id)
		return err
	})
}

// Take counts in the writer itself: a counter that everybody uses would lose every race outside it.
func (db *DB) Take(ctx context.Context, now time.Time, quotas []accounts.Quota) (wait time.Duration, err error) {
	err = db.write(ctx, func(t *tx) error {
		wait = 0
		counters := make([][]byte, len(quotas))
		for i, q := range quotas {
			var b []byte
			err := t.row(`SELECT doc FROM counters WHERE key = ?`, q.Key).Scan(&b)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			var c accounts.Counter
			if len(b) > 0 {
				if err := json.Unmarshal(b, &c); err != nil {
					return fmt.Errorf("stored counter: %w", err)
				}
			}
			wait = max(wait, c.Take(now, q.Limit))
			if counters[i], err = json.Marshal(c); err != nil {
				return fmt.Errorf("encode a counter: %w", err)
			}
		}
		if wait > 0 {
			return nil
		}
		for i, q := range quotas {
			if _, err := t.exec(`INSERT INTO counters(key, expires, doc) VALUES(?,?,?) ON CONFLICT(key)
				DO UPDATE SET expires = excluded.expires, doc = excluded.doc`, q.Key, millis(now.Add(q.Window)), counters[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return wait, err
}

// ForgetCounter starts a counter anew.
func (db *DB) ForgetCounter(ctx context.Context, key string) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM counters WHERE key = ?`, key)
		return err
	})
}
