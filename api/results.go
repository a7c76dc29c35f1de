package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/surveys"
)

// resultsBody are results with what their keys are called in the caller's language.
type resultsBody struct {
	surveys.Results
	Labels map[surveys.Dimension]map[string]string `json:"labels"`
}

// RoundResults gives the figures of a round.
func (s *Server) RoundResults(ctx context.Context, r gen.RoundResultsRequestObject) (gen.RoundResultsResponseObject, error) {
	f, err := s.figures(ctx, r.Id, text(r.Params.Compare))
	if err != nil {
		return nil, err
	}
	labels, err := s.labels(ctx, f.groups)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(labels)
	return renderedResults{figures: f.body, labels: b}, err
}

// figures are the results as JSON, without their labels.
func (s *Server) figures(ctx context.Context, round, compare string) (*renderedFigures, error) {
	mark := s.settled(ctx, round, compare)
	if f := s.published.of(mark); f != nil {
		return f, nil
	}
	found, err := s.Programmes.Results(ctx, actorOf(ctx), round, compare)
	if err != nil {
		return nil, err
	}
	whole := wholeResults(found)
	f := &renderedFigures{mark: mark, groups: groupsOf(&whole)}
	if f.body, err = json.Marshal(whole); err != nil {
		return nil, fmt.Errorf("render results: %w", err)
	}
	s.published.keep(f)
	return f, nil
}

// settled is a mark of figures that do not move any more, and that the caller may see; empty for all others.
func (s *Server) settled(ctx context.Context, round, compare string) string {
	mark, err := s.Programmes.Settled(ctx, actorOf(ctx), round)
	if err != nil || mark == "" || compare == "" {
		return mark
	}
	then, err := s.Programmes.Settled(ctx, actorOf(ctx), compare)
	if err != nil || then == "" || compare == round {
		return ""
	}
	return mark + " " + then
}

func (s *Server) results(ctx context.Context, round, compare string) (*resultsBody, error) {
	found, err := s.Programmes.Results(ctx, actorOf(ctx), round, compare)
	if err != nil {
		return nil, err
	}
	body := &resultsBody{Results: wholeResults(found)}
	body.Labels, err = s.labels(ctx, groupsOf(&body.Results))
	return body, err
}

// labels are what groups are called.
func (s *Server) labels(ctx context.Context, groups map[surveys.Dimension]map[string]bool) (map[surveys.Dimension]map[string]string, error) {
	all := make(map[surveys.Dimension]map[string]string, len(groups))
	for by, keys := range groups {
		named := make(map[string]string, len(keys))
		for key := range keys {
			var err error
			if named[key], err = s.groupName(ctx, by, key); err != nil {
				return nil, err
			}
		}
		all[by] = named
	}
	return all, nil
}

// groupsOf are the values of every dimension that the results speak of.
func groupsOf(r *surveys.Results) map[surveys.Dimension]map[string]bool {
	all := map[surveys.Dimension]map[string]bool{}
	note := func(by surveys.Dimension, key string) {
		if all[by] == nil {
			all[by] = map[string]bool{}
		}
		all[by][key] = true
	}
	for i := range r.Questions {
		for by, cells := range r.Questions[i].Breakdown {
			for j := range cells {
				note(by, cells[j].Key)
			}
		}
	}
	for by, values := range r.Methods.Drawn.Margins {
		for key := range values {
			note(by, key)
		}
	}
	return all
}

// wholeResults has empty lists where there are none: the contract promises them. The results are shared, so what is filled is a
// copy.
func wholeResults(found *surveys.Results) surveys.Results {
	r := *found
	r.Weighting.By = orEmpty(r.Weighting.By)
	if r.Weighting.Method == "" {
		r.Weighting.Method = surveys.Unweighted
	}
	m := &r.Methods
	m.Drawn = wholeDrawn(m.Drawn)
	m.Languages, m.How, m.Formulas, m.Notes = orNone(m.Languages), orNone(m.How), orNone(m.Formulas), orEmpty(m.Notes)
	r.Questions = append([]surveys.QuestionResult{}, r.Questions...)
	for i := range r.Questions {
		r.Questions[i].Breakdown = orNone(r.Questions[i].Breakdown)
	}
	if r.Comparison != nil {
		c := *r.Comparison
		c.Questions = orEmpty(c.Questions)
		r.Comparison = &c
	}
	return r
}

// groupName is what a group of a dimension is called.
func (s *Server) groupName(ctx context.Context, by surveys.Dimension, key string) (string, error) {
	n := s.names(ctx)
	if key == "" {
		return unstated[n.language], nil
	}
	switch by {
	case surveys.ByCentre:
		return n.centre(key).Name, nil
	case surveys.ByDepartment:
		return n.department(key).Name, nil
	case surveys.ByCategory:
		return n.category(key).Name, nil
	case surveys.ByChannel:
		return n.named(key, channels[key]).Name, nil
	case surveys.ByEmployee:
		name, err := s.Accounts.StaffName(ctx, key)
		if name == "" {
			name = key
		}
		return name, err
	}
	return n.named(key, groupNames[by][key]).Name, nil
}

// groupNames are those that no catalogue holds.
var groupNames = map[surveys.Dimension]map[string]map[string]string{
	surveys.ByRegion: { // ISO 3166-2:SA
		"SA-01": {"ar": "منطقة الرياض", "en": "Riyadh Region", "ur": "علاقہ ریاض"},
		"SA-02": {"ar": "منطقة مكة المكرمة", "en": "Makkah Region", "ur": "علاقہ مکہ مکرمہ"},
		"SA-03": {"ar": "منطقة المدينة المنورة", "en": "Madinah Region", "ur": "علاقہ مدینہ منورہ"},
		"SA-04": {"ar": "المنطقة الشرقية", "en": "Eastern Region", "ur": "مشرقی علاقہ"},
		"SA-05": {"ar": "منطقة القصيم", "en": "Qassim Region", "ur": "علاقہ قصیم"},
		"SA-06": {"ar": "منطقة حائل", "en": "Hail Region", "ur": "علاقہ حائل"},
		"SA-07": {"ar": "منطقة تبوك", "en": "Tabuk Region", "ur": "علاقہ تبوک"},
		"SA-08": {"ar": "منطقة الحدود الشمالية", "en": "Northern Borders Region", "ur": "شمالی سرحدی علاقہ"},
		"SA-09": {"ar": "منطقة جازان", "en": "Jazan Region", "ur": "علاقہ جازان"},
		"SA-10": {"ar": "منطقة نجران", "en": "Najran Region", "ur": "علاقہ نجران"},
		"SA-11": {"ar": "منطقة الباحة", "en": "Al-Bahah Region", "ur": "علاقہ باحہ"},
		"SA-12": {"ar": "منطقة الجوف", "en": "Al-Jawf Region", "ur": "علاقہ جوف"},
		"SA-14": {"ar": "منطقة عسير", "en": "Asir Region", "ur": "علاقہ عسیر"},
	},
	surveys.ByHow: {
		"app":   {"ar": "في التطبيق", "en": "In the app", "ur": "ایپ میں"},
		"link":  {"ar": "برابط", "en": "By a link", "ur": "لنک سے"},
		"phone": {"ar": "بالهاتف", "en": "By phone", "ur": "فون پر"},
	},
	surveys.ByLanguage: {
		"ar": {"ar": "العربية", "en": "Arabic", "ur": "عربی"},
		"en": {"ar": "الإنجليزية", "en": "English", "ur": "انگریزی"},
		"ur": {"ar": "الأردية", "en": "Urdu", "ur": "اردو"},
	},
	surveys.ByGender:    reporters["gender"],
	surveys.ByResidency: reporters["residency"],
	surveys.ByCompany:   reporters["company"],
	surveys.ByFirst: {
		"yes": {"ar": "أول مرة", "en": "First time", "ur": "پہلی بار"},
		"no":  {"ar": "سبق له التقديم", "en": "Had reported before", "ur": "پہلے بھی شکایت کر چکے"},
	},
}

// ListVerbatims gives a page of answers in words.
func (s *Server) ListVerbatims(ctx context.Context, r gen.ListVerbatimsRequestObject) (gen.ListVerbatimsResponseObject, error) {
	p := r.Params
	after, err := afterOf(p.Cursor)
	if err != nil {
		return nil, err
	}
	limit := limitOf(p.Limit)
	all, err := s.Programmes.Verbatims(ctx, actorOf(ctx),
		surveys.VerbatimSearch{Round: r.Id, Question: text(p.Question), State: text(p.State),
			Text: text(p.Q), By: surveys.Dimension(text(p.By)), Value: text(p.Value), After: after, Limit: limit})
	if err != nil {
		return nil, err
	}
	page := gen.ListVerbatims200JSONResponse{Items: make([]gen.Verbatim, len(all))}
	for i := range all {
		if page.Items[i], err = s.verbatim(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	if len(all) == limit {
		page.Next = cursorOf(all[limit-1].ID)
	}
	return page, nil
}

// ModerateVerbatim approves or hides one.
func (s *Server) ModerateVerbatim(ctx context.Context, r gen.ModerateVerbatimRequestObject) (gen.ModerateVerbatimResponseObject,
	error) {
	v, err := s.Programmes.Moderate(ctx, actorOf(ctx), r.Id, string(r.Body.State))
	if err != nil {
		return nil, err
	}
	body, err := s.verbatim(ctx, v)
	return gen.ModerateVerbatim200JSONResponse(body), err
}

// verbatim has neither the response nor what is known of its person.
func (s *Server) verbatim(ctx context.Context, v *surveys.Verbatim) (gen.Verbatim, error) {
	by, err := s.assignee(ctx, v.By)
	body := gen.Verbatim{Id: v.ID, Question: v.Question, Text: v.Text, Day: orNil(v.Day), State: gen.VerbatimState(v.State), By: by}
	if slices.Contains(Languages, v.Language) {
		body.Language = orNil(gen.Language(v.Language))
	}
	return body, err
}
