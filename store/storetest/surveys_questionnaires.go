package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// RoundsStore is what the suites of questionnaires, programmes, rounds and answers need: the facts are looked for in the outbox.
type RoundsStore interface {
	surveys.RoundStore
	event.Outbox
}

var roundsEpoch = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// roundsID is the n-th id of a kind: those of one kind are in the order of n.
func roundsID(kind byte, n int) string {
	return fmt.Sprintf("01936f0e-%02x%02x-7c3e-9d0e-%012d", kind, kind, n)
}

func roundsRun(t *testing.T, open func(t *testing.T) RoundsStore, cases map[string]func(*testing.T, RoundsStore)) {
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, open(t))
		})
	}
}

// TestQuestionnaires is what every backend must do for questionnaires.
func TestQuestionnaires(t *testing.T, open func(t *testing.T) RoundsStore) {
	roundsRun(t, open, map[string]func(*testing.T, RoundsStore){
		"AddQuestionnaire/keeps_every_field":           questionnaireKept,
		"AddQuestionnaire/a_version_is_written_once":   questionnaireOnce,
		"AddQuestionnaire/many_at_once_one_is_written": questionnaireRace,
		"Questionnaire/the_newest_and_by_version":      questionnaireVersion,
		"Questionnaires/newest_versions_by_code":       questionnairesNewest,
		"QuestionnaireVersions/newest_first":           questionnaireVersions,
	})
}

func aQuestionnaire(code string, version int) *form.Questionnaire {
	low := 0.5
	title := form.Text{"ar": "رضا المستفيدين", "en": fmt.Sprintf("Satisfaction %d", version), "ur": "اطمینان"}
	return &form.Questionnaire{Code: code, Version: version, Title: title, Intro: title, Thanks: title, By: "staff-1", At: roundsEpoch,
		Questions: []form.Question{
			{Code: "overall", Type: form.Rating, Label: title, Required: true},
			{Code: "times", Type: form.Number, Label: title, Min: &low, DontKnow: true,
				ShowIf: &form.Condition{Question: "overall", Op: form.AtMost, Value: 2.0}},
			{Code: "why", Type: form.Choices, Label: title, Hint: title,
				Options: []form.Option{{Code: "slow", Label: title}, {Code: "far", Label: title}},
				ShowIf: &form.Condition{Any: []form.Condition{{Question: "overall", Op: form.Answered},
					{Question: "times", Op: form.Equal, Value: "x"}}}},
		}}
}

func questionnaireKept(t *testing.T, s RoundsStore) {
	want := aQuestionnaire("reception", 1)
	must(t, s.AddQuestionnaire(t.Context(), want))
	got, err := s.Questionnaire(t.Context(), "reception", 1)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("kept %+v, want %+v", got, want)
	}
}

func questionnaireOnce(t *testing.T, s RoundsStore) {
	first, second := aQuestionnaire("reception", 1), aQuestionnaire("reception", 1)
	second.By = "staff-2"
	must(t, s.AddQuestionnaire(t.Context(), first))
	if err := s.AddQuestionnaire(t.Context(), second); fault.CodeOf(err) != fault.PreconditionFailed {
		t.Errorf("a version that is there: %v", err)
	}
	if got, err := s.Questionnaire(t.Context(), "reception", 1); err != nil || got.By != "staff-1" {
		t.Errorf("a version was changed: %+v, %v", got, err)
	}
}

func questionnaireRace(t *testing.T, s RoundsStore) {
	var written, refused atomic.Int64
	atOnce(20, func(int) {
		switch err := s.AddQuestionnaire(t.Context(), aQuestionnaire("reception", 1)); fault.CodeOf(err) {
		case fault.PreconditionFailed:
			refused.Add(1)
		default:
			if err == nil {
				written.Add(1)
			}
		}
	})
	if written.Load() != 1 || refused.Load() != 19 {
		t.Errorf("%d written, %d refused", written.Load(), refused.Load())
	}
}

func questionnaireVersion(t *testing.T, s RoundsStore) {
	for _, version := range []int{1, 10, 9} {
		must(t, s.AddQuestionnaire(t.Context(), aQuestionnaire("reception", version)))
	}
	must(t, s.AddQuestionnaire(t.Context(), aQuestionnaire("z", 11)))
	for asked, want := range map[int]int{0: 10, 9: 9, 1: 1} {
		if q, err := s.Questionnaire(t.Context(), "reception", asked); err != nil || q.Version != want || q.Code != "reception" {
			t.Errorf("version %d: %+v, %v; want %d", asked, q, err, want)
		}
	}
	for code, version := range map[string]int{"reception": 2, "unknown": 0, "z": 1} {
		if _, err := s.Questionnaire(t.Context(), code, version); !isNotFound(err) {
			t.Errorf("%s, version %d: %v", code, version, err)
		}
	}
}

func questionnairesNewest(t *testing.T, s RoundsStore) {
	if all, err := s.Questionnaires(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("an empty store has %v, %v", all, err)
	}
	for _, q := range []*form.Questionnaire{aQuestionnaire("b", 2), aQuestionnaire("c", 1), aQuestionnaire("b", 10),
		aQuestionnaire("a", 3)} {
		must(t, s.AddQuestionnaire(t.Context(), q))
	}
	all, err := s.Questionnaires(t.Context())
	must(t, err)
	if got := versionsOf(all); !slices.Equal(got, []string{"a 3", "b 10", "c 1"}) {
		t.Errorf("%v", got)
	}
}

func versionsOf(all []*form.Questionnaire) []string {
	var names []string
	for _, q := range all {
		names = append(names, fmt.Sprint(q.Code, " ", q.Version))
	}
	return names
}

func questionnaireVersions(t *testing.T, s RoundsStore) {
	for _, q := range []*form.Questionnaire{aQuestionnaire("a", 2), aQuestionnaire("b", 1), aQuestionnaire("a", 10),
		aQuestionnaire("a", 1)} {
		must(t, s.AddQuestionnaire(t.Context(), q))
	}
	all, err := s.QuestionnaireVersions(t.Context(), "a")
	must(t, err)
	if got := versionsOf(all); !slices.Equal(got, []string{"a 10", "a 2", "a 1"}) {
		t.Errorf("%v", got)
	}
	if all, err := s.QuestionnaireVersions(t.Context(), "unknown"); err != nil || len(all) != 0 {
		t.Errorf("an unknown one has %v, %v", all, err)
	}
}
