package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/store/transfer"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

var movedKinds map[string]*moved

func init() { // the functions of the table lead back to it
	movedKinds = map[string]*moved{
		transfer.Organisations: documents("organisation", []string{"id"}, func(o *reports.Organisation) []any { return []any{1, o.Rev} }),
		transfer.Keys:          documents("signing_keys", []string{"id"}, func(k *accounts.Key) []any { return []any{k.ID} }),
		transfer.Staff: documents("staff", []string{"id"}, func(x *accounts.Staff) []any {
			return []any{x.ID, x.Email, x.Administers(), x.Rev}
		}),
		transfer.Citizens: documents("citizens", []string{"id"}, func(c *accounts.Citizen) []any { return []any{c.ID, c.Phone, c.Rev} }),
		transfer.Devices:  movedDevices,
		transfer.Sessions: movedSessions,
		transfer.Answers: rowsOf("answers", []string{"key"}, "at, doc", func(a *transfer.Answer, keys []any, row scanner) error {
			var at int64
			err := row.Scan(&at, &a.Answer)
			a.Key, a.At = stringOf(keys[0]), moment(at)
			return err
		}, func(a *transfer.Answer) []any { return []any{a.Key, millis(a.At), a.Answer} }),
		transfer.Photos: documents("photos", []string{"id"}, func(p *photos.Photo) []any {
			return []any{p.ID, p.Report, p.Owner, millis(p.CreatedAt), p.Rev}
		}),
		transfer.Reports:   movedReports,
		transfer.Facts:     movedFacts("outbox", "seq", `INSERT OR REPLACE INTO outbox(seq, subject, at, fence, attempts, doc) VALUES(?1,?4,?3,0,?2,?5)`),
		transfer.Parked:    movedFacts("parked", "id", `INSERT OR REPLACE INTO parked(id, at, attempts, doc) VALUES(?1,?3,?2+0*length(?4),?5)`),
		transfer.Occasions: movedOccasions,
		transfer.Questionnaires: documents("questionnaires", []string{"code", "version"}, func(q *form.Questionnaire) []any {
			return []any{q.Code, q.Version}
		}),
		transfer.Programmes: documents("programmes", []string{"code"}, func(p *surveys.Programme) []any { return []any{p.Code, p.Rev} }),
		transfer.Rounds: documents("rounds", []string{"id"}, func(r *surveys.Round) []any {
			return []any{key(r.ID), r.Programme.Code, millis(r.To), busy(r), orNull(r.Due), r.Rev}
		}),
		transfer.Cases: movedCases,
		transfer.Invitations: documents("invitations", []string{"id"}, func(i *surveys.Invitation) []any {
			return []any{key(i.ID), key(i.Round), key(i.Citizen), i.State, askedColumn(i), orNull(i.Due), i.Rev}
		}),
		transfer.Responses:  movedResponses,
		transfer.Verbatims:  movedVerbatims,
		transfer.Audits:     movedAudits,
		transfer.Templates:  documents("templates", []string{"kind", "channel", "version"}, func(x *push.Template) []any { return []any{x.Kind, x.Channel, x.Version} }),
		transfer.Policies:   documents("policies", []string{"kind", "rev"}, func(p *push.Policy) []any { return []any{p.Kind, p.Rev} }),
		transfer.Broadcasts: movedBroadcasts,
		transfer.Messages:   movedMessages,
		transfer.Figures: rowsOf("delivery_counts", []string{"day", "centre", "channel", "outcome", "reason", "bucket"}, "n", func(f *transfer.Figure, keys []any, row scanner) error {
			err := row.Scan(&f.N)
			bucket, _ := keys[5].(int64)
			f.Day, f.Centre, f.Channel, f.Outcome, f.Reason, f.Bucket = stringOf(keys[0]), stringOf(keys[1]), stringOf(keys[2]), push.State(stringOf(keys[3])), stringOf(keys[4]), int(bucket)
			return err
		}, func(f *transfer.Figure) []any {
			return []any{f.Day, f.Centre, f.Channel, f.Outcome, f.Reason, f.Bucket, f.N}
		}),
		transfer.Spendings: rowsOf("sms_spent", []string{"day", "scope"}, "spent", func(s *transfer.Spending, keys []any, row scanner) error {
			err := row.Scan(&s.Amount)
			s.Day, s.Scope = stringOf(keys[0]), stringOf(keys[1])
			return err
		}, func(s *transfer.Spending) []any { return []any{s.Day, s.Scope, s.Amount} }),
	}
	// Figures that came and went again say nothing.
	movedKinds[transfer.Figures].where = " WHERE n <> 0"
	movedKinds[transfer.Spendings].where = " WHERE spent <> 0"
	movedKinds[transfer.Organisations].where = " WHERE rev > 0"
}

var movedAudits = &moved{table: "audit", keys: []string{"id"}, cols: "doc, before, after",
	read: func(_ context.Context, _ *DB, _ []any, row scanner) (any, error) {
		e, err := auditEntry(row)
		if err != nil {
			return nil, err
		}
		return transfer.Audit{Entry: e, Before: e.Before, After: e.After}, nil
	},
	put: func(t *tx, record json.RawMessage) error {
		x, err := transfer.Decode[transfer.Audit](record)
		if err != nil {
			return err
		}
		b, err := json.Marshal(x.Entry)
		if err != nil {
			return err
		}
		return t.replace("audit", x.Entry.ID, millis(x.Entry.At), x.Entry.Staff, x.Entry.Path, b, x.Before, x.After)
	}}

var movedDevices = &moved{table: "devices", keys: []string{"citizen", "id"}, cols: "push_token, doc",
	read: func(_ context.Context, _ *DB, _ []any, row scanner) (any, error) {
		var token *string
		var b []byte
		if err := row.Scan(&token, &b); err != nil {
			return nil, err
		}
		d := new(accounts.Device)
		if err := json.Unmarshal(b, d); err != nil {
			return nil, err
		}
		if token != nil {
			d.PushToken = *token
		}
		return d, nil
	},
	put: func(t *tx, record json.RawMessage) error {
		d, err := transfer.Decode[accounts.Device](record)
		if err != nil {
			return err
		}
		plain := *d
		plain.PushToken = ""
		b, err := json.Marshal(plain)
		if err != nil {
			return err
		}
		var token any
		if d.PushToken != "" {
			token = d.PushToken
		}
		return t.replace("devices", d.Citizen, d.ID, token, millis(d.Seen), b)
	}}

var movedSessions = &moved{table: "sessions", keys: []string{"id"}, cols: "ended, doc",
	read: func(_ context.Context, _ *DB, _ []any, row scanner) (any, error) { return session(row) },
	put: func(t *tx, record json.RawMessage) error {
		x, err := transfer.Decode[accounts.Session](record)
		if err != nil {
			return err
		}
		b, err := json.Marshal(x)
		if err != nil {
			return err
		}
		return t.replace("sessions", x.ID, x.Account, millis(x.Expires), millis(x.Ended), x.Rev, b)
	}}

var movedReports = &moved{table: "reports", keys: []string{"seq"}, cols: "supports, doc",
	read: func(ctx context.Context, db *DB, keys []any, row scanner) (any, error) {
		var b []byte
		r := transfer.Report{Report: new(reports.Report)}
		if err := row.Scan(&r.Report.Supports, &b); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, r.Report); err != nil {
			return nil, err
		}
		if r.Report.Supports == 0 {
			return r, nil
		}
		var err error
		r.Supporters, err = db.Supporters(ctx, r.Report.ID)
		slices.Sort(r.Supporters)
		return r, err
	},
	put: func(t *tx, record json.RawMessage) error {
		r, err := transfer.Decode[transfer.Report](record)
		if err != nil {
			return err
		}
		columns, err := reportColumns(r.Report)
		if err != nil {
			return err
		}
		number, err := strconv.ParseInt(r.Report.Number, 10, 64)
		if err != nil {
			return errors.New("a report's number is none")
		}
		// Its place stays when it was copied before; otherwise it is the first free one at its moment.
		var seq int64
		if err := t.row(`SELECT seq FROM reports WHERE id = ?`, key(r.Report.ID)).Scan(&seq); errors.Is(err, sql.ErrNoRows) {
			for seq = seqOf(r.Report.ReceivedAt, r.Report.ID); ; seq++ {
				var there bool
				if err := t.row(`SELECT EXISTS(SELECT 1 FROM reports WHERE seq = ?)`, seq).Scan(&there); err != nil {
					return err
				}
				if !there {
					break
				}
			}
			if _, err := t.exec(`INSERT OR REPLACE INTO unindexed(seq) VALUES(?)`, seq); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		if _, err := t.exec(`INSERT OR REPLACE INTO reports(seq, id, number, supports, rev, status, open, category, centre, department, channel, citizen, assignee,
			cell, latitude, longitude, deadline, resolved, doc) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			append([]any{seq, key(r.Report.ID), number, len(r.Supporters)}, columns...)...); err != nil {
			return err
		}
		if err := t.markReport(seq, r.Report); err != nil {
			return err
		}
		for _, c := range r.Supporters {
			if err := t.replace("supports", seq, key(c)); err != nil {
				return err
			}
		}
		return nil
	}}

// movedFacts are a table of facts; put gets seq, attempts, at, subject and doc.
func movedFacts(table, seq, put string) *moved {
	return &moved{table: table, keys: []string{seq}, cols: "attempts, doc",
		read: func(_ context.Context, _ *DB, keys []any, row scanner) (any, error) {
			var f transfer.Fact
			var b []byte
			if err := row.Scan(&f.Attempts, &b); err != nil {
				return nil, err
			}
			f.Seq, _ = keys[0].(int64)
			return f, json.Unmarshal(b, &f.Event)
		},
		put: func(t *tx, record json.RawMessage) error {
			f, err := transfer.Decode[transfer.Fact](record)
			if err != nil {
				return err
			}
			b, err := f.Event.Marshal()
			if err != nil {
				return err
			}
			_, err = t.exec(put, f.Seq, f.Attempts, millis(f.Event.At), f.Event.Subject, b)
			return err
		}}
}

var movedOccasions = documents("occasions", []string{"id"}, func(o *surveys.Occasion) []any {
	return []any{o.ID, o.Report, o.Closure, o.Day, o.Rev, 1}
})

var movedCases = &moved{table: "cases", keys: []string{"citizen", "report"}, cols: "packed, changed, status, due",
	read: func(_ context.Context, _ *DB, _ []any, row scanner) (any, error) {
		var packed []byte
		var changed int64
		var due *int64
		var status string
		if err := row.Scan(&packed, &changed, &status, &due); err != nil {
			return nil, err
		}
		c, err := unpackCase(packed)
		c.Changed, c.Status, c.Due = moment(changed), status, momentOrZero(due)
		return c, err
	},
	put: func(t *tx, record json.RawMessage) error {
		c, err := transfer.Decode[surveys.Case](record)
		if err != nil {
			return err
		}
		return t.replace("cases", key(c.Citizen), key(c.Report), packCase(c), millis(c.Changed), c.Status, orNull(c.Due))
	}}

var movedResponses = &moved{table: "responses", keys: []string{"id"}, cols: "doc",
	read: func(ctx context.Context, db *DB, _ []any, row scanner) (any, error) {
		r, err := doc[surveys.Response](row)
		if err != nil {
			return nil, err
		}
		x := transfer.Response{Response: r}
		err = db.row(ctx, `SELECT row FROM response_rows WHERE round = ? AND id = ?`, key(r.Round), key(r.ID)).Scan(&x.Row)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return x, err
	},
	put: func(t *tx, record json.RawMessage) error {
		x, err := transfer.Decode[transfer.Response](record)
		if err != nil {
			return err
		}
		b, err := json.Marshal(x.Response)
		if err != nil {
			return err
		}
		if err := t.replace("responses", key(x.Response.ID), b); err != nil || len(x.Row) == 0 {
			return err
		}
		return t.replace("response_rows", key(x.Response.Round), key(x.Response.ID), x.Row)
	}}

var movedVerbatims = &moved{table: "verbatims", keys: []string{"id"}, cols: "folded, doc",
	read: func(_ context.Context, _ *DB, _ []any, row scanner) (any, error) {
		var v transfer.Verbatim
		var b []byte
		if err := row.Scan(&v.Folded, &b); err != nil {
			return nil, err
		}
		v.Folded = v.Folded[1:] // the blank that stands before it
		return v, json.Unmarshal(b, &v.Verbatim)
	},
	put: func(t *tx, record json.RawMessage) error {
		v, err := transfer.Decode[transfer.Verbatim](record)
		if err != nil {
			return err
		}
		v.Verbatim.Folded = v.Folded
		rows, err := verbatimRows([]surveys.Verbatim{v.Verbatim})
		if err != nil {
			return err
		}
		return t.replace("verbatims", rows[0]...)
	}}

var movedBroadcasts = &moved{table: "broadcasts", keys: []string{"id"}, cols: "doc",
	read: func(ctx context.Context, db *DB, _ []any, row scanner) (any, error) {
		b, err := doc[push.Broadcast](row)
		if err != nil {
			return nil, err
		}
		x := transfer.Broadcast{Broadcast: b}
		if x.Outcomes, err = db.BroadcastOutcomes(ctx, b.ID); err != nil || !b.Topic {
			return x, err
		}
		rows, err := db.reader.QueryContext(ctx, `SELECT `+deliveryColumns+` FROM deliveries WHERE iif(json_valid(doc), doc ->> 'broadcast', '') = ?
			AND coalesce(doc ->> 'citizen', '') = '' ORDER BY id`, b.ID)
		all, err := readDeliveries(rows, err)
		for _, d := range all {
			x.Deliveries = append(x.Deliveries, transfer.DeliveryOf(d))
		}
		sortDeliveries(x.Deliveries)
		return x, err
	},
	put: func(t *tx, record json.RawMessage) error {
		x, err := transfer.Decode[transfer.Broadcast](record)
		if err != nil {
			return err
		}
		b := x.Broadcast
		doc, err := json.Marshal(b)
		if err != nil {
			return err
		}
		if err := t.replace("broadcasts", b.ID, millis(b.Created), b.State == push.Scheduled, b.Urgent, orNull(b.Due), doc); err != nil {
			return err
		}
		for outcome, n := range x.Outcomes {
			if err := t.replace("broadcast_counts", b.ID, outcome, n); err != nil {
				return err
			}
		}
		return t.replaceDeliveries(x.Deliveries)
	}}

func sortDeliveries(all []transfer.Delivery) {
	slices.SortFunc(all, func(a, b transfer.Delivery) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
}

func (t *tx) replaceDeliveries(all []transfer.Delivery) error {
	for _, x := range all {
		d := x.Whole()
		doc, err := deliveryDocOf(d)
		if err != nil {
			return err
		}
		if err := t.replace("deliveries", key(d.Message), key(d.ID), d.Channel, d.Bulk(), d.Step, d.Target, millis(d.At), millis(d.Planned), millis(d.Deadline),
			d.State, orNull(d.Due), d.Fence, d.Attempts, d.Reason, d.Ref, millis(d.Changed), doc); err != nil {
			return err
		}
	}
	return nil
}

var movedMessages = &moved{table: "messages", keys: []string{"citizen", "at", "id"}, cols: "delivered, read, doc, step, since, chain, unreached, why",
	read: func(ctx context.Context, db *DB, _ []any, row scanner) (any, error) {
		var x transfer.Message
		var since int64
		var chain, unreached *int64
		var err error
		if x.Message, err = readMessage(row, &x.Step, &since, &chain, &unreached, &x.Why); err != nil {
			return nil, err
		}
		x.Delivered, x.Read = x.Message.DeliveredAt, x.Message.ReadAt
		x.Since, x.Chain, x.Unreached = moment(since), momentOrZero(chain), momentOrZero(unreached)
		all, err := db.Deliveries(ctx, x.Message.ID)
		for _, d := range all {
			x.Deliveries = append(x.Deliveries, transfer.DeliveryOf(d))
		}
		sortDeliveries(x.Deliveries)
		return x, err
	},
	put: func(t *tx, record json.RawMessage) error {
		x, err := transfer.Decode[transfer.Message](record)
		if err != nil {
			return err
		}
		doc, err := json.Marshal(x.Message)
		if err != nil {
			return fmt.Errorf("message: %w", err)
		}
		m := x.Message
		if err := t.replace("messages", m.Citizen, millis(m.At), m.ID, millis(x.Delivered), millis(x.Read), x.Step, millis(x.Since), orNull(x.Chain), orNull(x.Unreached), x.Why, doc); err != nil {
			return err
		}
		return t.replaceDeliveries(x.Deliveries)
	}}
