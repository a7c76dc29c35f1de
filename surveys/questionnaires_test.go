package surveys_test

import (
	"encoding/json"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/store/teststore"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

var asAdmin = actor.Actor{Kind: actor.Staff, ID: "staff-1", Role: actor.Admin, Centres: []string{actor.All}}

func textsOnStore(t *testing.T) *surveys.Programmes {
	t.Helper()
	db := teststore.Open(t)
	return &surveys.Programmes{Store: db, Now: func() time.Time { return time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC) }}
}

func receptionText(t *testing.T) form.Questionnaire {
	t.Helper()
	b, err := os.ReadFile("form/testdata/reception.json")
	if err != nil {
		t.Fatal(err)
	}
	var q form.Questionnaire
	if err := json.Unmarshal(b, &q); err != nil {
		t.Fatal(err)
	}
	return q
}

func TestProgrammes_PutQuestionnaire(t *testing.T) {
	t.Parallel()
	p, q := textsOnStore(t), receptionText(t)
	put := func(change string, version *int, dry bool) (*form.Questionnaire, error) {
		q := q
		q.Version, q.By = 77, "somebody"
		q.Title = form.Text{"ar": q.Title["ar"] + change, "en": q.Title["en"], "ur": q.Title["ur"]}
		return p.PutQuestionnaire(t.Context(), asAdmin, q, version, dry)
	}
	for i, c := range []struct {
		change  string
		version *int
		dry     bool
		want    int
		code    fault.Code
	}{
		{"", new(1), false, 0, fault.PreconditionFailed},
		{"", new(0), true, 1, ""},
		{"", new(0), false, 1, ""},
		{"", new(0), false, 0, fault.PreconditionFailed},
		{"", nil, false, 1, ""},
		{" ٢", new(1), true, 2, ""},
		{"", new(1), false, 1, ""},
		{" ٢", new(1), false, 2, ""},
		{"", nil, false, 3, ""},
	} {
		got, err := put(c.change, c.version, c.dry)
		if fault.CodeOf(err) != c.code {
			t.Fatalf("%d: %v, want %q", i, err, c.code)
		}
		if err == nil && (got.Version != c.want || got.By != asAdmin.ID || !got.At.Equal(p.Now())) {
			t.Errorf("%d: version %d by %s at %v, want %d", i, got.Version, got.By, got.At, c.want)
		}
	}
	all, err := p.QuestionnaireVersions(t.Context(), asAdmin, q.Code)
	if err != nil || len(all) != 3 || all[0].Version != 3 || all[2].Version != 1 {
		t.Fatalf("%d versions, %v", len(all), err)
	}
	if all[0].Title["ar"] == all[1].Title["ar"] || !all[0].Same(all[2]) {
		t.Error("an earlier version changed")
	}
	newest, err := p.Questionnaires(t.Context(), asAdmin)
	if err != nil || len(newest) != 1 || newest[0].Version != 3 {
		t.Errorf("%v, %v", newest, err)
	}
	q.Questions[1].Code = q.Questions[0].Code
	if _, err := p.PutQuestionnaire(t.Context(), asAdmin, q, nil, true); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("what is wrong is refused: %v", err)
	}
}

func TestProgrammes_PutQuestionnaire_twoAtOnce(t *testing.T) {
	t.Parallel()
	p, q := textsOnStore(t), receptionText(t)
	const writers = 16
	errs := make([]error, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			q := q
			q.Title = form.Text{"ar": "أ", "en": string(rune('a' + i)), "ur": "ا"}
			_, errs[i] = p.PutQuestionnaire(t.Context(), asAdmin, q, new(0), false)
		})
	}
	all.Wait()
	written := 0
	for _, err := range errs {
		if err == nil {
			written++
		} else if fault.CodeOf(err) != fault.PreconditionFailed {
			t.Error(err)
		}
	}
	if versions, err := p.QuestionnaireVersions(t.Context(), asAdmin, q.Code); written != 1 || err != nil || len(versions) != 1 {
		t.Errorf("%d wrote, %d versions, %v", written, len(versions), err)
	}
}

func TestProgrammes_Questionnaire_whoMay(t *testing.T) {
	t.Parallel()
	p, q := textsOnStore(t), receptionText(t)
	if _, err := p.PutQuestionnaire(t.Context(), asAdmin, q, nil, false); err != nil {
		t.Fatal(err)
	}
	staff := func(r actor.Role, centres ...string) actor.Actor {
		return actor.Actor{Kind: actor.Staff, ID: "s", Role: r, Centres: centres}
	}
	for _, c := range []struct {
		name        string
		a           actor.Actor
		read, write fault.Code
	}{
		{"admin", asAdmin, "", ""},
		{"admin of a centre", staff(actor.Admin, "riyadh"), "", fault.Forbidden},
		{"manager", staff(actor.Manager, actor.All), "", fault.Forbidden},
		{"manager of a centre", staff(actor.Manager, "riyadh"), "", fault.Forbidden},
		{"supervisor", staff(actor.Supervisor, actor.All), fault.Forbidden, fault.Forbidden},
		{"clerk", staff(actor.Clerk, actor.All), fault.Forbidden, fault.Forbidden},
		{"citizen", actor.Actor{Kind: actor.Citizen, ID: "c", Role: actor.Admin, Centres: []string{actor.All}}, fault.Forbidden,
			fault.Forbidden},
		{"nobody", actor.Actor{}, fault.Unauthenticated, fault.Unauthenticated},
	} {
		_, one := p.Questionnaire(t.Context(), c.a, q.Code, 1)
		_, list := p.Questionnaires(t.Context(), c.a)
		_, versions := p.QuestionnaireVersions(t.Context(), c.a, q.Code)
		_, put := p.PutQuestionnaire(t.Context(), c.a, q, nil, true)
		for what, err := range map[string]error{"one": one, "list": list, "versions": versions} {
			if fault.CodeOf(err) != c.read {
				t.Errorf("%s reads %s: %v", c.name, what, err)
			}
		}
		if fault.CodeOf(put) != c.write {
			t.Errorf("%s writes: %v", c.name, put)
		}
	}
	for _, version := range []int{2, -1} {
		if _, err := p.Questionnaire(t.Context(), asAdmin, q.Code, version); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("version %d: %v", version, err)
		}
	}
	if _, err := p.QuestionnaireVersions(t.Context(), asAdmin, "other"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("versions of nothing: %v", err)
	}
}

func TestProgrammes_askedVersion(t *testing.T) {
	t.Parallel()
	p, q := textsOnStore(t), receptionText(t)
	if _, err := p.AskedVersion(t.Context(), q.Code, 1); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
	if _, err := p.PutQuestionnaire(t.Context(), asAdmin, q, nil, false); err != nil {
		t.Fatal(err)
	}
	first, err := p.AskedVersion(t.Context(), q.Code, 1)
	if err != nil || first.Version != 1 {
		t.Fatalf("%v, %v", first, err)
	}
	q.Thanks = nil
	if _, err := p.PutQuestionnaire(t.Context(), asAdmin, q, nil, false); err != nil {
		t.Fatal(err)
	}
	if newest, err := p.AskedVersion(t.Context(), q.Code, 0); err != nil || newest.Version != 2 {
		t.Errorf("the newest is never one from memory: %v, %v", newest, err)
	}
	if again, err := p.AskedVersion(t.Context(), q.Code, 1); err != nil || again != first {
		t.Errorf("a version comes from memory: %v", err)
	}
	for i := range 3 * surveys.MaxTexts {
		if n := p.Remember(&form.Questionnaire{Code: "other", Version: i + 1}); n > surveys.MaxTexts {
			t.Fatalf("%d versions in memory", n)
		}
	}
}
