package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// manner is what somebody does who is asked to answer a questionnaire.
type manner int

const (
	prompt  manner = iota // answers at once
	late                  // answers after the reminder
	resumes               // begins at once, and goes on after the reminder
	halfway               // begins, and never goes on
	refuses
	silent
)

// manners of forty citizens who follow each other, beside mix. A dozen have all but one.
var manners = [40]manner{3: late, 4: late, 6: halfway, 10: refuses, 11: silent, 13: silent, 14: late, 16: resumes, 19: late, 20: refuses, 22: silent,
	23: late, 26: halfway, 28: late, 29: silent, 30: late, 31: refuses, 33: late, 34: resumes, 37: late, 38: silent}

// How far an answer is, as the server has told.
const (
	partial  = "partial"
	complete = "complete"
	refused  = "refused"
	tooLate  = "too late"
)

// survey is what a phone knows of the questionnaire that its person is asked to answer.
type survey struct {
	manner
	id        string // of the invitation; in the app
	link      string // from a text message, without the app
	state     string
	ended     time.Time // when the server had taken the last word, by the clock of surveys
	unsure    bool      // the time was over when the server said what it took
	reminders int
	pestered  bool // reminded after the last word
}

// asks notes that a message asks, or reminds.
func (s *survey) asks(kind, id, link string) {
	if id != "" {
		s.id = id
	}
	if link != "" {
		s.link = link
	}
	if kind == "survey_reminder" {
		s.reminders = max(1, s.reminders)
	}
}

// wants is whether the person does something now: answers it all, or half of it, or refuses.
func (s *survey) wants() (all, half, no bool) {
	asked, fresh, reminded := s.id != "" || s.link != "", s.state == "", s.reminders > 0
	switch {
	case !asked || !s.ended.IsZero() || s.state == tooLate:
		return false, false, false
	case s.manner == prompt:
		return true, false, false
	case s.manner == late:
		return reminded, false, false
	case s.manner == resumes:
		return reminded, fresh && !reminded, false
	case s.manner == halfway:
		return false, fresh, false
	}
	return false, false, s.manner == refuses
}

// glance is what happens in a pocket: news come, and who is asked to answer does so, or does not.
func (c *citizen) glance(ctx context.Context) error {
	var err error
	if c.way.hears() {
		_, err = c.hear(ctx)
	} else {
		_, err = c.textsCame(ctx)
	}
	if err != nil {
		return err
	}
	all, half, no := c.survey.wants()
	switch {
	case !all && !half && !no:
		return nil
	case c.survey.id == "" && no:
		return c.refuseByLink(ctx)
	case c.survey.id == "":
		return c.answerByLink(ctx, c.opinion(), all)
	case no:
		return c.took(refused, c.post(ctx, "refuseSurvey", "/v1/surveys/"+c.survey.id+"/refuse", nil, nil))
	}
	return c.answerInApp(ctx, c.opinion(), all)
}

// took notes what the server has taken. That it was too late is no trouble.
func (c *citizen) took(state string, err error) error {
	s := &c.survey
	switch {
	case is(err, "gone"):
		if s.state != partial { // which is kept, though nothing more is taken
			s.state = tooLate
		}
		s.ended = c.Clock()
		return nil
	case err != nil:
		return err
	}
	if s.state = state; state != partial {
		s.ended = c.Clock()
	}
	return nil
}

// answerInApp opens the list of what is to be answered, and answers.
func (c *citizen) answerInApp(ctx context.Context, answers map[string]any, all bool) error {
	var list struct {
		Items []struct {
			ID            string `json:"id"`
			Questionnaire struct {
				Questions []struct {
					Code string `json:"code"`
				} `json:"questions"`
			} `json:"questionnaire"`
		} `json:"items"`
	}
	if _, err := c.get(ctx, "listSurveys", "/v1/surveys", nil, &list); err != nil {
		return err
	}
	for _, x := range list.Items {
		if x.ID != c.survey.id {
			continue
		}
		if questions := x.Questionnaire.Questions; !all && len(questions) > 0 { // the first question is as far as it goes
			answers = map[string]any{questions[0].Code: answers[questions[0].Code]}
		}
		body := map[string]any{"answers": answers, "complete": all, "language": c.language}
		return c.took(map[bool]string{true: complete, false: partial}[all], c.put(ctx, "respondSurvey", "/v1/surveys/"+x.ID+"/response", body, nil))
	}
	return c.took("", &Problem{Operation: "listSurveys", Status: http.StatusGone, Code: "gone"}) // it is listed no more
}

// effort and recommendation of those of a level of satisfaction, and what they say of being kept informed.
var (
	easeAt      = [5][]int{{20, 20, 20, 15, 10, 10, 5}, {12, 18, 20, 20, 15, 10, 5}, {3, 5, 10, 20, 28, 22, 12}, {1, 2, 4, 9, 22, 37, 25}, {1, 1, 1, 4, 10, 33, 50}}
	recommendAt = [5][]int{{40, 20, 15, 10, 5, 5, 3, 1, 1, 0, 0}, {10, 10, 15, 15, 15, 15, 10, 5, 5, 0, 0}, {1, 1, 2, 4, 8, 20, 22, 22, 15, 3, 2},
		{0, 0, 0, 1, 2, 4, 8, 20, 35, 18, 12}, {0, 0, 0, 0, 0, 1, 2, 5, 17, 30, 45}}
	informedAt = [5]float64{.25, .4, .6, .85, .93}
	// moodAt is for those who have not rated: by what has become of their report.
	moodAt = map[string][]int{"rejected": {35, 28, 22, 10, 5}, "in_progress": {12, 20, 35, 23, 10}, "withdrawn": {5, 8, 32, 35, 20}, "duplicate": {8, 12, 35, 30, 15}}
)

// opinion is what somebody answers: who was content with how the report went, is so here.
func (c *citizen) opinion() map[string]any {
	luck := newChance(c.seed, 1<<35+uint64(c.number))
	level := c.level
	if weights := moodAt[c.status]; level == 0 && weights != nil {
		level = 1 + luck.weighted(weights...)
	} else if level == 0 {
		level = 1 + luck.weighted(usualMood...)
	} else if luck.once(.15) { // on second thoughts
		level = min(5, max(1, level+[]int{-1, 1}[luck.IntN(2)]))
	}
	at := level - 1
	answers := map[string]any{"overall": level, "easy": 1 + luck.weighted(easeAt[at]...), "informed": luck.once(informedAt[at]), "recommend": luck.weighted(recommendAt[at]...)}
	if luck.once(.06) {
		answers["informed"] = "dont_know"
	}
	if level <= 3 {
		improve := slices.DeleteFunc([]string{"speed", "updates", "staff"}, func(string) bool { return luck.once(.55) })
		answers["improve"] = append([]string{"result"}, improve...)
	}
	for _, x := range c.org.Comments {
		if x.Language == c.language && x.From <= level && level <= x.To && luck.once(.08) {
			answers["words"] = x.Text
		}
	}
	return answers
}

// linkIn a text message, with the address as it is here: the server may be known to others by another.
func (c *citizen) linkIn(text string) string {
	for word := range strings.FieldsSeq(text) {
		if u, err := url.Parse(word); err == nil && u.Host != "" && strings.HasPrefix(u.Path, "/s/") {
			return c.base + u.Path
		}
	}
	return ""
}

// recall looks into the inbox, in the evening, for whether the person was reminded, and whether after the last word.
func (c *citizen) recall(ctx context.Context) error {
	var box struct {
		Items []message `json:"items"`
	}
	if _, err := c.get(ctx, "listInbox", "/v1/inbox", url.Values{"limit": {"20"}}, &box); err != nil {
		return err
	}
	c.survey.reminders = 0
	for _, m := range box.Items {
		if m.Kind != "survey_reminder" {
			continue
		}
		c.survey.reminders++
		if s := c.survey; (s.state == complete || s.state == refused) && m.At.After(s.ended) {
			c.survey.pestered = true
		}
	}
	if c.survey.reminders > 1 {
		return fmt.Errorf("somebody was reminded %d times", c.survey.reminders)
	}
	return nil
}
