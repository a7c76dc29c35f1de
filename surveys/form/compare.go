package form

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Same says whether two questionnaires ask the same, whatever their version and whoever wrote them when.
func (q *Questionnaire) Same(o *Questionnaire) bool {
	a, err := q.content()
	if err != nil {
		return false
	}
	b, err := o.content()
	return err == nil && bytes.Equal(a, b)
}

func (q *Questionnaire) content() ([]byte, error) {
	return json.Marshal(Questionnaire{Code: q.Code, Title: q.Title, Intro: q.Intro, Thanks: q.Thanks, Questions: q.Questions})
}

// What breaks the comparison of a question with what it was in an earlier round.
const (
	BreakType    = "type"
	BreakWording = "wording" // its label in any language, or the direction of its levels
	BreakOptions = "options" // what can be answered: options, rows, their labels and order, bounds, and whether "don't know" is offered
)

// Break says why figures of a and b, the same question of two versions, cannot be compared: BreakType, BreakWording,
// BreakOptions, in this order, or "" when they can.
func Break(a, b *Question) string {
	switch {
	case a.Type != b.Type:
		return BreakType
	case !sameText(a.Label, b.Label) || a.Hard != b.Hard:
		return BreakWording
	case !sameOptions(a.Options, b.Options) || !sameOptions(a.Rows, b.Rows), a.DontKnow != b.DontKnow,
		!sameBound(a.Min, b.Min) || !sameBound(a.Max, b.Max):
		return BreakOptions
	}
	return ""
}

func sameText(a, b Text) bool {
	for _, l := range Languages {
		if strings.TrimSpace(a[l]) != strings.TrimSpace(b[l]) {
			return false
		}
	}
	return true
}

func sameOptions(a, b []Option) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Code != b[i].Code || !sameText(a[i].Label, b[i].Label) {
			return false
		}
	}
	return true
}

func sameBound(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
