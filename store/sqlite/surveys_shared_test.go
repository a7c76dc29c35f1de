package sqlite

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// leaves adds every value of a column, and those within a document, to a set.
func leaves(into map[string]bool, v any) {
	switch v := v.(type) {
	case []byte:
		var within any
		if json.Unmarshal(v, &within) == nil {
			leaves(into, within)
		} else if u, err := uuid.FromBytes(v); err == nil {
			into[u.String()] = true
		} else {
			into[string(v)] = true
		}
	case map[string]any:
		for _, x := range v {
			leaves(into, x)
		}
	case []any:
		for _, x := range v {
			leaves(into, x)
		}
	default:
		into[fmt.Sprint(v)] = true
	}
}

func valuesOf(t *testing.T, db *DB, table string) map[string]bool {
	t.Helper()
	rows, err := db.query(t.Context(), `SELECT * FROM `+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		leaves(all, values)
	}
	return all
}

// What an anonymous invitation and a response both hold is what all of a round, a day or a group hold.
func TestDB_Respond_anonymousSharesNothing(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	round := event.Derive("round")
	shared := map[string]bool{"<nil>": true, "0": true, round: true, "reception": true, "3": true, "true": true, "1": true, // questionnaire, version, flags, rev
		day.Format(time.RFC3339): true, "centre": true, "department": true, "category": true, "app": true, "centre|app": true}
	snapshot := surveys.Snapshot{Centre: "centre", Department: "department", Category: "category", Channel: "app"}
	for n := range 30 {
		i := surveys.Invitation{ID: event.Derive(round, fmt.Sprint(n)), Rev: 1, Programme: "reception", Round: round,
			Citizen: event.Derive("citizen", fmt.Sprint(n)), Questionnaire: "reception",
			Version: 3, Anonymous: true, Stratum: "centre|app", Snapshot: snapshot, State: surveys.InvitationInvited,
			Invited: day.Add(time.Duration(n) * time.Second), Until: day.AddDate(0, 0, 9)}
		i.Snapshot.Employee = event.Derive("employee", fmt.Sprint(n))
		if _, err := db.AddInvitations(t.Context(), []surveys.Invitation{i}); err != nil {
			t.Fatal(err)
		}
		if err := db.Respond(t.Context(), i.ID, func(i *surveys.Invitation, _ *surveys.Response) (*surveys.Response, []byte,
			[]surveys.Verbatim, error) {
			i.State, i.Ended = surveys.InvitationComplete, day
			r := &surveys.Response{ID: uuid.NewString(), Rev: 1, Programme: i.Programme, Round: round, Questionnaire: i.Questionnaire,
				Version: 3, Stratum: i.Stratum, Snapshot: snapshot,
				Answers: form.Answers{"why": fmt.Sprint("words ", n)}, Complete: true, How: surveys.ByLink, At: day}
			return r, fmt.Append(nil, "row ", n), []surveys.Verbatim{{ID: event.Derive(r.ID, "why"), Round: round, Response: r.ID,
				Question: "why", Text: fmt.Sprint("words ", n),
				Day: "2026-03-01", State: surveys.VerbatimNew, Snapshot: snapshot}}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	invitations := valuesOf(t, db, "invitations")
	for _, table := range []string{"responses", "response_rows", "touches", "verbatims"} {
		values := valuesOf(t, db, table)
		if len(values) == 0 || !values[round] {
			t.Errorf("%s holds nothing of the round: the test looks for the wrong thing", table)
		}
		for v := range values {
			if invitations[v] && !shared[v] {
				t.Errorf("%s and invitations both hold %q", table, v)
			}
		}
		if rows, err := db.query(t.Context(), `SELECT rowid FROM `+table); err == nil {
			t.Errorf("%s keeps the order in which responses came", table)
			_ = rows.Close()
		}
	}
}
