package demo

import (
	"context"
	_ "embed" // the questionnaire
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed questionnaire.json
var questionnaireJSON []byte

// A round of the play, in days by the clock of surveys.
const (
	roundIn       = 3 // from the writing of its programme, by which time the round begins by itself
	roundOpen     = 14
	remindedAfter = 5
	framed        = 730 // the window: more than any play lasts on that clock, and reports have real times
	rested        = 21
)

const (
	questionnaire  = "reporting"
	programmes     = "reporting_" // what their codes begin with: each play has its own
	casesKnown     = 5 * time.Second
	roundPublished = 60 * time.Second
)

// programme is the body of putProgramme. Its round begins on the day start.
func programme(active bool, start string) map[string]any {
	return map[string]any{
		"names":  Texts{"ar": "رأي من أبلغ عبر التطبيق والموقع", "en": "Those who report in the app and on the web", "ur": "ایپ اور ویب سائٹ سے شکایت کرنے والوں کی رائے"},
		"active": active, "questionnaire": questionnaire,
		"every":     map[string]any{"rule": "FREQ=MONTHLY;INTERVAL=3", "start": start, "hour": 9, "window_days": framed},
		"frame":     map[string]any{"channels": []string{"app", "web"}},
		"sample":    map[string]any{"method": "stratified", "by": []string{"region"}, "allocation": "proportional", "margin": .06, "confidence": .95, "expected_rate": .6},
		"weighting": map[string]any{"method": "poststratify", "by": []string{"category"}}, "quarantine_days": rested, "open_days": roundOpen,
		"reminders": []int{remindedAfter}, "channels": []string{"push", "sms"}}
}

// planned is the answer of putProgramme.
type planned struct {
	Programme struct {
		Next time.Time `json:"next"`
	} `json:"programme"`
	Forecast struct {
		Population int      `json:"population"`
		Warnings   []string `json:"warnings"`
	} `json:"forecast"`
}

// poll lets the administrator write a questionnaire and a programme whose round begins by itself soon, waits until it has published its
// figures, and gives its id.
func (p *play) poll(ctx context.Context, citizens []*citizen) (round string, err error) {
	if err := p.admin.put(ctx, "putQuestionnaire", "/v1/admin/questionnaires/"+questionnaire, json.RawMessage(questionnaireJSON), nil); err != nil {
		return "", fmt.Errorf("write the questionnaire: %w", err)
	}
	code := programmes + strconv.FormatUint(p.run, 36)
	warnings, err := p.foresee(ctx, code, citizens)
	if err != nil {
		return "", fmt.Errorf("the forecast: %w", err)
	}
	if err := p.schedule(ctx, code, warnings); err != nil {
		return "", fmt.Errorf("write the programme: %w", err)
	}
	round, err = p.published(ctx, code)
	if err != nil {
		return "", err
	}
	_, err = p.putProgramme(ctx, code, programme(false, p.dayIn(roundIn)), nil) // everybody goes home: nobody is there for another round
	return round, err
}

// retire puts the programmes of earlier plays to rest that nobody saw the end of: nobody answers to them any more.
func (p *play) retire(ctx context.Context) error {
	var all struct {
		Items []struct {
			Code   string `json:"code"`
			Active bool   `json:"active"`
		} `json:"items"`
	}
	if _, err := p.admin.get(ctx, "listProgrammes", "/v1/admin/programmes", nil, &all); err != nil {
		return err
	}
	for _, x := range all.Items {
		if x.Active && strings.HasPrefix(x.Code, programmes) {
			if _, err := p.putProgramme(ctx, x.Code, programme(false, p.dayIn(roundIn)), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *play) putProgramme(ctx context.Context, code string, body map[string]any, query url.Values) (x planned, err error) {
	_, err = p.admin.do(ctx, call{operation: "putProgramme", method: http.MethodPut, path: "/v1/admin/programmes/" + code, query: query, body: body}, &x)
	return x, err
}

// dayIn is a day by the clock of surveys, so many after today.
func (p *play) dayIn(days int) string {
	return p.Clock().In(p.zone).AddDate(0, 0, days).Format(time.DateOnly)
}

// foresee looks what the programme would do, until every report of the day is in, and reads what is warned of.
func (p *play) foresee(ctx context.Context, code string, citizens []*citizen) (warnings []string, err error) {
	filed := 0
	for _, c := range citizens {
		if c != nil && c.report != "" {
			filed++
		}
	}
	for until := time.Now().Add(casesKnown); ; {
		x, err := p.putProgramme(ctx, code, programme(true, p.dayIn(roundIn)), url.Values{"dry_run": {"true"}})
		if err != nil || x.Forecast.Population >= filed || time.Now().After(until) {
			return x.Forecast.Warnings, err
		}
		if !pause(ctx, 100*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

// schedule writes the programme and takes responsibility for what was warned of. Whoever is too slow for the day on which the round is to
// begin names a later one.
func (p *play) schedule(ctx context.Context, code string, warnings []string) error {
	for range attempts {
		start := p.dayIn(roundIn)
		x, err := p.putProgramme(ctx, code, programme(true, start), url.Values{"confirm": warnings})
		if err != nil {
			return err
		}
		if x.Programme.Next.In(p.zone).Format(time.DateOnly) == start {
			return nil
		}
	}
	return errors.New("the days pass faster than a programme is written")
}

// published waits for the round.
func (p *play) published(ctx context.Context, code string) (round string, err error) {
	var all struct {
		Items []struct {
			ID    string `json:"id"`
			State string `json:"state"`
		} `json:"items"`
	}
	for until := time.Now().Add(roundPublished); time.Now().Before(until); {
		if _, err := p.admin.get(ctx, "listProgrammeRounds", "/v1/admin/programmes/"+code+"/rounds", nil, &all); err != nil {
			return "", err
		}
		if len(all.Items) > 0 && all.Items[0].State == "published" {
			return all.Items[0].ID, nil
		}
		if !pause(ctx, 150*time.Millisecond) {
			return "", ctx.Err()
		}
	}
	if len(all.Items) == 0 {
		return "", errors.New("a round did not begin by itself")
	}
	return "", fmt.Errorf("a round did not publish by itself, it is %s", all.Items[0].State)
}

// manager signs in somebody who reads figures of every centre.
func (p *play) manager(ctx context.Context) (*client, error) {
	i := slices.IndexFunc(p.org.Staff, func(s Staff) bool { return s.Role == "manager" && slices.Contains(s.Centres, "*") })
	if i < 0 {
		return nil, errors.New("nobody reads the figures")
	}
	c := &client{http: p.web, base: p.URL, language: "ar"}
	return c, c.signInAsStaff(ctx, p.org.Staff[i].Email, p.org.Staff[i].Password)
}
