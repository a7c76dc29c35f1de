package demo

import (
	"context"
	"time"
)

// moods are how many of a hundred give which level, from very dissatisfied to very satisfied.
var moods = map[string][]int{
	"mosque_staff":  {4, 5, 11, 35, 45},
	"maintenance":   {6, 8, 12, 37, 37},
	"loudspeakers":  {2, 4, 8, 34, 52},
	"hiring":        {9, 12, 20, 34, 25},
	"donors":        {1, 2, 6, 28, 63},
	"dawah_quran":   {1, 3, 8, 33, 55},
	"precautionary": {3, 4, 10, 36, 47},
}

var usualMood = []int{5, 7, 14, 38, 36}

// solvedAt is the share of those of a level for whom the matter is solved.
var solvedAt = []float64{.15, .35, .8, .97, .99}

// rate says how the handling was, and reopens the report when it was bad and the answer offers it.
func (c *citizen) rate(ctx context.Context, r *report) (reopened bool, err error) {
	mood, ok := moods[r.Category.Code]
	if !ok {
		mood = usualMood
	}
	level := 1 + c.mood.weighted(mood...)
	solved := c.mood.once(solvedAt[level-1])
	body := map[string]any{"level": level, "solved": solved}
	var fitting []Comment
	for _, x := range c.org.Comments {
		if x.Language == c.language && x.From <= level && level <= x.To && x.Solved == solved {
			fitting = append(fitting, x)
		}
	}
	if len(fitting) > 0 && c.mood.once(.4) {
		x := pick(c.mood, fitting)
		body["comment"], body["reasons"] = x.Text, append([]string{}, x.Reasons...)
	}
	var rating struct {
		MayReopen bool `json:"may_reopen"`
	}
	// The invitation is made from the fact that the report was resolved, a moment after the report itself says so.
	for try := 0; ; try++ {
		err = c.post(ctx, "rateReport", "/v1/reports/"+r.ID+"/rating", body, &rating)
		if try == 20 || !is(err, "not_found", "conflict", "already_exists") {
			break
		}
		if !pause(ctx, 150*time.Millisecond) {
			return false, ctx.Err()
		}
	}
	if err != nil {
		return false, err
	}
	c.tally.add(ratings, 1)
	c.level = level
	if !rating.MayReopen || r.was("reopened") || !c.mood.once(reopens) {
		return false, nil
	}
	err = c.post(ctx, "reopenReport", "/v1/reports/"+r.ID+"/reopen", map[string]string{"reason": reopenings[c.language]}, nil)
	c.tally.count(reopenedReports, err == nil)
	return err == nil, err
}
