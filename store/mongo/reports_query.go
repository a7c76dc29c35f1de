package mongo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/reports"
)

// A list is read from ranges of one index that are in its order: see route. What else was asked for is looked at on the way. Each index
// is one more entry to write with each report, and those of words are some thirty.
var reportIndexes = []index{
	{in: "reports", keys: bson.D{{Key: "number", Value: 1}}, unique: true, serves: "numbers, which are given once"},
	{in: "reports", keys: bson.D{{Key: "open", Value: 1}, {Key: "seq", Value: 1}}, serves: "the queue"},
	{in: "reports", keys: bson.D{{Key: "centre", Value: 1}, {Key: "open", Value: 1}, {Key: "seq", Value: 1}}, serves: "the queue of a centre"},
	{in: "reports", keys: bson.D{{Key: "assignee", Value: 1}, {Key: "open", Value: 1}, {Key: "seq", Value: 1}}, exists: "assignee", serves: "the queue of an employee"},
	{in: "reports", keys: bson.D{{Key: "deadline", Value: 1}, {Key: "_id", Value: 1}}, exists: "deadline", serves: "the queue by deadline"},
	{in: "reports", keys: bson.D{{Key: "centre", Value: 1}, {Key: "deadline", Value: 1}, {Key: "_id", Value: 1}}, exists: "deadline", serves: "the queue of a centre by deadline"},
	{in: "reports", keys: bson.D{{Key: "citizen", Value: 1}, {Key: "seq", Value: 1}}, exists: "citizen", serves: "a citizen's reports"},
	{in: "reports", keys: bson.D{{Key: "resolved", Value: 1}}, exists: "resolved", serves: "what is to be closed"},
	{in: "reports", keys: bson.D{{Key: "words", Value: 1}, {Key: "seq", Value: 1}}, serves: "the search"},
	{in: "reports", keys: bson.D{{Key: "near", Value: "2dsphere"}}, serves: "what is open around a point"},
	{in: "reports", keys: bson.D{{Key: "past", Value: "2dsphere"}}, serves: "what was handled around a point"},
	reportMarks,
}

var _ reports.QueryStore = (*DB)(nil)

// route is a range of an index. It is named: a server that chooses by itself now and then prefers an index that has the order to one
// that has what was asked for, and reads half of the collection.
type route struct {
	index string
	by    bson.D // the conditions on the first keys of the index
}

const (
	byID        = "_id_"
	byNumber    = "number_1"
	byOpen      = "open_1_seq_1"
	byCentre    = "centre_1_open_1_seq_1"
	byAssignee  = "assignee_1_open_1_seq_1"
	byDue       = "deadline_1__id_1"
	byCentreDue = "centre_1_deadline_1__id_1"
	byCitizen   = "citizen_1_seq_1"
	byWords     = "words_1_seq_1"
	byResolved  = "resolved_1"

	fewCentres = 8 // have a range each; more are looked at on the way
)

// Mine is a range of a citizen's reports.
func (db *DB) Mine(ctx context.Context, q reports.MineQuery) ([]reports.Summary, error) {
	if q.Citizen == "" {
		return nil, nil
	}
	var w where
	w.statuses(q.Statuses)
	return db.byReceipt(ctx, w, []route{{byCitizen, bson.D{held("citizen", q.Citizen)}}}, q.Limit, q.After, -1)
}

// held is a condition on the first key of a partial index.
func held(field, value string) bson.E {
	return bson.E{Key: field, Value: bson.D{{Key: "$exists", Value: true}, {Key: "$eq", Value: value}}}
}

// Queue narrows by whatever was asked.
func (db *DB) Queue(ctx context.Context, q reports.QueueQuery) ([]reports.Summary, error) {
	var w where
	if !w.scope("centre", q.Scope.Centres, q.Centre) || !w.scope("department", q.Scope.Departments, q.Department) {
		return nil, nil
	}
	w.statuses(q.Statuses)
	w.equal("category", q.Category)
	w.equal("channel", string(q.Channel))
	w.equal("assignee", q.Assignee)
	if !q.OverdueAt.IsZero() {
		w.add("deadline", "$lt", q.OverdueAt.UnixMilli())
	}
	if !q.From.IsZero() {
		w.add("seq", "$gte", q.From.UnixMilli()<<tieBits)
	}
	if !q.To.IsZero() {
		w.add("seq", "$lt", q.To.UnixMilli()<<tieBits)
	}
	w.equal("citizen", q.Citizen)
	routes := routesOf(q)
	if q.Citizen != "" {
		routes = []route{{byCitizen, bson.D{held("citizen", q.Citizen)}}}
	}
	named := q.Number != "" || q.IDs != nil
	if q.IDs != nil {
		routes = []route{{byID, bson.D{{Key: "_id", Value: among(q.IDs)}}}}
	}
	if q.Number != "" {
		n, err := strconv.ParseInt(q.Number, 10, 64)
		if err != nil {
			return nil, nil // no report has it
		}
		routes = []route{{byNumber, bson.D{{Key: "number", Value: n}}}}
	}
	if len(q.Terms) > 0 {
		better, some, err := db.search(ctx, &w, q.Terms, q.Sort)
		if err != nil || !some {
			return nil, err
		}
		if better != "" && !named {
			routes = []route{{index: better}}
		}
	}
	switch q.Sort {
	case reports.ByDue:
		return db.byDeadline(ctx, w, routes, q.Limit, q.After)
	case reports.Oldest:
		return db.byReceipt(ctx, w, routes, q.Limit, q.After, 1)
	}
	return db.byReceipt(ctx, w, routes, q.Limit, q.After, -1)
}

// routesOf are the ranges in which everything is that the question allows for, each in the order that was asked for.
func routesOf(q reports.QueueQuery) (routes []route) {
	open := []bool{true, false}
	isOpen := func(s reports.Status) bool { return reports.Open(s) }
	switch {
	case !q.OverdueAt.IsZero(), q.Sort == reports.ByDue, len(q.Statuses) > 0 && !slices.ContainsFunc(q.Statuses, func(s reports.Status) bool { return !isOpen(s) }):
		open = open[:1]
	case len(q.Statuses) > 0 && !slices.ContainsFunc(q.Statuses, isOpen):
		open = open[1:]
	}
	centres := q.Scope.Centres
	if q.Centre != "" {
		centres = []string{q.Centre}
	}
	index, by, due := byOpen, []bson.D{nil}, byDue
	switch {
	case q.Assignee != "": // who has so few open ones that they may be sorted by deadline
		index, by, due = byAssignee, []bson.D{{held("assignee", q.Assignee)}}, ""
	case len(centres) > 0 && len(centres) <= fewCentres:
		index, by, due = byCentre, nil, byCentreDue
		for _, c := range slices.Compact(slices.Sorted(slices.Values(centres))) {
			by = append(by, bson.D{{Key: "centre", Value: c}})
		}
	}
	for _, b := range by {
		if q.Sort == reports.ByDue && due != "" {
			routes = append(routes, route{due, b})
			continue
		}
		for _, o := range open {
			routes = append(routes, route{index, append(slices.Clip(b), bson.E{Key: "open", Value: o})})
		}
	}
	return routes
}

// where is a filter of conditions that must all hold. Only constants become its names and operators, and only texts, numbers and
// lists of texts what they are compared with.
type where bson.D

func (w *where) add(field, operator string, value any) {
	more := bson.E{Key: operator, Value: value}
	if i := slices.IndexFunc(*w, func(e bson.E) bool { return e.Key == field }); i >= 0 {
		(*w)[i].Value = append(slices.Clip((*w)[i].Value.(bson.D)), more)
		return
	}
	*w = append(*w, bson.E{Key: field, Value: bson.D{more}})
}

func (w *where) equal(field, value string) {
	if value != "" {
		w.add(field, "$eq", value)
	}
}

// scope narrows to those of a list, nil for all, and to one, "" for any. It is false when nothing is left.
func (w *where) scope(field string, all []string, one string) bool {
	switch {
	case one != "":
		w.add(field, "$eq", one)
		return all == nil || slices.Contains(all, one)
	case all != nil:
		w.add(field, "$in", all)
		return len(all) > 0
	}
	return true
}

func (w *where) statuses(all []reports.Status) {
	if len(all) > 0 {
		*w = append(*w, bson.E{Key: "status", Value: among(all)})
	}
}

// on is the filter for a route, whose conditions say more than those on the same fields.
func (w where) on(r route) bson.D {
	filter := slices.Clone(r.by)
	for _, e := range w {
		if !slices.ContainsFunc(r.by, func(by bson.E) bool { return by.Key == e.Key }) {
			filter = append(filter, e)
		}
	}
	return filter
}

func (db *DB) listed(ctx context.Context, w where, r route, sort bson.D, limit int) ([]listed, error) {
	all := make([]listed, 0, limit)
	err := db.scan(ctx, "reports", w.on(r), func(raw bson.Raw) error {
		l, err := listedOf(raw)
		all = append(all, l)
		return err
	}, options.Find().SetHint(r.index).SetProjection(summaryOf).SetSort(sort).SetLimit(int64(limit)).SetBatchSize(int32(limit+1)))
	return all, err
}

// merged reads the beginning of each route and gives that of all together.
func merged(routes []route, limit int, read func(route) ([]listed, error), compare func(a, b listed) int) ([]reports.Summary, error) {
	found := make([][]listed, len(routes))
	var g group
	for i, r := range routes[1:] {
		g.Go(func() (err error) {
			found[i+1], err = read(r)
			return err
		})
	}
	var err error
	found[0], err = read(routes[0])
	if err := errors.Join(err, g.Wait()); err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	slices.SortFunc(all, compare)
	out := make([]reports.Summary, min(len(all), limit))
	for i := range out {
		out[i] = all[i].Summary
	}
	return out, nil
}

// byReceipt is a page in the order of seq (1, -1), and of the id where two share one.
func (db *DB) byReceipt(ctx context.Context, w where, routes []route, limit int, after reports.Mark, order int) ([]reports.Summary, error) {
	began := listed{seq: seqOf(after.At, after.ID), Summary: reports.Summary{ID: after.ID}}
	compare := func(a, b listed) int { return order * cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.ID, b.ID)) }
	first := 1
	if after.ID != "" {
		operator := "$gte"
		if order < 0 {
			operator = "$lte"
		}
		w.add("seq", operator, began.seq)
		first = 2 // the one with which the page before ended is there again
	}
	read := func(r route) ([]listed, error) {
		for spare := first; ; spare *= 8 {
			all, err := db.listed(ctx, w, r, bson.D{{Key: "seq", Value: order}}, limit+spare)
			if err != nil {
				return nil, err
			}
			whole := len(all) < limit+spare
			if !whole { // more may share the seq of the last one
				last := all[len(all)-1].seq
				all = slices.DeleteFunc(all, func(l listed) bool { return l.seq == last })
			}
			if after.ID != "" {
				all = slices.DeleteFunc(all, func(l listed) bool { return compare(l, began) <= 0 })
			}
			if whole || len(all) >= limit {
				return all, nil
			}
		}
	}
	return merged(routes, limit, read, compare)
}

// byDeadline is a page in the order of the deadline, and of the id where several share one.
func (db *DB) byDeadline(ctx context.Context, w where, routes []route, limit int, after reports.Mark) ([]reports.Summary, error) {
	w.add("deadline", "$exists", true)
	order := bson.D{{Key: "deadline", Value: 1}, {Key: "_id", Value: 1}}
	read := func(r route) ([]listed, error) {
		if after.ID == "" {
			return db.listed(ctx, w, r, order, limit)
		}
		same, later := slices.Clone(w), slices.Clone(w)
		same.add("deadline", "$eq", after.At.UnixMilli())
		same.add("_id", "$gt", after.ID)
		later.add("deadline", "$gt", after.At.UnixMilli())
		all, err := db.listed(ctx, same, r, order, limit)
		if err != nil || len(all) == limit {
			return all, err
		}
		rest, err := db.listed(ctx, later, r, order, limit-len(all))
		return append(all, rest...), err
	}
	return merged(routes, limit, read, func(a, b listed) int { return cmp.Or(a.Deadline.Compare(b.Deadline), cmp.Compare(a.ID, b.ID)) })
}

// ResolvedBefore is a range of what is resolved.
func (db *DB) ResolvedBefore(ctx context.Context, t time.Time, limit int) (ids []string, err error) {
	filter := bson.D{{Key: "resolved", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$lt", Value: t.UnixMilli()}}}}
	err = db.scan(ctx, "reports", filter, func(raw bson.Raw) error {
		id, _ := raw.Lookup("_id").StringValueOK()
		ids = append(ids, id)
		return nil
	}, options.Find().SetHint(byResolved).SetProjection(bson.D{{Key: "_id", Value: 1}}).SetSort(bson.D{{Key: "resolved", Value: 1}}).SetLimit(int64(limit)))
	return ids, err
}
