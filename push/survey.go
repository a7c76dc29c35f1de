package push

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/balagh/balagh/event"
)

// Survey is what a message needs to ask somebody to answer. It holds no link: that is made when the message is sent, and kept nowhere.
type Survey struct {
	Invitation string            `json:"invitation"`         // id; the phone knows it as survey_id
	Titles     map[string]string `json:"titles"`             // by language
	Channels   []string          `json:"channels,omitempty"` // that take the place of the policy's steps
	Until      time.Time         `json:"until,omitzero"`     // the first moment at which nothing is sent any more
}

// surveyOf a fact, if it is about one, and the kind of its message.
func surveyOf(e event.Event) (*Survey, Kind) {
	x := e.Survey
	if x == nil || x.Citizen == "" {
		return nil, ""
	}
	s := &Survey{Invitation: x.Invitation, Titles: x.Titles, Channels: x.Channels, Until: x.Until.UTC()}
	switch e.Type {
	case event.SurveyInvited:
		return s, SurveyInvitation
	case event.SurveyReminded:
		return s, SurveyReminder
	}
	return nil, ""
}

// over says that it is too late to send anything.
func (x *Survey) over(now time.Time) bool {
	return x != nil && !x.Until.IsZero() && !now.Before(x.Until)
}

// deadline of what is sent about it: never later than the last moment at which somebody can answer.
func (x *Survey) deadline(at time.Time) time.Time {
	if x != nil && !x.Until.IsZero() && at.After(x.Until) {
		return x.Until
	}
	return at
}

const (
	surveyWait  = 24 * time.Hour // of a channel that the programme names and the policy does not
	longestName = 80             // characters of a questionnaire's title within a text
)

// steps are those that the programme names, else the policy's; without those that need a link where none can be made.
func (x *Survey) steps(policy []Step, links bool) []Step {
	steps := policy
	if len(x.Channels) > 0 {
		steps = nil
		for _, c := range x.Channels {
			step := Step{c, surveyWait}
			if i := slices.IndexFunc(policy, func(p Step) bool { return p.Channel == c }); i >= 0 {
				step = policy[i]
			}
			steps = append(steps, step)
		}
	}
	if links {
		return steps
	}
	return slices.DeleteFunc(slices.Clone(steps), func(p Step) bool { return p.Channel != ChannelPush })
}

// title in a language, cut where it would fill the whole message.
func (x *Survey) title(lang string) string {
	t := x.Titles[lang]
	if t == "" {
		t = x.Titles[Languages[0]]
	}
	if utf8.RuneCountInString(t) > longestName {
		t = string([]rune(t)[:longestName-1]) + "…"
	}
	return t
}

// vars of a text about a report or a survey, without a link.
func vars(number string, x *Survey, lang string) Vars {
	if x == nil {
		return Vars{Number: number}
	}
	return Vars{Title: x.title(lang)}
}

// UnreachedFacts says which of these facts' messages are known not to have arrived: every channel refused or took too long, or there was
// none. What a channel took and no phone has acknowledged may have arrived, and is not among them.
func (s *Service) UnreachedFacts(ctx context.Context, facts []string) (map[string]bool, error) {
	messages := make([]string, len(facts))
	for i, f := range facts {
		messages[i] = event.Derive(f, "inbox")
	}
	given, err := s.Store.GivenUp(ctx, messages)
	if err != nil {
		return nil, fmt.Errorf("look up what did not arrive: %w", err)
	}
	unreached := map[string]bool{}
	for i, m := range messages {
		if why := given[m]; why != "" && why != NotAcknowledged {
			unreached[facts[i]] = true
		}
	}
	return unreached, nil
}
