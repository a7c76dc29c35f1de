package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

// invitations_citizen answers the quarantine, of one person and of all in their order, by itself. dropInvitations is a batch.
const (
	invitationsSchema = `
CREATE TABLE invitations(
	id      BLOB PRIMARY KEY,
	round   BLOB, -- NULL after a case until its day has come
	citizen BLOB NOT NULL,
	state   TEXT NOT NULL,
	asked   INTEGER, -- when it was sent; toBeAsked when that is ahead; NULL when it never was and never will be
	due     INTEGER,
	rev     INTEGER NOT NULL,
	doc     BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX invitations_citizen ON invitations(citizen, asked, id, round) WHERE asked IS NOT NULL;
CREATE INDEX invitations_round ON invitations(round, state, id) WHERE round IS NOT NULL;
CREATE INDEX invitations_due ON invitations(due, id) WHERE due IS NOT NULL;`

	toBeAsked       = math.MaxInt64
	dropInvitations = 1_000
)

// askedColumn is when an invitation was sent.
func askedColumn(i *surveys.Invitation) any {
	if i.State == surveys.InvitationDrawn || i.State == surveys.InvitationPlanned {
		return int64(toBeAsked)
	}
	return orNull(i.Invited)
}

// AddInvitations keeps those that are new.
func (db *DB) AddInvitations(ctx context.Context, all []surveys.Invitation) (int, error) {
	docs := make([][]byte, len(all))
	for n := range all {
		var err error
		if docs[n], err = json.Marshal(&all[n]); err != nil {
			return 0, fmt.Errorf("encode an invitation: %w", err)
		}
	}
	var added int64
	err := db.write(ctx, func(t *tx) error {
		added = 0
		for n := range all {
			i := &all[n]
			one, err := t.exec(`INSERT INTO invitations(id, round, citizen, state, asked, due, rev, doc) VALUES(?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
				key(i.ID), key(i.Round), key(i.Citizen), i.State, askedColumn(i), orNull(i.Due), i.Rev, docs[n])
			if err != nil {
				return fmt.Errorf("add an invitation: %w", err)
			}
			added += one
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return int(added), nil
}

const dropDrawn = `DELETE FROM invitations WHERE id IN (SELECT id FROM invitations WHERE round = ? AND state = 'drawn' AND rev < ? LIMIT ?+0)`

// DropDrawn removes those that were drawn, a batch at a time so that others can write.
func (db *DB) DropDrawn(ctx context.Context, round string, below int64) error {
	for {
		var n int64
		err := db.write(ctx, func(t *tx) (err error) {
			n, err = t.exec(dropDrawn, key(round), below, dropInvitations)
			return err
		})
		if err != nil || n < dropInvitations {
			return err
		}
	}
}

const (
	invitationOf     = `SELECT doc FROM invitations WHERE id = ?`
	invitationsOf    = `SELECT doc FROM invitations WHERE citizen = ? AND asked < ? ORDER BY asked DESC, id DESC`
	lastInvited      = `SELECT coalesce(max(asked), 0) FROM invitations WHERE citizen = ? AND asked < ?`
	roundInvitations = `SELECT doc FROM invitations WHERE round = ? AND state = ? AND id > ? ORDER BY id LIMIT ?+0`
	dueInvitations   = `SELECT doc FROM invitations WHERE due <= ? ORDER BY due, id LIMIT ?+0`
	countInvitations = `SELECT state, count(*) FROM invitations WHERE round = ? GROUP BY state`
	invitedSince     = `SELECT DISTINCT citizen FROM invitations INDEXED BY invitations_citizen WHERE citizen > '' AND asked >= ? AND round IS NOT ? ORDER BY citizen`
)

// Invitation reads one.
func (db *DB) Invitation(ctx context.Context, id string) (*surveys.Invitation, error) {
	return doc[surveys.Invitation](db.row(ctx, invitationOf, key(id)))
}

// InvitationsOf reads those of a citizen, who never has many.
func (db *DB) InvitationsOf(ctx context.Context, citizen string, now time.Time) ([]*surveys.Invitation, error) {
	all, err := docs[surveys.Invitation](db.query(ctx, invitationsOf, key(citizen), int64(toBeAsked)))
	return slices.DeleteFunc(all, func(i *surveys.Invitation) bool { return !i.Until.After(now) }), err
}

// LastInvited is a look at the end of a range.
func (db *DB) LastInvited(ctx context.Context, citizen string) (time.Time, error) {
	var at int64
	err := db.row(ctx, lastInvited, key(citizen), int64(toBeAsked)).Scan(&at)
	return moment(at), err
}

// RoundInvitations reads a page of each state and merges them.
func (db *DB) RoundInvitations(ctx context.Context, round string, states []surveys.InvitationState, after string,
	limit int) ([]*surveys.Invitation, error) {
	var all []*surveys.Invitation
	var from any = ""
	if after != "" {
		from = key(after)
	}
	for _, s := range states {
		some, err := docs[surveys.Invitation](db.query(ctx, roundInvitations, key(round), s, from, limit))
		if err != nil {
			return nil, fmt.Errorf("read invitations of a round: %w", err)
		}
		all = append(all, some...)
	}
	if len(states) > 1 {
		slices.SortFunc(all, func(a, b *surveys.Invitation) int { return cmp.Compare(a.ID, b.ID) })
	}
	return all[:min(len(all), limit)], nil
}

// DueInvitations reads those that the runner looks at.
func (db *DB) DueInvitations(ctx context.Context, now time.Time, limit int) ([]*surveys.Invitation, error) {
	return docs[surveys.Invitation](db.query(ctx, dueInvitations, millis(now), limit))
}

// CountInvitations counts in the index.
func (db *DB) CountInvitations(ctx context.Context, round string) (map[surveys.InvitationState]int, error) {
	rows, err := db.query(ctx, countInvitations, key(round))
	if err != nil {
		return nil, fmt.Errorf("count invitations: %w", err)
	}
	defer rows.Close()
	all := map[surveys.InvitationState]int{}
	for rows.Next() {
		var s surveys.InvitationState
		var n int
		if err := rows.Scan(&s, &n); err != nil {
			return nil, err
		}
		all[s] = n
	}
	return all, rows.Err()
}

// InvitedSince reads the index in its order.
func (db *DB) InvitedSince(ctx context.Context, since time.Time, except string, visit func(citizen string) error) error {
	var round any = "" // NULL is the round of those that are planned after cases
	if except != "" {
		round = key(except)
	}
	rows, err := db.query(ctx, invitedSince, since.UnixMilli(), round)
	if err != nil {
		return fmt.Errorf("read who was invited: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var k any
		if err := rows.Scan(&k); err != nil {
			return err
		}
		if err := visit(unkey(k)); err != nil {
			return err
		}
	}
	return rows.Err()
}

// invitationChange is a changed invitation on its way to the store.
type invitationChange struct {
	*surveys.Invitation
	was    int64 // its rev
	doc    []byte
	events []event.Event
}

func (db *DB) changeInvitation(ctx context.Context, id string,
	change func(*surveys.Invitation) ([]event.Event, error)) (c invitationChange, err error) {
	if c.Invitation, err = db.Invitation(ctx, id); err != nil {
		return c, err
	}
	c.was = c.Rev
	if c.events, err = change(c.Invitation); err != nil {
		return c, err
	}
	c.ID, c.Rev = id, c.was+1
	if c.doc, err = json.Marshal(c.Invitation); err != nil {
		err = fmt.Errorf("encode an invitation: %w", err)
	}
	return c, err
}

// putInvitation writes a change unless somebody was faster. Whose it is never changes.
func (t *tx) putInvitation(c invitationChange) (won bool, err error) {
	n, err := t.exec(`UPDATE invitations SET round = ?, state = ?, asked = ?, due = ?, rev = ?, doc = ? WHERE id = ? AND rev = ?`,
		key(c.Round), c.State, askedColumn(c.Invitation), orNull(c.Due), c.Rev, c.doc, key(c.ID), c.was)
	if err != nil || n == 0 {
		return false, err
	}
	return true, t.publish(c.events)
}

// UpdateInvitation changes one.
func (db *DB) UpdateInvitation(ctx context.Context, id string,
	change func(*surveys.Invitation) ([]event.Event, error)) (*surveys.Invitation, error) {
	var c invitationChange
	err := db.race(ctx, func() (write func(*tx) (bool, error), err error) {
		c, err = db.changeInvitation(ctx, id, change)
		return func(t *tx) (bool, error) { return t.putInvitation(c) }, err
	})
	if err != nil {
		return nil, err
	}
	return c.Invitation, nil
}

// UpdateInvitations changes a batch in one commit, and those that somebody else changed meanwhile in another.
func (db *DB) UpdateInvitations(ctx context.Context, ids []string, change func(*surveys.Invitation) ([]event.Event, error)) error {
	for len(ids) > 0 {
		changes := make([]invitationChange, 0, len(ids))
		for _, id := range ids {
			var refused error
			c, err := db.changeInvitation(ctx, id, func(i *surveys.Invitation) (events []event.Event, err error) {
				events, refused = change(i)
				return events, refused
			})
			if refused != nil || fault.CodeOf(err) == fault.NotFound {
				continue
			} else if err != nil {
				return err
			}
			changes = append(changes, c)
		}
		var lost []string
		if err := db.write(ctx, func(t *tx) error {
			lost = nil
			for _, c := range changes {
				won, err := t.putInvitation(c)
				if err != nil {
					return err
				}
				if !won {
					lost = append(lost, c.ID)
				}
			}
			return nil
		}); err != nil {
			return fmt.Errorf("change invitations: %w", err)
		}
		ids = lost
	}
	return nil
}
