package surveys

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Kinds of marks.
const (
	MarkFormula       = "formula"       // by which the headline is computed; its code is that of the formula
	MarkQuestionnaire = "questionnaire" // by which people are asked after their reports; its code is that of the questionnaire
)

// Mark is a day from which on a trend is not quite comparable with what was before.
type Mark struct {
	Day     string `json:"day"`
	Kind    string `json:"kind"`
	Code    string `json:"code"`
	Version int    `json:"version"` // that came into force
}

// formulaMarks are the days on which another version of a formula came into force. Every figure so far is made by the first.
var formulaMarks []Mark

// marks of the days from one through another: of formulas, and of questionnaires by which programmes ask after reports. Invitations get
// the newest version at the moment at which they are sent, so it is in force from its publication, if the programme names none. Of one
// that does, the versions up to that are told, with their publication as well: when it was named nobody knows.
func (s *Service) marks(ctx context.Context, from, to string) ([]Mark, error) {
	programmes, err := s.Store.Programmes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what asks after reports: %w", err)
	}
	newest := map[string]int{} // of each questionnaire that is asked; 0 for all
	for _, p := range programmes {
		if p.After == nil {
			continue
		}
		if version, ok := newest[p.Questionnaire]; !ok || p.Version == 0 || version > 0 && p.Version > version {
			newest[p.Questionnaire] = p.Version
		}
	}
	all := slices.Clone(formulaMarks)
	for code, last := range newest {
		versions, err := s.Store.QuestionnaireVersions(ctx, code)
		if err != nil {
			return nil, fmt.Errorf("read the versions of a questionnaire: %w", err)
		}
		for _, v := range versions {
			if v.Version > 1 && (last == 0 || v.Version <= last) {
				all = append(all, Mark{Day: s.day(v.At), Kind: MarkQuestionnaire, Code: code, Version: v.Version})
			}
		}
	}
	all = slices.DeleteFunc(all, func(m Mark) bool { return m.Day < from || m.Day > to })
	slices.SortFunc(all, func(a, b Mark) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Version, b.Version))
	})
	return append([]Mark{}, all...), nil
}
