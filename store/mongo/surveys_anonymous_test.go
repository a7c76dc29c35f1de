package mongo

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// asking is a store with one questionnaire and one round.
type asking struct {
	*DB
	q     form.Questionnaire
	round surveys.Round
}

func (a *asking) Questionnaire(context.Context, string, int) (*form.Questionnaire, error) {
	return &a.q, nil
}

func (a *asking) Round(context.Context, string) (*surveys.Round, error) { return &a.round, nil }

// documents reads every collection of the store, each document with all that it holds, in the order in which the server gives it.
func documents(t *testing.T, db *DB, o ...options.Lister[options.FindOptions]) map[string][]bson.Raw {
	t.Helper()
	names, err := db.db.ListCollectionNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]bson.Raw{}
	for _, name := range names {
		cursor, err := db.in(name).Find(t.Context(), bson.D{{Key: "_id", Value: bson.D{{Key: "$exists", Value: true}}}}, o...)
		if err := scanned(t.Context(), cursor, err, func(raw bson.Raw) error {
			all[name] = append(all[name], slices.Clone(raw))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// leaves visits every value of a document.
func leaves(t *testing.T, raw bson.Raw, visit func(path string, v bson.RawValue)) {
	t.Helper()
	elements, err := raw.Elements()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range elements {
		inner := bson.Raw(nil)
		switch v := e.Value(); v.Type {
		case bson.TypeEmbeddedDocument:
			inner = v.Document()
		case bson.TypeArray:
			inner = bson.Raw(v.Array())
		default:
			visit(e.Key(), v)
			continue
		}
		leaves(t, inner, func(path string, v bson.RawValue) { visit(e.Key()+"."+path, v) })
	}
}

// holds says whether a document has an id, as it is written or as the bytes that it stands for.
func holds(raw bson.Raw, id string) bool {
	u, err := uuid.Parse(id)
	return bytes.Contains(raw, []byte(id)) || err == nil && bytes.Contains(raw, u[:])
}

// Nothing in any collection of the store leads from an anonymous answer to who gave it: no document names both, no number or id is in two
// that do, nothing tells when an answer came but the day, and no collection with answers gives them in the order in which they came.
func TestProgrammes_Respond_anonymous(t *testing.T) {
	t.Parallel()
	began := time.Now()
	db := fresh(t)
	now := time.Date(2026, 11, 22, 9, 30, 15, 123e6, time.UTC)
	label := form.Text{"ar": "س", "en": "x", "ur": "س"}
	store := &asking{db, form.Questionnaire{Code: "q", Version: 1, Title: label,
		Questions: []form.Question{{Code: "r", Type: form.Rating, Label: label}, {Code: "w", Type: form.Words, Label: label}}},
		surveys.Round{ID: event.Derive("round"), Rev: 1, State: surveys.RoundOpen, Closes: now.AddDate(0, 0, 9)}}
	p := &surveys.Programmes{Store: store, Now: func() time.Time { return now }, NewID: uuid.NewString, Rand: rand.Reader,
		Zone: time.FixedZone("", 3*3600), Secret: []byte("s")}
	var people, employees, responses []string
	var moments [][]byte
	for n := range 20 {
		citizen, _ := uuid.NewV7()
		employee, _ := uuid.NewV7()
		i := surveys.Invitation{ID: event.Derive(store.round.ID, citizen.String()), Rev: 1, Programme: "p", Round: store.round.ID,
			Citizen: citizen.String(), Questionnaire: "q", Version: 1, Anonymous: true, State: surveys.InvitationInvited,
			Invited: now.AddDate(0, 0, -1).Truncate(24 * time.Hour), Until: now.AddDate(0, 0, 9).Truncate(24 * time.Hour),
			Snapshot: surveys.Snapshot{Centre: "riyadh", Employee: employee.String()}}
		if _, err := db.AddInvitations(t.Context(), []surveys.Invitation{i}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(7 * time.Minute)
		who, s := actor.Actor{Kind: actor.Citizen, ID: i.Citizen}, surveys.Submission{Answers: form.Answers{"r": float64(n%5 + 1), "w": "words"}, Complete: true, Language: "ar"}
		if n == 19 {
			if err := p.Refuse(t.Context(), who, i.ID); err != nil {
				t.Fatal(err)
			}
		} else if x, err := p.Respond(t.Context(), who, i.ID, s); err != nil || len(x.Answers) != 0 {
			t.Fatal(x, err)
		}
		for _, raw := range documents(t, db)["responses"] { // the one that is new is the one that came
			if id := raw.Lookup("_id").StringValue(); !slices.Contains(responses, id) {
				responses = append(responses, id)
			}
		}
		people, employees = append(people, i.ID, i.Citizen), append(employees, i.Snapshot.Employee)
		ms, s8 := make([]byte, 8), make([]byte, 8)
		for k := range 8 {
			ms[k], s8[k] = byte(now.UnixMilli()>>(8*k)), byte(now.Unix()>>(8*k))
		}
		moments = append(moments, ms, s8, strconv.AppendInt(nil, now.UnixMilli(), 10), strconv.AppendInt(nil, now.Unix(), 10), []byte(now.Format("15:04:05")))
	}
	if len(responses) != 19 {
		t.Fatalf("%d responses", len(responses))
	}
	for _, id := range responses {
		if r, err := db.Response(t.Context(), id); err != nil || uuid.MustParse(r.ID).Version() != 4 || r.At != time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) {
			t.Errorf("%+v, %v", r, err)
		}
	}
	leadsNowhere(t, documents(t, db), people, employees, responses, moments, began)
	keepsNoOrder(t, db, responses)
}

func leadsNowhere(t *testing.T, all map[string][]bson.Raw, people, employees, responses []string, moments [][]byte, began time.Time) {
	t.Helper()
	withAnswers := map[string]bool{}
	ofPeople, ofAnswers := map[string]bool{}, map[string]bool{} // values that only few documents can have
	rare := func(v bson.RawValue) bool {
		n, ok := v.AsInt64OK()
		return ok && (n > 1<<40 || n < -1<<40) && n != toBeAsked || v.Type == bson.TypeString && uuid.Validate(v.StringValue()) == nil || v.Type == bson.TypeBinary
	}
	for in, docs := range all {
		for _, raw := range docs {
			has := func(ids []string) bool {
				return slices.ContainsFunc(ids, func(id string) bool { return holds(raw, id) })
			}
			answers, named := has(responses), has(people)
			if answers && (named || has(employees)) {
				t.Errorf("%s leads from an answer to its person or an employee: %v", in, raw)
			}
			for _, m := range moments {
				if bytes.Contains(raw, m) {
					t.Errorf("%s tells the moment of an answer: %v", in, raw)
				}
			}
			withAnswers[in] = withAnswers[in] || answers
			if in == "schema" {
				continue
			}
			leaves(t, raw, func(path string, v bson.RawValue) {
				n, _ := v.AsInt64OK()
				for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond, time.Nanosecond} {
					if at := time.Unix(0, 0).Add(time.Duration(min(n, 1<<62/int64(unit))) * unit); n > 0 && at.After(began.Add(-time.Minute)) && at.Before(began.Add(time.Hour)) {
						t.Errorf("%s tells in %s when an answer was written: %v", in, path, raw)
					}
				}
				if v.Type == bson.TypeObjectID || v.Type == bson.TypeDateTime || v.Type == bson.TypeTimestamp {
					t.Errorf("%s tells in %s when an answer was written: %v", in, path, raw)
				}
				if rare(v) && answers {
					ofAnswers[v.String()] = true
				} else if rare(v) && named {
					ofPeople[v.String()] = true
				}
			})
			if _, err := raw.LookupErr("then"); err == nil || raw.Lookup("of_rev").Type != 0 {
				t.Errorf("%s has what leads somewhere: %v", in, raw)
			}
		}
	}
	for v := range ofAnswers {
		if ofPeople[v] && v != `"`+event.Derive("round")+`"` {
			t.Errorf("%s is in a document with an answer and in one with a person", v)
		}
	}
	if !withAnswers["responses"] || !withAnswers["verbatims"] || len(ofPeople) < 20 || len(ofAnswers) < 19 {
		t.Error("the test looks for the wrong thing")
	}
}

// keepsNoOrder fails when answers come in the order in which they were given.
func keepsNoOrder(t *testing.T, db *DB, responses []string) {
	t.Helper()
	clustered := map[string]bool{}
	specs, err := db.db.ListCollectionSpecifications(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range specs {
		clustered[s.Name] = s.Options.Lookup("clusteredIndex").Type != 0
	}
	look := map[string]map[string][]bson.Raw{"of itself": documents(t, db)}
	if clustered["responses"] && clustered["verbatims"] { // see responses
		look["by $natural"] = documents(t, db, options.Find().SetSort(bson.D{{Key: "$natural", Value: 1}}))
	}
	for how, all := range look {
		for in, field := range map[string]string{"responses": "_id", "verbatims": "doc.response"} {
			var got []string
			for _, raw := range all[in] {
				id := raw.Lookup("_id")
				if field != "_id" {
					id = raw.Lookup("doc", "response")
				}
				got = append(got, id.StringValue())
			}
			if len(got) != len(responses) || slices.Equal(got, responses) {
				t.Errorf("%s gives %s %d answers in the order in which they came", in, how, len(got))
			}
		}
	}
	var rows [][]byte
	if err := db.ScanResponses(t.Context(), event.Derive("round"), func(row []byte) error { rows = append(rows, slices.Clone(row)); return nil }); err != nil || len(rows) != len(responses) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	var words []string
	page, err := db.Verbatims(t.Context(), surveys.VerbatimQuery{Round: event.Derive("round"), Limit: 99})
	for _, v := range page {
		words = append(words, v.Response)
	}
	if err != nil || len(words) != len(responses) || slices.Equal(words, responses) {
		t.Errorf("%d words, %v", len(words), err)
	}
}
