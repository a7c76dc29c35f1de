package surveys

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/balagh/balagh/surveys/form"
)

func oneOfEach() *form.Questionnaire {
	two := []form.Option{{Code: "a"}, {Code: "b"}}
	return &form.Questionnaire{Code: "q", Version: 1, Questions: []form.Question{
		{Code: "rating", Type: form.Rating, DontKnow: true}, {Code: "nps", Type: form.NPS}, {Code: "yes", Type: form.YesNo},
		{Code: "one", Type: form.Choice, Options: two},
		{Code: "some", Type: form.Choices, Options: two}, {Code: "number", Type: form.Number}, {Code: "day", Type: form.Date},
		{Code: "words", Type: form.Words},
		{Code: "order", Type: form.Ranking, Options: two}, {Code: "rows", Type: form.Matrix, Rows: two},
	}}
}

func emptyTable(q *form.Questionnaire) *table {
	return &table{dims: make([]dictionary, len(SnapshotDimensions)), items: columns(q)}
}

func TestPackRow(t *testing.T) {
	t.Parallel()
	r := &Response{Stratum: "riyadh|male", Snapshot: Snapshot{Centre: "riyadh", Gender: "male", Company: true, Employee: "x\x1fy"},
		Complete: true, How: ByLink, Language: "ur",
		Answers: form.Answers{"rating": form.DontKnow, "nps": 10.0, "yes": false, "some": []any{"a", "b"}, "number": 1.5,
			"words": "نص\x1fنص", "rows": map[string]any{"b": 4.0}}}
	got := strings.ReplaceAll(string(packRow(r, oneOfEach())), "\x1f", "/")
	if want := "1riyadh|male/riyadh/////male//yes/no/xy/1/link/ur/?/10/n//a,b/1.5//t//,4"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Weights are positive and add up to the people of the frame, those of hidden groups among them.
func TestTable_Weigh_AddsUpToThePopulation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := oneOfEach()
		y := emptyTable(q)
		by := []Dimension{ByRegion, ByGender}
		r := &Round{Programme: Programme{Weighting: Weighting{Method: rapid.SampledFrom([]string{Rake, PostStratify}).Draw(t,
			"method"), By: by}},
			Drawn: Drawn{Cells: map[string]int{}, Margins: map[Dimension]map[string]int{ByRegion: {}, ByGender: {}}}}
		population := 0
		for _, region := range []string{"a", "b", "c"} {
			for _, gender := range []string{"male", "female"} {
				s := Snapshot{Region: region, Gender: gender}
				answers := rapid.IntRange(1, 40).Draw(t, "answers")
				people := answers * rapid.IntRange(1, 9).Draw(t, "people")
				population += people
				r.Drawn.Cells[Stratum(&s, by)] += people
				r.Drawn.Margins[ByRegion][region] += people
				r.Drawn.Margins[ByGender][gender] += people
				for range answers {
					if err := y.add(packRow(&Response{Snapshot: s, Complete: true, Answers: form.Answers{"rating": 5.0}}, q), nil); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		counted := y.count(r)
		if all := counted.Groups[0].People; counted.Weighting.Problem != "" ||
			math.Abs(all.W-float64(population)) > 1e-6*float64(population) || *counted.Weighting.Deff < 1 {
			t.Fatalf("%v of %d: %+v", all, population, counted.Weighting)
		}
		weights, _ := y.weigh(r, y.group())
		for i, w := range weights {
			if !(w > 0) {
				t.Fatalf("response %d weighs %v", i, w)
			}
		}
	})
}

// Hidden groups of a dimension weigh alike: else the weighted total were a second equation for them.
func TestTable_Weigh_JoinsHiddenGroups(t *testing.T) {
	t.Parallel()
	q := oneOfEach()
	y := emptyTable(q)
	for region, n := range map[string]int{"a": 100, "b": 4, "c": 30} {
		for range n {
			if err := y.add(packRow(&Response{Snapshot: Snapshot{Region: region}, Complete: true}, q), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := &Round{Programme: Programme{Weighting: Weighting{Method: PostStratify, By: []Dimension{ByRegion}}},
		Drawn: Drawn{Cells: map[string]int{"a": 1000, "b": 900, "c": 120}}}
	weights, result := y.weigh(r, y.group())
	for i, code := range y.dims[1].rows {
		if want := map[string]float64{"a": 10, "b": 30, "c": 30}[y.dims[1].values[code]]; weights[i] != want {
			t.Fatalf("region %s weighs %v", y.dims[1].values[code], weights[i])
		}
	}
	if !result.Joined {
		t.Errorf("%+v", result)
	}
}

// Whatever bytes come as a row or as kept counts, they are refused or make sense.
func FuzzTable_Add(f *testing.F) {
	q := oneOfEach()
	f.Add(packRow(&Response{Snapshot: Snapshot{Centre: "riyadh"}, Complete: true,
		Answers: form.Answers{"rating": 3.0, "rows": map[string]any{"a": 1.0}, "order": []any{"b", "a"}}}, q))
	f.Add([]byte("1"))
	f.Fuzz(func(t *testing.T, row []byte) {
		y := emptyTable(q)
		if y.add(row, nil) != nil {
			return
		}
		for i := range y.dims {
			y.dims[i].sort()
		}
		if got := y.count(&Round{}); got.Groups[0].People.N != 1 {
			t.Fatalf("%q counts as %v", row, got.Groups[0].People)
		}
	})
}

func FuzzDecodeTally(f *testing.F) {
	q := oneOfEach()
	y := emptyTable(q)
	if err := y.add(packRow(&Response{Complete: true, Answers: form.Answers{"number": 2.0, "order": []any{"b", "a"}}}, q),
		nil); err != nil {
		f.Fatal(err)
	}
	b, err := y.count(&Round{}).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"version":1,"groups":[{}],"items":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if y, err := decodeTally(b, q); err == nil {
			c := counted{&Round{}, q, y}
			c.methods(0)
			figures := newFigures(y)
			for i, column := range columns(q) {
				figures.question(column, &y.Items[i])
			}
		}
	})
}
