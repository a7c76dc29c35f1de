package sqlite

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// tableRows reads every table of the store, each row with all that it holds, and says which tables keep an order of insertion.
func tableRows(t *testing.T, db *DB) (rows map[string][][]byte, ordered map[string]bool) {
	t.Helper()
	names, err := docsOf(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'`) // whose own tables are among them
	if err != nil {
		t.Fatal(err)
	}
	rows, ordered = map[string][][]byte{}, map[string]bool{}
	for _, table := range names {
		if rowid, err := db.query(t.Context(), `SELECT rowid FROM `+table); err == nil {
			ordered[table] = true
			_ = rowid.Close()
		}
		all, err := db.query(t.Context(), `SELECT * FROM `+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := all.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for all.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := all.Scan(into...); err != nil {
				t.Fatal(err)
			}
			var row []byte
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					row = append(row, b...)
				} else {
					row = fmt.Append(row, v)
				}
				row = append(row, '\n')
			}
			rows[table] = append(rows[table], row)
		}
		if err := all.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return rows, ordered
}

func docsOf(t *testing.T, db *DB, q string) (all []string, err error) {
	rows, err := db.query(t.Context(), q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// holds says whether a row has an id, as it is written or as a key.
func holds(row []byte, id string) bool {
	u, err := uuid.Parse(id)
	return bytes.Contains(row, []byte(id)) || err == nil && bytes.Contains(row, u[:])
}

// Nothing in any table of the store leads from an anonymous answer to who gave it: no row names both, nothing tells when an
// answer came but the day, and no table with answers keeps the order in which they came.
func TestProgrammes_Respond_anonymous(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	now := time.Date(2026, 11, 22, 9, 30, 15, 123e6, time.UTC)
	p := &surveys.Programmes{Store: db, Now: func() time.Time { return now }, NewID: uuid.NewString, Rand: rand.Reader,
		Zone: time.FixedZone("", 3*3600), Secret: []byte("s")}
	label := form.Text{"ar": "س", "en": "x", "ur": "س"}
	q := form.Questionnaire{Code: "q", Version: 1, Title: label,
		Questions: []form.Question{{Code: "r", Type: form.Rating, Label: label}, {Code: "w", Type: form.Words, Label: label}}}
	round := event.Derive("round")
	if err := db.AddQuestionnaire(t.Context(), &q); err != nil {
		t.Fatal(err)
	}
	if err := db.CreateRound(t.Context(), &surveys.Round{ID: round, Rev: 1, State: surveys.RoundOpen,
		Closes: now.AddDate(0, 0, 9)}); err != nil {
		t.Fatal(err)
	}
	var people, employees []string
	var moments [][]byte
	for n := range 20 {
		citizen, _ := uuid.NewV7()
		employee, _ := uuid.NewV7()
		i := surveys.Invitation{ID: event.Derive(round, citizen.String()), Rev: 1, Programme: "p", Round: round,
			Citizen: citizen.String(), Questionnaire: "q", Version: 1,
			Anonymous: true, State: surveys.InvitationInvited, Invited: now.AddDate(0, 0, -1).Truncate(24 * time.Hour),
			Until:    now.AddDate(0, 0, 9).Truncate(24 * time.Hour),
			Snapshot: surveys.Snapshot{Centre: "riyadh", Employee: employee.String()}}
		if _, err := db.AddInvitations(t.Context(), []surveys.Invitation{i}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(7 * time.Minute)
		who, a := actor.Actor{Kind: actor.Citizen, ID: i.Citizen}, form.Answers{"r": float64(n%5 + 1), "w": "words"}
		if n == 19 {
			if err := p.Refuse(t.Context(), who, i.ID); err != nil {
				t.Fatal(err)
			}
		} else if x, err := p.Respond(t.Context(), who, i.ID,
			surveys.Submission{Answers: a, Complete: true, Language: "ar"}); err != nil || len(x.Answers) != 0 {
			t.Fatal(x, err)
		}
		people, employees = append(people, i.ID, i.Citizen), append(employees, i.Snapshot.Employee)
		moments = append(moments, strconv.AppendInt(nil, now.UnixMilli(), 10), strconv.AppendInt(nil, now.Unix(), 10),
			[]byte(now.Format("15:04:05")))
	}
	docs, err := docsOf(t, db, `SELECT doc FROM responses`)
	if err != nil || len(docs) != 19 {
		t.Fatal(len(docs), err)
	}
	var responses []string
	for _, doc := range docs {
		var r surveys.Response
		if err := json.Unmarshal([]byte(doc), &r); err != nil {
			t.Fatal(err)
		}
		if u := uuid.MustParse(r.ID); u.Version() != 4 || r.At != time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) {
			t.Errorf("%+v", r)
		}
		responses = append(responses, r.ID)
	}
	anonymous(t, db, people, employees, responses, moments)
}

func anonymous(t *testing.T, db *DB, people, employees, responses []string, moments [][]byte) {
	t.Helper()
	rows, ordered := tableRows(t, db)
	withAnswers := map[string]bool{}
	for table, all := range rows {
		for _, row := range all {
			var answers, named bool
			for _, id := range responses {
				answers = answers || holds(row, id)
			}
			for _, id := range people {
				named = named || holds(row, id)
			}
			if answers && named {
				t.Errorf("%s leads from an answer to its person: %q", table, row)
			}
			for _, id := range employees {
				if answers && holds(row, id) {
					t.Errorf("%s leads from an answer to an employee: %q", table, row)
				}
			}
			for _, m := range moments {
				if bytes.Contains(row, m) {
					t.Errorf("%s tells the moment of an answer: %q", table, row)
				}
			}
			withAnswers[table] = withAnswers[table] || answers
		}
		if withAnswers[table] && ordered[table] {
			t.Errorf("%s keeps the order in which answers came", table)
		}
	}
	for _, table := range []string{"responses", "response_rows"} {
		if !withAnswers[table] {
			t.Errorf("%s has no answers: the test looks for the wrong thing", table)
		}
	}
}
