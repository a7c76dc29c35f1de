package surveys

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/fold"
	"github.com/balagh/balagh/surveys/form"
)

// Verbatims on a page.
const (
	verbatimsPage    = 50
	verbatimsPageMax = 200
)

// VerbatimSearch asks for a page of verbatims.
type VerbatimSearch struct {
	Round    string
	Question string // "" for every one
	State    string // "" for every one that the actor may see
	Text     string // words to look for, folded as people write them
	By       Dimension
	Value    string // of By
	After    string // id of the last one of the page before
	Limit    int    // 50 when 0, at most 200
}

// Verbatims of a round: those approved for managers; all for supervisors and administrators, who moderate them. Those of a
// suppressed cell are shown to nobody. Of the snapshot they carry only what was asked for by By, and of an anonymous round not
// even the day.
func (p *Programmes) Verbatims(ctx context.Context, a actor.Actor, q VerbatimSearch) ([]Verbatim, error) {
	if !a.Is(actor.Manager, actor.Supervisor, actor.Admin) {
		return nil, fault.New(fault.Forbidden)
	}
	query, err := q.query(a)
	if err != nil {
		return nil, err
	}
	c, err := p.counted(ctx, a, q.Round)
	if err != nil {
		return nil, err
	}
	questions, err := c.speaking(q)
	if err != nil {
		return nil, err
	}
	if len(questions) == 0 || len(query.States) == 0 || q.Text != "" && len(query.Terms) == 0 {
		return []Verbatim{}, nil
	}
	page, err := p.page(ctx, query, questions)
	if err != nil {
		return nil, fmt.Errorf("read verbatims: %w", err)
	}
	for i := range page {
		page[i] = page[i].shown(q, c.round.Programme.Anonymous)
	}
	return page, nil
}

// query is what the store is asked, and everything that is wrong with the search.
func (q VerbatimSearch) query(a actor.Actor) (VerbatimQuery, error) {
	var faults fault.Fields
	states := []string{VerbatimNew, VerbatimApproved, VerbatimHidden}
	if q.State != "" && !slices.Contains(states, q.State) {
		faults.Add("state", fault.Unknown)
	}
	switch {
	case q.By == "" && q.Value != "":
		faults.Add("by", fault.Required)
	case q.By != "" && !slices.Contains(SnapshotDimensions, q.By):
		faults.Add("by", fault.Unknown)
	case q.By != "" && q.Value == "":
		faults.Add("value", fault.Required)
	}
	if q.Limit < 0 || q.Limit > verbatimsPageMax {
		faults.Add("limit", fault.OutOfRange)
	}
	if a.Is(actor.Manager) {
		states = []string{VerbatimApproved}
	}
	states = slices.DeleteFunc(states, func(s string) bool { return q.State != "" && s != q.State })
	query := VerbatimQuery{Round: q.Round, Question: q.Question, States: states, Terms: fold.Terms(q.Text), By: q.By, Value: q.Value,
		After: q.After, Limit: q.Limit}
	if query.Limit == 0 {
		query.Limit = verbatimsPage
	}
	return query, faults.Err()
}

// speaking are the questions in words whose cell, of the value that was asked for, is published.
func (c *counted) speaking(q VerbatimSearch) (questions []string, err error) {
	if x, ok := c.q.Question(q.Question); q.Question != "" && (!ok || x.Type != form.Words) {
		return nil, fault.At("question", fault.Unknown)
	}
	for i, column := range columns(c.q) {
		if column.question.Type != form.Words || q.Question != "" && column.question.Code != q.Question {
			continue
		}
		hidden := c.tally.Items[i].hiddenGroups(c.tally.Groups)
		shown := !hidden[0]
		if q.By != "" {
			g := slices.IndexFunc(c.tally.Groups, func(g group) bool { return g.By == q.By && g.Value == q.Value })
			shown = g > 0 && !hidden[g]
		}
		if shown {
			questions = append(questions, column.question.Code)
		}
	}
	return questions, nil
}

// page of the verbatims of some questions: the store knows one question or all.
func (p *Programmes) page(ctx context.Context, q VerbatimQuery, questions []string) ([]Verbatim, error) {
	page := []Verbatim{}
	for {
		some, err := p.Store.Verbatims(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, v := range some {
			if slices.Contains(questions, v.Question) && len(page) < q.Limit {
				page = append(page, v)
			}
		}
		if len(page) == q.Limit || len(some) < q.Limit {
			return page, nil
		}
		q.After = some[len(some)-1].ID
	}
}

// shown is what is shown of a verbatim: nothing that says more of its person than what was asked for.
func (v Verbatim) shown(q VerbatimSearch, anonymous bool) Verbatim {
	v.Response, v.Snapshot = "", v.Snapshot.only(q.By)
	if anonymous {
		v.Day = ""
	}
	return v
}

// only the value of one dimension.
func (s Snapshot) only(by Dimension) (o Snapshot) {
	switch by {
	case ByCentre:
		o.Centre = s.Centre
	case ByRegion:
		o.Region = s.Region
	case ByDepartment:
		o.Department = s.Department
	case ByCategory:
		o.Category = s.Category
	case ByChannel:
		o.Channel = s.Channel
	case ByGender:
		o.Gender = s.Gender
	case ByResidency:
		o.Residency = s.Residency
	case ByCompany:
		o.Company = s.Company
	case ByFirst:
		o.First = s.First
	case ByEmployee:
		o.Employee = s.Employee
	}
	return o
}

var errOnlyLook = errors.New("only looked at")

// Moderate approves or hides a verbatim, for supervisors and administrators. The same again is no error.
func (p *Programmes) Moderate(ctx context.Context, a actor.Actor, id, state string) (*Verbatim, error) {
	if !a.Is(actor.Supervisor, actor.Admin) {
		return nil, fault.New(fault.Forbidden)
	}
	if state != VerbatimApproved && state != VerbatimHidden {
		return nil, fault.At("state", fault.Unknown)
	}
	var round string
	if _, err := p.Store.UpdateVerbatim(ctx, id, func(v *Verbatim) error {
		round = v.Round
		return errOnlyLook
	}); !errors.Is(err, errOnlyLook) {
		return nil, fmt.Errorf("read a verbatim: %w", err)
	}
	c, err := p.counted(ctx, a, round)
	if err != nil {
		return nil, err
	}
	v, err := p.Store.UpdateVerbatim(ctx, id, func(v *Verbatim) error {
		shown, err := c.speaking(VerbatimSearch{Question: v.Question})
		if err != nil || len(shown) == 0 {
			return fault.New(fault.NotFound)
		}
		v.State, v.By = state, a.ID
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("moderate a verbatim: %w", err)
	}
	return new(v.shown(VerbatimSearch{}, c.round.Programme.Anonymous)), nil
}
