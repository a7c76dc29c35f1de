package api

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

var update = flag.Bool("update", false, "write the golden files anew")

// everyType is a questionnaire with a question of each type, and what was answered: everything, nothing, "don't know", and what
// was hidden.
func everyType() *surveys.Microdata {
	option := func(code, label string) form.Option { return form.Option{Code: code, Label: same(label)} }
	ab := []form.Option{option("a", "It's a"), option("b", "ب")}
	shown := &form.Condition{Question: "easy", Op: form.Equal, Value: true}
	q := &form.Questionnaire{Code: "q", Version: 1, Title: same("t"), Questions: []form.Question{
		{Code: "easy", Type: form.YesNo, Label: same("Easy?")},
		{Code: "centre", Type: form.Rating, Label: same("How\nwas the centre?"), DontKnow: true,
			Options: []form.Option{option("1", "bad"), option("5", "good")}},
		{Code: "with", Type: form.NPS, Label: same(strings.Repeat("ط", 300)), ShowIf: shown},
		{Code: "effort", Type: form.Effort, Label: same("Effort")},
		{Code: "which", Type: form.Choice, Label: same("Which"), Options: ab},
		{Code: "what", Type: form.Choices, Label: same("What"), Options: ab, DontKnow: true},
		{Code: "years", Type: form.Number, Label: same("Years"), Min: new(0.0), Max: new(120.0), DontKnow: true},
		{Code: "day", Type: form.Date, Label: same("Day"), DontKnow: true},
		{Code: "why", Type: form.Words, Label: same("Why")},
		{Code: "order", Type: form.Ranking, Label: same("Order"), Options: ab},
		{Code: "parts", Type: form.Matrix, Label: same("Parts"), Rows: ab, DontKnow: true}}}
	return &surveys.Microdata{Questionnaire: q, Dimensions: []surveys.Dimension{surveys.ByCentre, surveys.ByGender},
		Weighting: surveys.WeightingResult{Deff: new(1.1)},
		Round: &surveys.Round{Number: 2, Programme: surveys.Programme{Code: "yearly"},
			Published: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)},
		Rows: []surveys.Microrow{
			{Known: []string{"riyadh", "male"}, Complete: true, Weight: 1.25,
				Answers: []string{"y", "5", "10", "7", "b", "a,b", "12.5", "2026-11-01", "t", "b,a", "4,5"}},
			{Known: []string{"riyadh", ""}, Complete: true, Weight: .5,
				Answers: []string{"n", "?", "-", "", "a", "?", "?", "?", "", "", "?"}},
			{Known: []string{"", ""}, Weight: .5, Answers: []string{"n", "1", "-", "", "", "b", "-3", "", "", "", ",2"}},
		}}
}

// TestResponses_golden: pspp reads these files; they change only with a reason.
func TestResponses_golden(t *testing.T) {
	t.Parallel()
	data := everyType()
	b, all, err := responses(data)
	if err != nil {
		t.Fatal(err)
	}
	all[0].values = []valueLabel{{"riyadh", same("مركز الرياض")}}
	for name, got := range map[string][]byte{"responses.csv": b, "responses.sps": syntax(data, all, "en")} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != string(got) {
			t.Errorf("%s: %v, got\n%s", name, err, got)
		}
	}
	for line := range strings.Lines(string(syntax(data, all, "en"))) {
		if len(line) > 256 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
}
