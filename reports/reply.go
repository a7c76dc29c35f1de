package reports

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// maxReplies is how many templates there may be: staff choose from a list.
const maxReplies = 200

// Reply is a template for what staff write to a citizen. They may change the text before they send it.
type Reply struct {
	Code       string            `json:"code"`
	Rev        int64             `json:"rev"`
	Names      map[string]string `json:"names"`                // by language: what staff choose by
	Texts      map[string]string `json:"texts"`                // by language: what the citizen reads
	Categories []string          `json:"categories,omitempty"` // for which it is meant; none for all
	Order      int               `json:"order,omitempty"`      // in lists; those of the same order by code
}

// PutReply creates or replaces a template, like PutCategory. No rev is ever given twice, also when one was deleted in between.
func (s *Service) PutReply(ctx context.Context, a actor.Actor, r Reply, rev *int64) (Reply, error) {
	return put(ctx, s, a, func(o *Organisation) (Reply, error) {
		old, there := o.Replies[r.Code]
		if err := matches(old.Rev, rev); err != nil {
			return r, err
		}
		clean, err := r.validate(o, there)
		if err != nil {
			return r, err
		}
		clean.Rev = o.Rev + 1
		set(&o.Replies, r.Code, clean)
		return clean, nil
	})
}

// DeleteReply removes one; fault.NotFound.
func (s *Service) DeleteReply(ctx context.Context, a actor.Actor, code string, rev *int64) error {
	_, err := put(ctx, s, a, func(o *Organisation) (Reply, error) {
		old, there := o.Replies[code]
		if !there {
			return old, fault.New(fault.NotFound)
		}
		if err := matches(old.Rev, rev); err != nil {
			return old, err
		}
		delete(o.Replies, code)
		return old, nil
	})
	return err
}

func (r Reply) validate(o *Organisation, there bool) (Reply, error) {
	var faults fault.Fields
	validateCode(&faults, r.Code)
	validateNames(&faults, "names", r.Names, true)
	texts := make(map[string]string, len(languages))
	for _, l := range languages {
		texts[l] = validText(&faults, "texts/"+l, r.Texts[l], MaxComment)
	}
	for _, l := range slices.Sorted(maps.Keys(r.Texts)) {
		if !slices.Contains(languages, l) {
			faults.Add("texts/"+l, fault.Unknown)
		}
	}
	r.Texts = texts
	for i, code := range r.Categories {
		if _, ok := o.Categories[code]; !ok {
			faults.Add(fmt.Sprintf("categories/%d", i), missing(code))
		} else if slices.Contains(r.Categories[:i], code) {
			faults.Add(fmt.Sprintf("categories/%d", i), fault.Duplicate)
		}
	}
	if !there && len(o.Replies) >= maxReplies {
		faults.Add("code", fault.TooMany)
	}
	return r, faults.Err()
}

// RepliesFor are the templates that are meant for a category, all of them for "".
func (c *Catalogue) RepliesFor(category string) (all []Reply) {
	for _, r := range c.Replies {
		if category == "" || len(r.Categories) == 0 || slices.Contains(r.Categories, category) {
			all = append(all, r)
		}
	}
	return all
}

// Reply with that code; false when there is none.
func (c *Catalogue) Reply(code string) (Reply, bool) {
	i := slices.IndexFunc(c.Replies, func(r Reply) bool { return r.Code == code })
	if i < 0 {
		return Reply{}, false
	}
	return c.Replies[i], true
}
