package form

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/balagh/balagh/fault"
)

func reception(t testing.TB) *Questionnaire {
	t.Helper()
	b, err := os.ReadFile("testdata/reception.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var q Questionnaire
	if err := d.Decode(&q); err != nil {
		t.Fatal(err)
	}
	return &q
}

// faultsOf are the fields of an Invalid fault, each as "path reason", sorted.
func faultsOf(t testing.TB, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != fault.Invalid {
		t.Fatalf("%v is no fault of the input", err)
	}
	all := make([]string, len(f.Fields))
	for i, x := range f.Fields {
		all[i] = x.Path + " " + string(x.Reason)
	}
	slices.Sort(all)
	return all
}

func TestQuestionnaire_Check_reception(t *testing.T) {
	t.Parallel()
	q := reception(t)
	if err := q.Check(); err != nil {
		t.Error(err)
	}
	for _, kind := range Types {
		if !slices.ContainsFunc(q.Questions, func(q Question) bool { return q.Type == kind }) {
			t.Errorf("no question of the type %s", kind)
		}
	}
}

// small has a question of every type, whose codes are those of the types; the last has a condition.
func small() *Questionnaire {
	q := &Questionnaire{Code: "small", Title: text("Title")}
	for _, kind := range Types {
		x := Question{Code: string(kind), Type: kind, Label: text("label")}
		switch kind {
		case Choice, Choices, Ranking:
			x.Options = options("a", "b", "c")
		case Matrix:
			x.Rows = options("r", "s")
		}
		q.Questions = append(q.Questions, x)
	}
	q.Questions = append(q.Questions, Question{Code: "last", Type: Words, Label: text("label")})
	return q
}

func TestQuestionnaire_Check(t *testing.T) {
	t.Parallel()
	low, high := 9.0, 1.0
	for _, c := range []struct {
		name   string
		change func(q *Questionnaire)
		want   []string
	}{
		{"nothing", func(*Questionnaire) {}, nil},
		{"everything at once", func(q *Questionnaire) {
			q.Code, q.Title = "Bad", Text{"ar": "t", "en": " "}
			q.Questions[1].Code = "rating"
			q.Questions[2].Label = Text{"ar": "t", "en": "t", "fr": "t"}
		}, []string{"code wrong_format", "title/en required", "title/ur required", "questions/1/code duplicate",
			"questions/2/label/ur required",
			"questions/2/label/fr unknown"}},
		{"no question", func(q *Questionnaire) { q.Questions = nil }, []string{"questions required"}},
		{"too many", func(q *Questionnaire) {
			q.Questions = q.Questions[:1]
			for i := range MaxQuestions {
				q.Questions = append(q.Questions, Question{Code: "q" + string(rune('a'+i/26)) + string(rune('a'+i%26)), Type: YesNo,
					Label: text("l")})
			}
		}, []string{"questions too_many"}},
		{"types", func(q *Questionnaire) { q.Questions[0].Type, q.Questions[1].Type = "", "stars" },
			[]string{"questions/0/type required", "questions/1/type unknown"}},
		{"codes", func(q *Questionnaire) {
			q.Questions[0].Code, q.Questions[1].Code, q.Questions[2].Code, q.Questions[3].Code = "", "1a", DontKnow, strings.Repeat("a", 33)
			q.Questions[4].Options = options("a", "a", "_b", "1", DontKnow, "a,b")
		}, []string{"questions/0/code required", "questions/1/code wrong_format", "questions/2/code not_allowed",
			"questions/3/code too_long",
			"questions/4/options/1/code duplicate", "questions/4/options/2/code wrong_format", "questions/4/options/4/code not_allowed",
			"questions/4/options/5/code wrong_format"}},
		{"texts", func(q *Questionnaire) {
			q.Intro, q.Thanks = Text{"en": "a"}, Text{"ar": strings.Repeat("م", MaxText+1), "en": "a\x00", "ur": "a\xff"}
			q.Questions[0].Hint = Text{"ar": "", "en": "", "ur": ""}
			q.Questions[1].Label = text("a\nb")
			q.Questions[2].Label = text("a\tb")
			q.Questions[4].Options[1].Label = nil
		}, []string{"intro/ar required", "intro/ur required", "thanks/ar too_long", "thanks/en wrong_format", "thanks/ur wrong_format",
			"questions/2/label/ar wrong_format", "questions/2/label/en wrong_format", "questions/2/label/ur wrong_format",
			"questions/4/options/1/label/ar required", "questions/4/options/1/label/en required",
			"questions/4/options/1/label/ur required"}},
		{"options", func(q *Questionnaire) {
			q.Questions[0].Options = options("1", "2", "3")              // rating: all or none
			q.Questions[1].Options = options("0", "11", "10", "9")       // nps: unknown and not ascending
			q.Questions[3].Options = options("a")                        // yes_no has none
			q.Questions[4].Options, q.Questions[4].Rows = nil, nil       // choice needs some
			q.Questions[9].Options = options("a")                        // nothing to rank
			q.Questions[10].Rows, q.Questions[10].Options = nil, nil     // matrix needs rows
			q.Questions[7].Rows, q.Questions[8].Min = options("a"), &low // date, text
		}, []string{"questions/0/options too_short", "questions/1/options/1/code unknown", "questions/1/options/3/code contradictory",
			"questions/3/options not_allowed", "questions/4/options required", "questions/9/options too_short", "questions/10/rows required",
			"questions/7/rows not_allowed", "questions/8/min not_allowed"}},
		{"bounds", func(q *Questionnaire) {
			q.Questions[6].Min, q.Questions[6].Max = &low, &high
			q.Questions[8].MaxLength = MaxLength + 1
			q.Questions[6].MaxLength = 1
			q.Questions[0].Hard = true
		}, []string{"questions/6/max contradictory", "questions/8/max_length out_of_range", "questions/6/max_length not_allowed",
			"questions/0/hard not_allowed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			q := small()
			c.change(q)
			got := faultsOf(t, q.Check())
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestQuestionnaire_Check_conditions(t *testing.T) {
	t.Parallel()
	deep := `{"question":"rating","op":"answered"}`
	for range MaxDepth - 1 {
		deep = `{"not":` + deep + `}`
	}
	wide := `{"any":[` + strings.Repeat(`{"question":"rating","op":"answered"},`, MaxTerms-2) +
		`{"question":"rating","op":"answered"}]}`
	for _, c := range []struct{ name, condition, want string }{
		{"level", `{"question":"rating","op":"ge","value":4}`, ""},
		{"level as text", `{"question":"rating","op":"ge","value":"4"}`, "value wrong_type"},
		{"half a level", `{"question":"effort","op":"ge","value":4.5}`, "value wrong_format"},
		{"level out of range", `{"question":"nps","op":"eq","value":11}`, "value out_of_range"},
		{"number", `{"question":"number","op":"lt","value":-0.5}`, ""},
		{"huge number", `{"question":"number","op":"lt","value":1e16}`, "value out_of_range"},
		{"yes", `{"question":"yes_no","op":"ne","value":true}`, ""},
		{"more than yes", `{"question":"yes_no","op":"gt","value":true}`, "op not_allowed"},
		{"yes as text", `{"question":"yes_no","op":"eq","value":"yes"}`, "value wrong_type"},
		{"option", `{"question":"choice","op":"eq","value":"a"}`, ""},
		{"option that is not there", `{"question":"choice","op":"eq","value":"z"}`, "value unknown"},
		{"don't know is no option", `{"question":"choice","op":"eq","value":"dont_know"}`, "value unknown"},
		{"among", `{"question":"choices","op":"contains","value":"c"}`, ""},
		{"equal to several", `{"question":"choices","op":"eq","value":"c"}`, "op not_allowed"},
		{"date", `{"question":"date","op":"ge","value":"2026-11-22"}`, ""},
		{"no date", `{"question":"date","op":"ge","value":"2026-02-30"}`, "value wrong_format"},
		{"words", `{"question":"text","op":"answered"}`, ""},
		{"equal words", `{"question":"text","op":"eq","value":"a"}`, "op not_allowed"},
		{"row", `{"question":"matrix","row":"s","op":"le","value":2}`, ""},
		{"no row", `{"question":"matrix","op":"le","value":2}`, "row required"},
		{"unknown row", `{"question":"matrix","row":"x","op":"le","value":2}`, "row unknown"},
		{"row of no matrix", `{"question":"rating","row":"x","op":"le","value":2}`, "row not_allowed"},
		{"unknown question and op are told", `{"all":[{"question":"x","op":"eq"},{"question":"rating","op":"like","value":1}]}`,
			"all/0/question unknown, all/1/op unknown"},
		{"itself", `{"question":"last","op":"answered"}`, "question contradictory"},
		{"a later one", `{"any":[{"question":"later","op":"answered"}]}`, "any/0/question contradictory"},
		{"no op", `{"question":"rating"}`, "op required"},
		{"no value", `{"question":"rating","op":"eq"}`, "value required"},
		{"answered has no value", `{"question":"rating","op":"answered","value":1}`, "value not_allowed"},
		{"nothing", `{}`, " required"},
		{"empty list", `{"all":[]}`, " required"},
		{"two at once", `{"not":{"question":"rating","op":"answered"},"any":[{}]}`, " contradictory"},
		{"parts of a comparison on a list", `{"all":[{"question":"rating","op":"answered"}],"op":"eq","row":"r","value":1}`,
			"op not_allowed, row not_allowed, value not_allowed"},
		{"as deep as can be", deep, ""},
		{"too deep", `{"not":` + deep + `}`, strings.Repeat("not/", MaxDepth-1) + "not too_long"},
		{"as wide as can be", wide, ""},
		{"too wide", `{"not":` + wide + `}`, " too_many"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			q := small()
			q.Questions = append(q.Questions, Question{Code: "later", Type: YesNo, Label: text("label")})
			var x Condition
			if err := json.Unmarshal([]byte(c.condition), &x); err != nil {
				t.Fatal(err)
			}
			q.Questions[len(Types)].ShowIf = &x
			got := strings.Join(faultsOf(t, q.Check()), ", ")
			got = strings.ReplaceAll(strings.ReplaceAll(got, "questions/11/show_if/", ""), "questions/11/show_if", "")
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// FuzzQuestionnaire_Check: whatever JSON says, Check ends, and what it lets pass can be asked.
func FuzzQuestionnaire_Check(f *testing.F) {
	good, err := os.ReadFile("testdata/reception.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"code":"a","questions":[{"code":"a","type":"matrix","show_if":{"not":{"all":[{"question":"a","op":"eq","value":[]}]}}}]}`))
	f.Add([]byte(`{"code":"a","title":{"ar":"a","en":"a","ur":"a"},"questions":[{"code":"a","type":"yes_no","label":{"ar":"a","en":"a","ur":"a"}}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var q Questionnaire
		if json.Unmarshal(in, &q) != nil {
			return
		}
		if faults := faultsOf(t, q.Check()); len(faults) > 0 {
			return
		}
		visible := q.Visible(nil)
		for i := range q.Questions {
			x := &q.Questions[i]
			if shown, known := visible[x.Code]; !known || x.ShowIf == nil && !shown {
				t.Errorf("%s without a condition is not shown", x.Code)
			}
			if p := Pack(x, true, nil); p != "" {
				t.Errorf("%s packs nothing as %q", x.Code, p)
			}
		}
		if _, err := q.Clean(Answers{}, false); err != nil {
			t.Error(err)
		}
		again, err := json.Marshal(&q)
		if err != nil {
			t.Fatal(err)
		}
		var o Questionnaire
		if err := json.Unmarshal(again, &o); err != nil || !o.Same(&q) {
			t.Errorf("it reads back as another: %v", err)
		}
	})
}
