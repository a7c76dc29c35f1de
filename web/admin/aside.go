package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/balagh/balagh/web/page"
)

// What stands beside the forms.

// versioned are the versions of something, newest first.
type versioned struct {
	Wrong    *page.Problem
	Said     string
	Previews []map[string]any
	Versions []versionOf
	Sheet    string // address of the workbook of a questionnaire
	Untold   []page.Field
}

type versionOf struct{ Number, By, At, Href, Sheet string }

func (s *sheet) versionsOf() (all []versionOf) {
	for _, x := range everything(s.Visit, s.r.at(s.Key)+"/versions", false) {
		one := versionOf{Number: s.d.show(field{}, x["version"]), At: s.d.show(field{}, x["at"])}
		switch by := x["by"].(type) {
		case map[string]any:
			one.By = s.d.titleOf(by)
		default:
			one.By, _ = x["by_name"].(string)
		}
		n := fmt.Sprint(x["version"])
		one.Href, one.Sheet = s.r.page(s.Key)+"?version="+n, s.r.at(s.Key)+"/xlsform?version="+n
		all = append(all, one)
	}
	return all
}

// previews shows a text as it would be sent.
func previews(s *sheet) (any, error) {
	a := &versioned{}
	var answer listed
	err := s.Send(http.MethodPost, s.r.at(s.Key)+"/preview", s.r.body(s.typed), &answer)
	if a.Wrong = page.Refused(err); err != nil && a.Wrong == nil {
		return nil, err
	}
	a.Previews = answer.Items
	if !s.Looked {
		a.Versions = s.versionsOf()
	}
	return a, nil
}

// checked looks through a questionnaire without writing it.
func checked(s *sheet) (any, error) {
	a := &versioned{}
	if !s.New() {
		a.Versions, a.Sheet = s.versionsOf(), s.r.at(s.Key)+"/xlsform"
	}
	if !s.Looked {
		return a, nil
	}
	var answer map[string]any
	err := s.tried(&answer)
	if a.Wrong = page.Refused(err); err != nil && a.Wrong == nil {
		return nil, err
	}
	if a.Wrong != nil {
		a.Untold = a.Wrong.Fields
	} else {
		a.Said = s.T("adm_would_be_version", s.d.show(field{}, answer["version"]))
	}
	return a, nil
}

// tried sends the form as if to save it, and changes nothing.
func (s *sheet) tried(into any) error {
	key := s.Key
	if key == "" {
		if key = s.r.keyIn(s.typed); key == "" {
			return s.r.keyMissing(s.Visit)
		}
	}
	_, err := s.Call(http.MethodPut, s.r.at(key), url.Values{"dry_run": {"true"}}, nil, s.r.body(s.typed), into)
	return err
}

// foreseen is what a round of a programme would do, and its rounds.
type foreseen struct {
	Wrong    *page.Problem
	Untold   []page.Field
	Facts    []difference
	Strata   []map[string]any
	Warnings []string
	Rounds   []roundOf
}

type roundOf struct{ Href, Number, State, From, To string }

func forecast(s *sheet) (any, error) {
	a := &foreseen{}
	var would map[string]any
	err := error(nil)
	switch {
	case s.Looked:
		var both struct{ Forecast map[string]any }
		if err = s.tried(&both); err == nil {
			would = both.Forecast
		}
	case !s.New():
		err = s.Get(s.r.at(s.Key)+"/forecast", nil, &would)
	}
	if a.Wrong = page.Refused(err); err != nil && a.Wrong == nil {
		return nil, err
	}
	if a.Wrong != nil {
		a.Untold = a.Wrong.Fields
	}
	a.Facts = s.d.facts(nil, some(would, "population", "excluded", "eligible", "invitations", "expected_answers", "next"))
	strata, _ := would["strata"].([]any)
	for _, x := range strata {
		if m, ok := x.(map[string]any); ok && m["key"] != "" {
			a.Strata = append(a.Strata, map[string]any{"key": m["key"], "eligible": s.N(m["eligible"]), "sampled": s.N(m["sampled"])})
		}
	}
	warnings, _ := would["warnings"].([]any)
	for _, w := range warnings {
		a.Warnings = append(a.Warnings, s.T("warning_"+fmt.Sprint(w)))
	}
	if !s.New() {
		for _, x := range everything(s.Visit, s.r.at(s.Key)+"/rounds", false) {
			one := roundOf{Href: "/admin/rounds/" + fmt.Sprint(x["id"]), Number: s.d.show(field{}, x["number"]), State: s.d.show(field{word: "state_"}, x["state"])}
			one.From, one.To = s.d.show(field{}, x["from"]), s.d.show(field{}, x["closes"])
			a.Rounds = append(a.Rounds, one)
		}
	}
	return a, nil
}

// some of the values of m.
func some(m map[string]any, keys ...string) map[string]any {
	part := map[string]any{}
	for _, k := range keys {
		if x, ok := m[k]; ok {
			part[k] = x
		}
	}
	return part
}

// going is how far something has come.
type going struct {
	Wrong   *page.Problem
	Said    string
	Counts  []counted
	Seconds int // until it is looked at again; 0 for never
}

type counted struct{ Label, Text string }

// progress of a broadcast, or how many people a new one would reach.
func progress(s *sheet) (any, error) {
	a := &going{}
	if s.New() {
		if audience, ok := s.typed["audience"].(map[string]any); ok && bare(audience) != nil {
			var n map[string]any
			err := s.Send(http.MethodPost, "/v1/admin/broadcasts/audience", audience, &n)
			if a.Wrong = page.Refused(err); err != nil && a.Wrong == nil {
				return nil, err
			}
			if err == nil {
				word := "adm_would_reach"
				if n["at_least"] == true {
					word = "adm_would_reach_at_least"
				}
				a.Said = s.T(word, s.d.show(field{}, n["people"]))
			}
		}
		return a, nil
	}
	if state := s.Of("state"); state == "scheduled" || state == "running" || state == "done" {
		a.Seconds = 5
	}
	a.Said = s.T("adm_planned_of", s.d.show(field{}, s.Of("planned")), s.d.show(field{}, s.Of("people")))
	outcomes, _ := s.answer["outcomes"].([]any)
	for _, x := range outcomes {
		m, _ := x.(map[string]any)
		a.Counts = append(a.Counts, counted{s.T("delivery_" + fmt.Sprint(m["state"])), s.N(m["count"])})
	}
	return a, nil
}

// invited is how far a round has come.
func invited(s *sheet) (any, error) {
	a := &going{}
	counts, _ := s.answer["invitations"].(map[string]any)
	for _, state := range slices.Sorted(keysOf(counts)) {
		a.Counts = append(a.Counts, counted{s.Either("invitation_"+state, state), s.N(counts[state])})
	}
	return a, nil
}
