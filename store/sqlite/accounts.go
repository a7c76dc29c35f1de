package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/fault"
)

const accountsSchema = `
CREATE TABLE citizens(
	id    TEXT PRIMARY KEY,
	phone TEXT NOT NULL UNIQUE,
	rev   INTEGER NOT NULL,
	doc   BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE devices(
	citizen    TEXT NOT NULL,
	id         TEXT NOT NULL,
	push_token TEXT UNIQUE, -- NULL for none
	seen       INTEGER NOT NULL,
	doc        BLOB NOT NULL, -- without the token
	PRIMARY KEY(citizen, id)
) WITHOUT ROWID;
CREATE TABLE staff(
	id    TEXT PRIMARY KEY,
	email TEXT NOT NULL UNIQUE,
	admin INTEGER NOT NULL, -- and active
	rev   INTEGER NOT NULL,
	doc   BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX staff_admin ON staff(admin) WHERE admin = 1;
CREATE TABLE codes(
	key     TEXT PRIMARY KEY,
	mac     BLOB NOT NULL,
	tries   INTEGER NOT NULL,
	expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX codes_expires ON codes(expires);
CREATE TABLE sessions(
	id      TEXT PRIMARY KEY,
	account TEXT NOT NULL,
	expires INTEGER NOT NULL,
	ended   INTEGER NOT NULL, -- 0 while it lives
	rev     INTEGER NOT NULL,
	doc     BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_account ON sessions(account) WHERE ended = 0;
CREATE INDEX sessions_expires ON sessions(expires);
CREATE INDEX sessions_ended ON sessions(ended) WHERE ended > 0;
CREATE TABLE counters(
	key     TEXT PRIMARY KEY,
	expires INTEGER NOT NULL,
	doc     BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX counters_expires ON counters(expires);
CREATE TABLE signing_keys(
	id  TEXT PRIMARY KEY,
	doc BLOB NOT NULL
) WITHOUT ROWID;`

var _ accounts.Store = (*DB)(nil)

// AddCitizen adds a citizen with a phone that no other has.
func (db *DB) AddCitizen(ctx context.Context, c *accounts.Citizen) error {
	return db.addAccount(ctx, c, `INSERT INTO citizens(id, phone, rev, doc) VALUES(?,?,?,?)`, c.ID, c.Phone, c.Rev)
}

// Citizen reads one.
func (db *DB) Citizen(ctx context.Context, id string) (*accounts.Citizen, error) {
	return doc[accounts.Citizen](db.row(ctx, `SELECT doc FROM citizens WHERE id = ?`, id))
}

// Citizens reads those that there are.
func (db *DB) Citizens(ctx context.Context, ids []string) ([]*accounts.Citizen, error) {
	return docs[accounts.Citizen](db.query(ctx, `SELECT doc FROM citizens WHERE id IN (SELECT value FROM json_each(?))`, jsonList(ids)))
}

// CitizenByPhone reads the one with that number.
func (db *DB) CitizenByPhone(ctx context.Context, phone string) (*accounts.Citizen, error) {
	return doc[accounts.Citizen](db.row(ctx, `SELECT doc FROM citizens WHERE phone = ?`, phone))
}

// UpdateCitizen changes one.
func (db *DB) UpdateCitizen(ctx context.Context, id string, change func(*accounts.Citizen) error) (*accounts.Citizen, error) {
	return updateAccount(ctx, db, db.Citizen, id, change, func(c *accounts.Citizen) *int64 { return &c.Rev },
		func(t *tx, c *accounts.Citizen, b []byte) (int64, error) {
			return t.exec(`UPDATE citizens SET phone = ?, rev = ?, doc = ? WHERE id = ? AND rev = ?`, c.Phone, c.Rev, b, id, c.Rev-1)
		})
}

// PutDevice writes a device and takes its push token from every other.
func (db *DB) PutDevice(ctx context.Context, d *accounts.Device) error {
	plain := *d
	plain.PushToken = ""
	b, err := json.Marshal(plain)
	if err != nil {
		return fmt.Errorf("encode a device: %w", err)
	}
	return db.write(ctx, func(t *tx) error {
		if d.PushToken != "" {
			if _, err := t.exec(`UPDATE devices SET push_token = NULL WHERE push_token = ?`, d.PushToken); err != nil {
				return err
			}
		}
		_, err := t.exec(`INSERT INTO devices(citizen, id, push_token, seen, doc) VALUES(?1,?2,nullif(?3,''),?4,?5) ON CONFLICT(citizen, id)
			DO UPDATE SET push_token = excluded.push_token, seen = excluded.seen, doc = excluded.doc`,
			d.Citizen, d.ID, d.PushToken, millis(d.Seen), b)
		return err
	})
}

// Devices reads those of a citizen, last seen first.
func (db *DB) Devices(ctx context.Context, citizen string) ([]*accounts.Device, error) {
	return db.devices(ctx, `SELECT coalesce(push_token, ''), doc FROM devices WHERE citizen = ? ORDER BY seen DESC, id`, citizen)
}

// PushDevices reads those of citizens that can be pushed to.
func (db *DB) PushDevices(ctx context.Context, citizens []string) ([]*accounts.Device, error) {
	return db.devices(ctx, `SELECT push_token, doc FROM devices WHERE citizen IN (SELECT value FROM json_each(?)) AND push_token IS NOT NULL ORDER BY seen DESC, id`,
		jsonList(citizens))
}

func (db *DB) devices(ctx context.Context, q string, args ...any) ([]*accounts.Device, error) {
	rows, err := db.query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*accounts.Device
	for rows.Next() {
		var token string
		var b []byte
		if err := rows.Scan(&token, &b); err != nil {
			return nil, err
		}
		d := new(accounts.Device)
		if err := json.Unmarshal(b, d); err != nil {
			return nil, fmt.Errorf("stored device: %w", err)
		}
		d.PushToken = token
		all = append(all, d)
	}
	return all, rows.Err()
}

// DeleteDevice removes one.
func (db *DB) DeleteDevice(ctx context.Context, citizen, id string) error {
	return db.write(ctx, func(t *tx) error {
		n, err := t.exec(`DELETE FROM devices WHERE citizen = ? AND id = ?`, citizen, id)
		if err == nil && n == 0 {
			return fault.New(fault.NotFound)
		}
		return err
	})
}

// DropPushToken takes a token from the citizen, if it is there.
func (db *DB) DropPushToken(ctx context.Context, citizen, token string) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE devices SET push_token = NULL WHERE push_token = ? AND citizen = ?`, token, citizen)
		return err
	})
}

// SetTokenAside notes it on the device, if the token is there.
func (db *DB) SetTokenAside(ctx context.Context, citizen, token string, since time.Time) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE devices SET doc = CAST(json_set(CAST(doc AS TEXT), '$.aside', ?) AS BLOB) WHERE push_token = ? AND citizen = ?`,
			since.Format(time.RFC3339Nano), token, citizen)
		return err
	})
}

// AddStaff adds a member with an e-mail that no other has.
func (db *DB) AddStaff(ctx context.Context, x *accounts.Staff) error {
	return db.addAccount(ctx, x, `INSERT INTO staff(id, email, admin, rev, doc) VALUES(?,?,?,?,?)`, x.ID, x.Email, x.Administers(), x.Rev)
}

// Staff reads one.
func (db *DB) Staff(ctx context.Context, id string) (*accounts.Staff, error) {
	return doc[accounts.Staff](db.row(ctx, `SELECT doc FROM staff WHERE id = ?`, id))
}

// StaffByEmail reads the one with that address.
func (db *DB) StaffByEmail(ctx context.Context, email string) (*accounts.Staff, error) {
	return doc[accounts.Staff](db.row(ctx, `SELECT doc FROM staff WHERE email = ?`, email))
}

// UpdateStaff changes one.
func (db *DB) UpdateStaff(ctx context.Context, id string, change func(*accounts.Staff) error) (*accounts.Staff, error) {
	return updateAccount(ctx, db, db.Staff, id, change, func(x *accounts.Staff) *int64 { return &x.Rev },
		func(t *tx, x *accounts.Staff, b []byte) (int64, error) {
			return t.exec(`UPDATE staff SET email = ?, admin = ?, rev = ?, doc = ? WHERE id = ? AND rev = ?`,
				x.Email, x.Administers(), x.Rev, b, id, x.Rev-1)
		})
}

// ListStaff reads a page in the order of ids.
func (db *DB) ListStaff(ctx context.Context, after string, limit int) ([]*accounts.Staff, error) {
	return docs[accounts.Staff](db.query(ctx, `SELECT doc FROM staff WHERE id > ? ORDER BY id LIMIT ?+0`, after, limit))
}

// Admins counts the active ones.
func (db *DB) Admins(ctx context.Context) (n int, err error) {
	err = db.row(ctx, `SELECT count(*) FROM staff WHERE admin = 1`).Scan(&n)
	return n, err
}

// addAccount inserts v, encoded as the last argument; a taken key is fault.Exists.
func (db *DB) addAccount(ctx context.Context, v any, insert string, args ...any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	err = db.write(ctx, func(t *tx) error {
		_, err := t.exec(insert, append(args, b)...)
		return err
	})
	if unique(err) {
		return fault.New(fault.Exists)
	}
	return err
}

// updateAccount reads, changes and writes until nobody else wrote in between. write answers how many rows it found at the
// version before.
func updateAccount[T any](ctx context.Context, db *DB, read func(context.Context, string) (*T, error), id string, change func(*T) error,
	rev func(*T) *int64, write func(*tx, *T, []byte) (int64, error)) (*T, error) {
	for {
		v, err := read(ctx, id)
		if err != nil {
			return nil, err
		}
		before := *rev(v)
		if err := change(v); err != nil {
			return nil, err
		}
		*rev(v) = before + 1
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
		var n int64
		err = db.write(ctx, func(t *tx) (err error) {
			n, err = write(t, v, b)
			return err
		})
		switch {
		case unique(err):
			return nil, fault.New(fault.Exists)
		case err != nil:
			return nil, err
		case n == 1:
			return v, nil
		}
	}
}

// SweepAccounts removes what is over, a thousand rows at a time so that no write waits long.
func (db *DB) SweepAccounts(ctx context.Context, now, ended time.Time) error {
	for _, sweep := range []struct {
		query string
		at    time.Time
	}{
		{`DELETE FROM codes WHERE key IN (SELECT key FROM codes WHERE expires < ? LIMIT 1000)`, now},
		{`DELETE FROM counters WHERE key IN (SELECT key FROM counters WHERE expires < ? LIMIT 1000)`, now},
		{`DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires < ? LIMIT 1000)`, now},
		{`DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended > 0 AND ended < ? LIMIT 1000)`, ended},
	} {
		for more := true; more; {
			err := db.write(ctx, func(t *tx) error {
				n, err := t.exec(sweep.query, millis(sweep.at))
				more = n == 1000
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
