package surveys_test

import (
	crand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/store/teststore"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// asking is a service with a round of the reception's questionnaire that is open for ten days.
type asking struct {
	*surveys.Programmes
	store teststore.Store
	now   time.Time
	round string
}

var askedAt = time.Date(2026, 11, 22, 9, 30, 15, 0, time.UTC)

func newAsking(t *testing.T) *asking {
	t.Helper()
	db := teststore.Open(t)
	x := &asking{store: db, now: askedAt, round: event.Derive("round", "reception", "1")}
	x.Programmes = &surveys.Programmes{Store: db, Now: func() time.Time { return x.now },
		NewID: func() string { return event.Derive(fmt.Sprint(rand.Int64())) },
		Rand:  crand.Reader, Zone: time.FixedZone("Riyadh", 3*60*60), Log: slog.New(slog.DiscardHandler), Secret: []byte("secret"),
		PublicURL: "https://balagh.example"}
	b, err := os.ReadFile("form/testdata/reception.json")
	if err != nil {
		t.Fatal(err)
	}
	var q form.Questionnaire
	if err := json.Unmarshal(b, &q); err != nil {
		t.Fatal(err)
	}
	if err := db.AddQuestionnaire(t.Context(), &q); err != nil {
		t.Fatal(err)
	}
	r := &surveys.Round{ID: x.round, Rev: 1, Programme: surveys.Programme{Code: "reception", Questionnaire: "reception",
		Version: 1}, State: surveys.RoundOpen,
		Opened: askedAt.AddDate(0, 0, -1), Closes: askedAt.AddDate(0, 0, 10)}
	if err := db.CreateRound(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return x
}

// invite adds an invitation of a citizen, and answers its id.
func (x *asking) invite(t *testing.T, citizen string, change func(*surveys.Invitation)) string {
	t.Helper()
	i := surveys.Invitation{ID: event.Derive(x.round, citizen), Rev: 1, Programme: "reception", Round: x.round, Citizen: citizen,
		Questionnaire: "reception", Version: 1,
		State: surveys.InvitationInvited, Invited: askedAt.AddDate(0, 0, -1), Until: askedAt.AddDate(0, 0, 10),
		Due:      askedAt.AddDate(0, 0, 3),
		Snapshot: surveys.Snapshot{Centre: "riyadh", Department: "sound", Category: "noise", Channel: "phone", Employee: "employee-7"}}
	if change != nil {
		change(&i)
	}
	if n, err := x.store.AddInvitations(t.Context(), []surveys.Invitation{i}); n != 1 || err != nil {
		t.Fatalf("added %d, %v", n, err)
	}
	return i.ID
}

func (x *asking) invitation(t *testing.T, id string) *surveys.Invitation {
	t.Helper()
	i, err := x.store.Invitation(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// rows counts the responses of the round.
func (x *asking) rows(t *testing.T) (n int) {
	t.Helper()
	if err := x.store.ScanResponses(t.Context(), x.round,
		func([]byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func person(id string) actor.Actor { return actor.Actor{Kind: actor.Citizen, ID: id} }

func staffOf(r actor.Role, centres ...string) actor.Actor {
	return actor.Actor{Kind: actor.Staff, ID: "staff-" + string(r), Role: r, Centres: centres, Departments: []string{actor.All}}
}

// whole answers all that the questionnaire requires.
func whole(change ...func(form.Answers)) surveys.Submission {
	a := form.Answers{"channel": "phone", "no_difficulty": true, "overall": 5.0, "asked_minister_before": "dont_know"}
	for _, f := range change {
		f(a)
	}
	return surveys.Submission{Answers: a, Complete: true, Language: "ar"}
}

func TestProgrammes_Respond(t *testing.T) {
	t.Parallel()
	x := newAsking(t)
	id := x.invite(t, "noura", nil)
	part := surveys.Submission{Answers: form.Answers{"channel": "visit", "waited": "٢٠"}, Language: "ur"}
	got, err := x.Respond(t.Context(), person("noura"), id, part)
	if err != nil || got.Invitation.State != surveys.InvitationPartial || got.Invitation.Due.IsZero() {
		t.Fatalf("%+v, %v", got, err)
	}
	one, err := x.AskedOne(t.Context(), person("noura"), id)
	if err != nil || !reflect.DeepEqual(one.Answers, form.Answers{"channel": "visit", "waited": 20.0}) ||
		one.Questionnaire.Code != "reception" {
		t.Fatalf("kept %+v, %v", one, err)
	}
	x.now = x.now.Add(time.Hour)
	if got, err = x.Respond(t.Context(), person("noura"), id, whole()); err != nil ||
		got.Invitation.State != surveys.InvitationComplete ||
		!got.Invitation.Ended.Equal(x.now) || !got.Invitation.Due.IsZero() {
		t.Fatalf("%+v, %v", got, err)
	}
	r, err := x.store.Response(t.Context(), surveys.ResponseID(id))
	if err != nil || !r.Complete || r.How != surveys.ByApp || r.By != "" || r.Language != "ar" || r.Invitation != id ||
		!r.At.Equal(x.now) || r.Snapshot.Employee == "" ||
		!reflect.DeepEqual(r.Answers, whole().Answers) {
		t.Errorf("stored %+v, %v", r, err)
	}
	rev := x.invitation(t, id).Rev
	if got, err = x.Respond(t.Context(), person("noura"), id, whole()); err != nil ||
		got.Invitation.State != surveys.InvitationComplete {
		t.Errorf("the same again: %+v, %v", got, err)
	}
	for name, s := range map[string]surveys.Submission{"others": whole(func(a form.Answers) { a["overall"] = 1.0 }), "fewer": part,
		"wrong ones": whole(func(a form.Answers) { a["overall"] = "six" })} {
		if _, err := x.Respond(t.Context(), person("noura"), id, s); fault.CodeOf(err) != fault.Exists {
			t.Errorf("%s: %v; want already_exists", name, err)
		}
	}
	if err := x.Refuse(t.Context(), person("noura"), id); fault.CodeOf(err) != fault.Exists {
		t.Errorf("refused after all: %v", err)
	}
	if x.invitation(t, id).Rev != rev || x.rows(t) != 1 {
		t.Error("what was refused changed something")
	}
}

func TestProgrammes_Respond_refusals(t *testing.T) {
	t.Parallel()
	x := newAsking(t)
	stopped := event.Derive("round", "reception", "2")
	closing := event.Derive("round", "reception", "3")
	early := event.Derive("round", "reception", "4")
	for id, r := range map[string]surveys.Round{stopped: {State: surveys.RoundStopped, Closes: askedAt.AddDate(0, 0, 9)},
		closing: {State: surveys.RoundClosing, Closes: askedAt.AddDate(0, 0, 9)}, early: {State: surveys.RoundOpen, Closes: askedAt}} {
		r.ID, r.Rev, r.Programme = id, 1, surveys.Programme{Code: "reception"}
		if err := x.store.CreateRound(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
	}
	state := func(s surveys.InvitationState) func(*surveys.Invitation) {
		return func(i *surveys.Invitation) { i.State = s }
	}
	of := func(round string) func(*surveys.Invitation) {
		return func(i *surveys.Invitation) { i.Round = round }
	}
	unsent := func(s surveys.InvitationState) func(*surveys.Invitation) {
		return func(i *surveys.Invitation) { i.State, i.Invited, i.Until = s, time.Time{}, time.Time{} }
	}
	for name, c := range map[string]struct {
		who    actor.Actor // the citizen when nobody is named
		change func(*surveys.Invitation)
		s      surveys.Submission
		want   string
	}{
		"somebody else":        {who: person("faisal"), want: "not_found"},
		"nobody":               {who: actor.Actor{Device: "x"}, want: "unauthenticated"},
		"a manager":            {who: staffOf(actor.Manager, actor.All), want: "forbidden"},
		"an administrator":     {who: staffOf(actor.Admin, actor.All), want: "forbidden"},
		"a clerk of elsewhere": {who: staffOf(actor.Clerk, "jeddah"), want: "not_found"},
		"a clerk":              {who: staffOf(actor.Clerk, "riyadh"), want: ""},
		"an officer":           {who: staffOf(actor.Officer, "riyadh"), want: ""},
		"a supervisor":         {who: staffOf(actor.Supervisor, actor.All), want: ""},
		"drawn":                {change: unsent(surveys.InvitationDrawn), want: "not_found"},
		"planned":              {change: unsent(surveys.InvitationPlanned), want: "not_found"},
		"never sent":           {change: unsent(surveys.InvitationDropped), want: "not_found"},
		"given up":             {change: state(surveys.InvitationDropped), want: "conflict"},
		"refused":              {change: state(surveys.InvitationRefused), want: "conflict"},
		"lapsed":               {change: state(surveys.InvitationLapsed), want: "gone"},
		"unreached":            {change: state(surveys.InvitationUnreached), want: "gone"},
		"at the last moment":   {change: func(i *surveys.Invitation) { i.Until = askedAt.Add(time.Millisecond) }, want: ""},
		"too late":             {change: func(i *surveys.Invitation) { i.Until = askedAt }, want: "gone"},
		"round stopped":        {change: of(stopped), want: "conflict"},
		"round closing":        {change: of(closing), want: "gone"},
		"round closed early":   {change: of(early), want: "gone"},
		"after a case":         {change: func(i *surveys.Invitation) { i.Report = "report" }, want: ""},
		"anonymous and partial": {change: func(i *surveys.Invitation) { i.Anonymous = true }, s: surveys.Submission{Language: "ar"},
			want: "conflict"},
		"wrong answers": {s: whole(func(a form.Answers) { a["overall"], a["easy"], a["bogus"] = 6.0, "x", 1.0 }),
			want: "validation_failed: answers/bogus unknown, answers/overall out_of_range, answers/easy wrong_format"},
		"not all": {s: surveys.Submission{Complete: true, Language: "en"},
			want: "validation_failed: answers/channel required, answers/no_difficulty required, answers/overall required, answers/asked_minister_before required"},
		"hidden": {s: whole(func(a form.Answers) { a["difficulties"] = []any{"waiting"} }),
			want: "validation_failed: answers/difficulties not_allowed"},
		"unknown tongue": {s: surveys.Submission{Answers: whole().Answers, Language: "fr"},
			want: "validation_failed: language unknown"},
		"without a tongue": {s: surveys.Submission{Answers: whole().Answers, Complete: true}, want: ""},
	} {
		id := x.invite(t, name, c.change)
		if c.who.Kind == actor.Nobody && c.who.Device == "" {
			c.who = person(name)
		}
		if c.s.Answers == nil && c.s.Language == "" {
			c.s = whole()
		}
		_, err := x.Respond(t.Context(), c.who, id, c.s)
		var got string
		if f, ok := errors.AsType[*fault.Error](err); ok {
			got = f.Error()
		}
		if got != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
	for _, id := range []string{"", "x", event.Derive("nobody's")} {
		if _, err := x.Respond(t.Context(), person("noura"), id, whole()); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// However many answers come at once, one is there.
func TestProgrammes_Respond_atOnce(t *testing.T) {
	t.Parallel()
	for _, anonymous := range []bool{false, true} {
		x := newAsking(t)
		id := x.invite(t, "noura", func(i *surveys.Invitation) { i.Anonymous = anonymous })
		var wg sync.WaitGroup
		errs := make([]error, 100)
		for n := range errs {
			s := whole(func(a form.Answers) { a["overall"] = float64(n%5 + 1) })
			s.Answers["recommend"] = float64(n % 11)
			wg.Go(func() { _, errs[n] = x.Respond(t.Context(), person("noura"), id, s) })
		}
		wg.Wait()
		taken := 0
		for _, err := range errs {
			if err == nil {
				taken++
			} else if fault.CodeOf(err) != fault.Exists {
				t.Errorf("anonymous %t: %v", anonymous, err)
			}
		}
		if n := x.rows(t); n != 1 || taken < 1 || anonymous && taken != 1 || taken > 2 { // 55 different answers in 100
			t.Errorf("anonymous %t: %d are there, %d were taken", anonymous, n, taken)
		}
	}
}

func TestProgrammes_Respond_phone(t *testing.T) {
	t.Parallel()
	x := newAsking(t)
	id := x.invite(t, "noura", nil)
	x.invite(t, "faisal", nil)
	clerk := staffOf(actor.Clerk, "riyadh")
	if all, err := x.AskedOf(t.Context(), clerk, "noura"); err != nil || len(all) != 1 || all[0].Invitation.ID != id ||
		len(all[0].Answers) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := x.AskedOf(t.Context(), staffOf(actor.Clerk, "jeddah"), "noura"); err != nil || len(all) != 0 {
		t.Errorf("elsewhere: %+v, %v", all, err)
	}
	himself := staffOf(actor.Officer, "riyadh")
	himself.ID = "employee-7" // it is about his work
	if all, err := x.AskedOf(t.Context(), himself, "noura"); err != nil || len(all) != 0 {
		t.Errorf("about himself: %+v, %v", all, err)
	}
	if _, err := x.Respond(t.Context(), himself, id, whole()); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("an answer about himself: %v", err)
	}
	if err := x.Refuse(t.Context(), himself, id); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a refusal of who would tell about him: %v", err)
	}
	for who, want := range map[string]fault.Code{"manager": fault.Forbidden, "citizen": fault.Forbidden,
		"nobody": fault.Unauthenticated} {
		a := map[string]actor.Actor{"manager": staffOf(actor.Manager, actor.All), "citizen": person("noura")}[who]
		if _, err := x.AskedOf(t.Context(), a, "noura"); fault.CodeOf(err) != want {
			t.Errorf("%s: %v; want %s", who, err, want)
		}
	}
	if _, err := x.Respond(t.Context(), clerk, id, whole()); err != nil {
		t.Fatal(err)
	}
	r, err := x.store.Response(t.Context(), surveys.ResponseID(id))
	if err != nil || r.How != surveys.ByPhone || r.By != clerk.ID {
		t.Errorf("stored %+v, %v", r, err)
	}
	if all, err := x.AskedOf(t.Context(), clerk, "noura"); err != nil || len(all) != 0 {
		t.Errorf("answered, and still open: %+v, %v", all, err)
	}
	other := event.Derive(x.round, "faisal")
	if err := x.Refuse(t.Context(), clerk, other); err != nil || x.invitation(t, other).State != surveys.InvitationRefused {
		t.Errorf("refused by phone: %v", err)
	}
}

func TestProgrammes_Asked(t *testing.T) {
	t.Parallel()
	x := newAsking(t)
	id := x.invite(t, "noura", nil)
	for n, change := range []func(*surveys.Invitation){
		func(i *surveys.Invitation) { i.State = surveys.InvitationRefused },
		func(i *surveys.Invitation) { i.State = surveys.InvitationDropped },
		func(i *surveys.Invitation) { i.State = surveys.InvitationPlanned },
		func(i *surveys.Invitation) { i.Until = askedAt },
	} {
		x.invite(t, "noura", func(i *surveys.Invitation) { i.ID = event.Derive(fmt.Sprint("n", n)); change(i) })
	}
	all, err := x.Asked(t.Context(), person("noura"))
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	if !slices.ContainsFunc(all, func(a surveys.Asked) bool { return a.Invitation.ID == id }) {
		t.Errorf("%+v lacks the open one", all)
	}
	if one, err := x.AskedOne(t.Context(), person("noura"), id); err != nil || one.Over {
		t.Errorf("%+v, %v", one, err)
	}
	if _, err := x.store.UpdateRound(t.Context(), x.round,
		func(r *surveys.Round) error { r.State = surveys.RoundStopped; return nil }); err != nil {
		t.Fatal(err)
	}
	if all, err = x.Asked(t.Context(), person("noura")); err != nil || len(all) != 1 ||
		all[0].Invitation.State != surveys.InvitationRefused {
		t.Errorf("of a stopped round: %+v, %v", all, err)
	}
	if one, err := x.AskedOne(t.Context(), person("noura"), id); err != nil || !one.Over {
		t.Errorf("one of a stopped round: %+v, %v", one, err)
	}
	if _, err := x.Asked(t.Context(), actor.Actor{}); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("nobody: %v", err)
	}
	if _, err := x.Asked(t.Context(), staffOf(actor.Clerk, actor.All)); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("a clerk: %v", err)
	}
	if _, err := x.AskedOne(t.Context(), person("faisal"), id); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("somebody else's: %v", err)
	}
}

func TestProgrammes_RespondBy(t *testing.T) {
	t.Parallel()
	x := newAsking(t)
	id := x.invite(t, "noura", nil)
	token := strings.TrimPrefix(x.Link(id), "https://balagh.example/s/")
	for range 2 {
		got, err := x.AskedBy(t.Context(), token)
		if err != nil || got.Invitation.ID != id || len(got.Answers) != 0 {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if i := x.invitation(t, id); i.Rev != 1 || i.State != surveys.InvitationInvited {
		t.Errorf("looking at it changed it: %+v", i)
	}
	if _, err := x.RespondBy(t.Context(), token,
		surveys.Submission{Answers: form.Answers{"overall": 4.0}, Language: "en"}); err != nil {
		t.Fatal(err)
	}
	if got, err := x.AskedBy(t.Context(), token); err != nil || got.Answers["overall"] != 4.0 {
		t.Errorf("kept %+v, %v", got, err)
	}
	if _, err := x.RespondBy(t.Context(), token, whole()); err != nil {
		t.Fatal(err)
	}
	if r, err := x.store.Response(t.Context(), surveys.ResponseID(id)); err != nil || r.How != surveys.ByLink || !r.Complete {
		t.Errorf("stored %+v, %v", r, err)
	}
	if got, err := x.AskedBy(t.Context(), token); err != nil || got.Invitation.State != surveys.InvitationComplete {
		t.Errorf("answered: %+v, %v", got, err)
	}
	forged := strings.Repeat("A", 38)
	if _, err := x.AskedBy(t.Context(), forged); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("forged: %v", err)
	}
	if _, err := x.RespondBy(t.Context(), forged, whole()); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("forged: %v", err)
	}
	if err := x.RefuseBy(t.Context(), forged); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("forged: %v", err)
	}
	late := x.invite(t, "faisal", func(i *surveys.Invitation) { i.Until = askedAt })
	if got, err := x.AskedBy(t.Context(), strings.TrimPrefix(x.Link(late),
		"https://balagh.example/s/")); fault.CodeOf(err) != fault.Gone || got == nil || got.Questionnaire == nil {
		t.Errorf("late: %+v, %v", got, err)
	}
}

func TestProgrammes_Refuse(t *testing.T) {
	t.Parallel()
	x := newAsking(t)
	id := x.invite(t, "noura", nil)
	if _, err := x.Respond(t.Context(), person("noura"), id,
		surveys.Submission{Answers: form.Answers{"overall": 4.0}, Language: "ar"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := x.Refuse(t.Context(), person("noura"), id); err != nil {
			t.Fatal(err)
		}
	}
	if i := x.invitation(t, id); i.State != surveys.InvitationRefused || !i.Ended.Equal(askedAt) || !i.Due.IsZero() {
		t.Errorf("%+v", i)
	}
	if r, err := x.store.Response(t.Context(), surveys.ResponseID(id)); err != nil || len(r.Answers) != 0 || r.Complete {
		t.Errorf("kept %+v, %v", r, err)
	}
	if n := x.rows(t); n != 0 {
		t.Errorf("%d rows to count, and nobody answered", n)
	}
	if err := x.Refuse(t.Context(), person("faisal"), id); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("somebody else: %v", err)
	}
	token := strings.TrimPrefix(x.Link(id), "https://balagh.example/s/")
	if got, err := x.AskedBy(t.Context(), token); fault.CodeOf(err) != fault.Conflict ||
		got.Invitation.State != surveys.InvitationRefused {
		t.Errorf("%+v, %v", got, err)
	}
}

// Answers in words wait for moderation when they are complete, and not before.
func TestProgrammes_Respond_words(t *testing.T) {
	t.Parallel()
	x := newAsking(t)
	id := x.invite(t, "noura", nil)
	b, err := os.ReadFile("form/testdata/reception.json")
	if err != nil {
		t.Fatal(err)
	}
	var q form.Questionnaire
	if err := json.Unmarshal(b, &q); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(q.Questions, func(x form.Question) bool { return x.Type == form.Words && x.ShowIf == nil })
	code := q.Questions[at].Code
	x.now = time.Date(2026, 11, 22, 21, 30, 0, 0, time.UTC) // the next day in Riyadh
	s := whole(func(a form.Answers) { a[code] = "شكرًا للموظفين" })
	s.Complete = false
	for _, want := range []int{0, 1} {
		if _, err := x.Respond(t.Context(), person("noura"), id, s); err != nil {
			t.Fatal(err)
		}
		words, err := x.store.Verbatims(t.Context(), surveys.VerbatimQuery{Round: x.round, Limit: 9})
		if err != nil || len(words) != want {
			t.Fatalf("complete %t: %+v, %v", s.Complete, words, err)
		}
		if want == 1 && (words[0].Text != "شكرًا للموظفين" || words[0].Question != code || words[0].Day != "2026-11-23" ||
			words[0].State != surveys.VerbatimNew ||
			words[0].Language != "ar" || words[0].Snapshot.Centre != "riyadh") {
			t.Errorf("%+v", words[0])
		}
		s.Complete = true
	}
}
