package mongo

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
)

// Every query that the tests of this package make is noted once by its shape, and in the end each is explained: none may read a
// collection from one end to the other, and none that asks for a page of an order may sort more than the page.

// readWhole are small collections that are read as a whole: configuration, written by administrators.
var readWhole = []string{"organisation", "signing_keys", "schema", "templates", "policies", "questionnaires", "programmes", "rounds", "copy_state"}

type shapes struct {
	mu    sync.Mutex
	found map[string]query
}

type query struct {
	in     string
	filter bson.Raw
	sort   bson.Raw
	hint   string
	limit  int64
}

var seen = shapes{found: map[string]query{}}

func (s *shapes) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) { s.note(e.Command) }}
}

func (s *shapes) note(command bson.Raw) {
	elements, err := command.Elements()
	if err != nil || len(elements) == 0 {
		return
	}
	name := elements[0].Key()
	in, ok := elements[0].Value().StringValueOK()
	if !ok {
		return
	}
	add := func(filter, sort bson.RawValue, limit int64) {
		f, _ := filter.DocumentOK()
		if f == nil {
			f = emptyDocument
		}
		o, _ := sort.DocumentOK()
		hint, _ := command.Lookup("hint").StringValueOK()
		q := query{in: in, filter: slices.Clone(f), sort: slices.Clone(o), hint: hint, limit: limit}
		s.mu.Lock()
		defer s.mu.Unlock()
		if key := q.shape(); len(s.found[key].filter) == 0 {
			s.found[key] = q
		}
	}
	switch name {
	case "find":
		limit, _ := command.Lookup("limit").AsInt64OK()
		add(command.Lookup("filter"), command.Lookup("sort"), limit)
	case "count", "distinct", "findAndModify":
		if q, _ := command.Lookup("query").DocumentOK(); name == "count" && len(q) <= len(emptyDocument) {
			return // of the whole collection, which the server knows
		}
		add(command.Lookup("query"), command.Lookup("sort"), 1)
	case "aggregate":
		stages, _ := command.Lookup("pipeline").ArrayOK()
		values, _ := stages.Values()
		if len(values) > 0 {
			add(values[0].Document().Lookup("$match"), bson.RawValue{}, 0)
		}
	case "update", "delete":
		list, _ := command.Lookup(name + "s").ArrayOK()
		values, _ := list.Values()
		for _, v := range values {
			add(v.Document().Lookup("q"), bson.RawValue{}, 0)
		}
	}
}

var emptyDocument, _ = bson.Marshal(bson.D{})

// shape is the query without its values.
func (q query) shape() string {
	return q.in + " " + shapeOf(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: q.filter}) + " " + q.sort.String() + " " + q.hint
}

func shapeOf(v bson.RawValue) string {
	d, ok := v.DocumentOK()
	if !ok {
		return v.Type.String()
	}
	elements, _ := d.Elements()
	parts := make([]string, len(elements))
	for i, e := range elements {
		parts[i] = e.Key() + ":" + shapeOf(e.Value())
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// explain says which of the queries are wrong.
func (s *shapes) explain(ctx context.Context) (bad []string) {
	// One that no test has used: of a collection that was counted when it was small a server on PostgreSQL reads all, whatever its indexes.
	name := fmt.Sprintf("test_%d_explained", os.Getpid())
	db, err := Open(ctx, server+"/"+name, Options{})
	if err != nil {
		return []string{err.Error()}
	}
	defer func() {
		_ = pool.give(ctx, name)
		_ = db.Close()
	}()
	for shape, q := range s.found {
		if slices.Contains(readWhole, q.in) {
			continue
		}
		find := bson.D{{Key: "find", Value: q.in}, {Key: "filter", Value: q.filter}}
		if len(q.sort) > 0 {
			find = append(find, bson.E{Key: "sort", Value: q.sort})
		}
		if q.hint != "" {
			find = append(find, bson.E{Key: "hint", Value: q.hint})
		}
		if q.limit > 0 {
			find = append(find, bson.E{Key: "limit", Value: q.limit})
		}
		var plan bson.Raw
		if err := db.db.RunCommand(ctx, bson.D{{Key: "explain", Value: find}, {Key: "verbosity", Value: "queryPlanner"}}).Decode(&plan); err != nil {
			bad = append(bad, fmt.Sprintf("%s: %v", shape, err))
			continue
		}
		text := plan.String()
		byID := q.filter.Lookup("_id").Type != 0
		ordered := !strings.Contains(text, `"Node Type": "Sort"`) && !strings.Contains(text, `"stage": "SORT"`)
		switch {
		case !byID && !usesIndex(text):
			bad = append(bad, shape+": it reads the whole collection")
		case q.limit > 0 && len(q.sort) > 0 && !ordered && os.Getenv("EXPLAIN_SORT") != "":
			bad = append(bad, shape+": it sorts more than its page\n"+text)
		}
	}
	slices.Sort(bad)
	return bad
}

// usesIndex finds the name of an index in a plan of MongoDB or of DocumentDB, other than that of _id, whose use without a condition
// on _id reads everything.
func usesIndex(plan string) bool {
	for _, name := range []string{`"Index Name": "`, `"indexName": "`} {
		for rest := plan; ; {
			_, after, ok := strings.Cut(rest, name)
			if !ok {
				break
			}
			index, _, _ := strings.Cut(after, `"`)
			if index != "_id_" {
				return true
			}
			rest = after
		}
	}
	return false
}
