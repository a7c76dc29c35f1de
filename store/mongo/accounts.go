package mongo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/fault"
)

// citizens: {_id, v, rev, phone, doc}
// devices:  {_id: citizen/id, v, citizen, push_token, doc}; push_token is absent for none
// staff:    {_id, v, rev, email, admin, doc}; admin is absent but for active administrators
var (
	citizens = kind[accounts.Citizen]{in: "citizens", id: func(c *accounts.Citizen) string { return c.ID }, rev: func(c *accounts.Citizen) *int64 { return &c.Rev },
		fields: func(c *accounts.Citizen) (bson.D, error) { return bson.D{{Key: "phone", Value: c.Phone}}, nil }}

	devices = kind[accounts.Device]{in: "devices", id: func(d *accounts.Device) string { return deviceID(d.Citizen, d.ID) },
		fields: func(d *accounts.Device) (bson.D, error) {
			return bson.D{{Key: "citizen", Value: d.Citizen}, {Key: "push_token", Value: textOrNone(d.PushToken)}}, nil
		}}

	staff = kind[accounts.Staff]{in: "staff", id: func(x *accounts.Staff) string { return x.ID }, rev: func(x *accounts.Staff) *int64 { return &x.Rev },
		fields: func(x *accounts.Staff) (bson.D, error) {
			return bson.D{{Key: "email", Value: x.Email}, {Key: "admin", Value: trueOrNone(x.Administers())}}, nil
		}}
)

var accountsIndexes = []index{
	{in: "citizens", keys: bson.D{{Key: "phone", Value: 1}}, unique: true, serves: "sign-in: one account of a number"},
	{in: "devices", keys: bson.D{{Key: "citizen", Value: 1}}, serves: "the devices of citizens"},
	{in: "devices", keys: bson.D{{Key: "push_token", Value: 1}}, unique: true, exists: "push_token", serves: "push: a token is on one device"},
	{in: "staff", keys: bson.D{{Key: "email", Value: 1}}, unique: true, serves: "sign-in of staff: one account of an address"},
	{in: "staff", keys: bson.D{{Key: "admin", Value: 1}}, exists: "admin", serves: "the count of active administrators"},
	{in: "codes", keys: bson.D{{Key: "gone", Value: 1}}, expire: true, serves: "the end of codes"},
	{in: "counters", keys: bson.D{{Key: "gone", Value: 1}}, expire: true, serves: "the end of counters"},
	{in: "sessions", keys: bson.D{{Key: "gone", Value: 1}}, expire: true, serves: "the end of sessions"},
	{in: "sessions", keys: bson.D{{Key: "live", Value: 1}}, exists: "live", serves: "the living sessions of an account"},
	{in: "sessions", keys: bson.D{{Key: "ended", Value: 1}}, exists: "ended", serves: "sessions that were ended lately"},
}

var _ accounts.Store = (*DB)(nil)

// textOrNone is a text as a field holds it, nil for none: then the field is not there.
func textOrNone(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func trueOrNone(b bool) any {
	if !b {
		return nil
	}
	return true
}

// change changes one, and counts its rev up whatever change made of that.
func (k kind[T]) change(ctx context.Context, db *DB, id string, change func(*T) error) (*T, error) {
	return k.update(ctx, db, id, func(v *T) (effects, error) {
		rev := *k.rev(v)
		err := change(v)
		*k.rev(v) = rev
		return effects{}, err
	})
}

// changeAccount is change, for which a taken key is fault.Exists.
func changeAccount[T any](ctx context.Context, db *DB, k kind[T], id string, change func(*T) error) (*T, error) {
	v, err := k.change(ctx, db, id, change)
	if taken(err) {
		return nil, fault.New(fault.Exists)
	}
	return v, err
}

// AddCitizen adds a citizen with a phone that no other has.
func (db *DB) AddCitizen(ctx context.Context, c *accounts.Citizen) error {
	return db.oneByOne(ctx, "phones/"+c.Phone, func() error { return citizens.add(ctx, db, c, effects{}, fault.Exists) })
}

// Citizen reads one.
func (db *DB) Citizen(ctx context.Context, id string) (*accounts.Citizen, error) {
	return citizens.get(ctx, db, id)
}

// Citizens reads those that there are.
func (db *DB) Citizens(ctx context.Context, ids []string) ([]*accounts.Citizen, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return citizens.all(ctx, db, bson.D{{Key: "_id", Value: among(ids)}})
}

// CitizenByPhone reads the one with that number.
func (db *DB) CitizenByPhone(ctx context.Context, phone string) (*accounts.Citizen, error) {
	return citizens.one(ctx, db, bson.D{{Key: "phone", Value: phone}})
}

// UpdateCitizen changes one.
func (db *DB) UpdateCitizen(ctx context.Context, id string, change func(*accounts.Citizen) error) (*accounts.Citizen, error) {
	return changeAccount(ctx, db, citizens, id, change)
}

func deviceID(citizen, id string) string { return citizen + "/" + id }

// PutDevice writes a device.
func (db *DB) PutDevice(ctx context.Context, d *accounts.Device) error {
	if d.PushToken == "" {
		return db.putDevice(ctx, d)
	}
	return db.oneByOne(ctx, "push_tokens/"+d.PushToken, func() error { return db.putDevice(ctx, d) })
}

// oneByOne does what is asked for under one key in this process in turn. Writes of one unique key beside _id that meet are each other's
// deadlock to a server on PostgreSQL, which takes a second to see that.
func (db *DB) oneByOne(ctx context.Context, key string, do func() error) error {
	t := &turn{do: do}
	err := db.crowd.join(ctx, key, t, func(jobs []any) {
		for _, j := range jobs {
			t := j.(*turn)
			t.err = t.do()
		}
	})
	if err != nil {
		return err
	}
	return t.err
}

type turn struct {
	do  func() error
	err error
}

// putDevice writes at once: nearly always nobody else has the token. When somebody has, the unique key says so, and the token leaves that
// one before the device is written again. Of many who put one token at once each that is refused made way for another, so that it ends.
// When the process dies between the two, the token is on no device until the phone, which got no answer, asks again.
func (db *DB) putDevice(ctx context.Context, d *accounts.Device) error {
	up, err := devices.changed(d, effects{})
	if err != nil {
		return err
	}
	id := deviceID(d.Citizen, d.ID)
	for try := 0; ; try++ {
		_, err := db.in(devices.in).UpdateOne(ctx, bson.D{{Key: "_id", Value: id}}, up, options.UpdateOne().SetUpsert(true))
		if err == nil {
			return nil
		}
		if taken(err) && d.PushToken != "" { // else two made the device at the same time
			err = db.dropToken(ctx, bson.D{{Key: "push_token", Value: theToken(d.PushToken)}, {Key: "_id", Value: bson.D{{Key: "$ne", Value: id}}}})
		}
		if err != nil && !taken(err) && !clashed(err) {
			return failed(ctx, err)
		}
		pause(ctx, try)
	}
}

// theToken names the field's presence too: without it the partial index does not serve.
func theToken(token string) bson.D {
	return bson.D{{Key: "$exists", Value: true}, {Key: "$eq", Value: token}}
}

func (db *DB) dropToken(ctx context.Context, filter bson.D) error {
	_, err := db.in(devices.in).UpdateOne(ctx, filter, bson.D{{Key: "$unset", Value: bson.D{{Key: "push_token", Value: ""}, {Key: "doc.push_token", Value: ""}}}})
	return err
}

// Devices reads those of a citizen, last seen first.
func (db *DB) Devices(ctx context.Context, citizen string) ([]*accounts.Device, error) {
	return db.lastSeen(ctx, bson.D{{Key: "citizen", Value: citizen}})
}

// PushDevices reads those of citizens that can be pushed to.
func (db *DB) PushDevices(ctx context.Context, of []string) ([]*accounts.Device, error) {
	if len(of) == 0 {
		return nil, nil
	}
	all, err := db.lastSeen(ctx, bson.D{{Key: "citizen", Value: among(of)}})
	return slices.DeleteFunc(all, func(d *accounts.Device) bool { return d.PushToken == "" }), err
}

// lastSeen sorts here: a citizen has few devices, and an index that had their moments would be written each time one is seen.
func (db *DB) lastSeen(ctx context.Context, filter bson.D) ([]*accounts.Device, error) {
	all, err := devices.all(ctx, db, filter)
	slices.SortFunc(all, func(a, b *accounts.Device) int { return cmp.Or(b.Seen.Compare(a.Seen), cmp.Compare(a.ID, b.ID)) })
	return all, err
}

// DeleteDevice removes one.
func (db *DB) DeleteDevice(ctx context.Context, citizen, id string) error {
	r, err := db.in(devices.in).DeleteOne(ctx, bson.D{{Key: "_id", Value: deviceID(citizen, id)}})
	if err == nil && r.DeletedCount == 0 {
		return fault.New(fault.NotFound)
	}
	return failed(ctx, err)
}

// DropPushToken takes a token from the citizen, if it is there.
func (db *DB) DropPushToken(ctx context.Context, citizen, token string) error {
	return failed(ctx, db.dropToken(ctx, bson.D{{Key: "push_token", Value: theToken(token)}, {Key: "citizen", Value: citizen}}))
}

// SetTokenAside notes it on the device, if the token is there.
func (db *DB) SetTokenAside(ctx context.Context, citizen, token string, since time.Time) error {
	_, err := db.in(devices.in).UpdateOne(ctx, bson.D{{Key: "push_token", Value: theToken(token)}, {Key: "citizen", Value: citizen}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "doc.aside", Value: since.Format(time.RFC3339Nano)}}}})
	return failed(ctx, err)
}

// AddStaff adds a member with an e-mail that no other has.
func (db *DB) AddStaff(ctx context.Context, x *accounts.Staff) error {
	return staff.add(ctx, db, x, effects{}, fault.Exists)
}

// Staff reads one.
func (db *DB) Staff(ctx context.Context, id string) (*accounts.Staff, error) {
	return staff.get(ctx, db, id)
}

// StaffByEmail reads the one with that address.
func (db *DB) StaffByEmail(ctx context.Context, email string) (*accounts.Staff, error) {
	return staff.one(ctx, db, bson.D{{Key: "email", Value: email}})
}

// UpdateStaff changes one.
func (db *DB) UpdateStaff(ctx context.Context, id string, change func(*accounts.Staff) error) (*accounts.Staff, error) {
	return changeAccount(ctx, db, staff, id, change)
}

// ListStaff reads a page in the order of ids.
func (db *DB) ListStaff(ctx context.Context, after string, limit int) ([]*accounts.Staff, error) {
	return staff.all(ctx, db, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}, page(limit, "_id"))
}

// page are the first documents in the order of a field.
func page(limit int, by string) *options.FindOptionsBuilder {
	return options.Find().SetSort(bson.D{{Key: by, Value: 1}}).SetLimit(int64(limit))
}

// Admins counts the active ones.
func (db *DB) Admins(ctx context.Context) (int, error) {
	n, err := db.in(staff.in).CountDocuments(ctx, bson.D{{Key: "admin", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$eq", Value: true}}}})
	return int(n), failed(ctx, err)
}

// What is worth something for a time only says in expires until when, by the clocks of the programs, and in gone when the server may
// remove it by its own: spare after that, and after it was written, so that a clock that is wrong takes nothing that somebody needs.
// The sweeps remove it sooner.
const spare = time.Hour

func gone(expires time.Time) bson.DateTime { return date(later(expires, time.Now()).Add(spare)) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// over finds what expired before a moment, by the index of gone: nothing else is gone before that and spare.
func over(before time.Time) bson.D {
	return bson.D{{Key: "gone", Value: bson.D{{Key: "$lt", Value: gone(before)}}}, {Key: "expires", Value: bson.D{{Key: "$lt", Value: before.UnixMilli()}}}}
}

const sweepPage = 1_000

// SweepAccounts removes what is over.
func (db *DB) SweepAccounts(ctx context.Context, now, ended time.Time) error {
	for _, in := range []string{"codes", "counters", sessions.in} {
		if err := db.sweep(ctx, in, over(now)); err != nil {
			return err
		}
	}
	return db.sweep(ctx, sessions.in, bson.D{{Key: "ended", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$lt", Value: millis(ended)}}}})
}

// sweep removes what the filter finds, a thousand at a time so that no write takes long.
func (db *DB) sweep(ctx context.Context, in string, filter bson.D) error {
	for n := sweepPage; n == sweepPage; {
		ids := bson.A{}
		err := db.scan(ctx, in, filter, func(raw bson.Raw) error {
			ids = append(ids, idOf(raw))
			return nil
		}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}).SetLimit(sweepPage))
		if err != nil {
			return err
		}
		if n = len(ids); n == 0 {
			return nil
		}
		still := append(slices.Clip(filter), bson.E{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}) // it may be in use again by now
		if _, err := db.in(in).DeleteMany(ctx, still); err != nil {
			return failed(ctx, err)
		}
	}
	return nil
}

// only is a projection.
func only(fields ...string) bson.D {
	d := make(bson.D, len(fields))
	for i, f := range fields {
		d[i] = bson.E{Key: f, Value: 1}
	}
	return d
}

// none says that the driver found nothing, which is no error to everybody.
func none(err error) bool { return err == driver.ErrNoDocuments }

// idOf is the id of a document, "" when it is no text.
func idOf(raw bson.Raw) string {
	id, _ := raw.Lookup("_id").StringValueOK()
	return id
}
