package manage

import (
	"cmp"
	_ "embed" // what was published
	"encoding/json"
	"math"
	"net/http"
	"net/url"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

//go:embed accounts.json
var accountsJSON []byte

// published is an account that a contact centre gave of some years: what `balagh demo --scenario` loads.
type published struct {
	Title   string  `json:"title"`
	From    string  `json:"from"`
	To      string  `json:"to"`
	Figures []claim `json:"figures"`
}

// claim is one of its figures, and where the API has it: a key of volumes, an option of a question, or nowhere, because another system
// counts it.
type claim struct {
	Label       string  `json:"label"`
	By          string  `json:"by"`
	Key         string  `json:"key"`
	Region      string  `json:"region"`
	From        string  `json:"from"` // of the account where it is ""
	To          string  `json:"to"`
	Programme   string  `json:"programme"`
	Question    string  `json:"question"`
	Option      string  `json:"option"`
	Published   float64 `json:"published"` // below 1 a proportion
	Approximate bool    `json:"approximate"`
	Elsewhere   string  `json:"elsewhere"`
}

var accounts = func() map[string]published {
	var all map[string]published
	if err := json.Unmarshal(accountsJSON, &all); err != nil {
		panic(err)
	}
	return all
}()

// read beside what was published.
type compared struct {
	ID, Label, Read, Published, Note string
	Same, Differs                    bool
}

type accountShown struct {
	From, To  string
	Compared  []compared
	Elsewhere []compared
	Differ    int
}

// accountPage shows every figure of an account beside what the API says.
func accountPage(v *page.Visit) error {
	a, ok := accounts[v.Param("name")]
	if !ok {
		return &page.Problem{Status: http.StatusNotFound, Code: "not_found", Title: v.T("manage_no_account")}
	}
	r := &reader{v: v, account: a, counts: map[string]map[string]float64{}}
	more := accountShown{From: v.Day(a.From), To: v.Day(a.To)}
	for _, c := range a.Figures {
		x := compared{ID: c.Label, Label: v.T(c.Label), Published: r.write(c.Published)}
		if c.Approximate {
			x.Published = v.T("manage_about", x.Published)
		}
		if c.Elsewhere != "" {
			x.Read, x.Note = "—", v.T(c.Elsewhere)
			more.Elsewhere = append(more.Elsewhere, x)
			continue
		}
		got, note, err := r.read(c)
		if err != nil {
			return err
		}
		x.Read, x.Note = r.write(got), note
		x.Same = x.Read == r.write(c.Published)
		if x.Differs = !x.Same && !c.Approximate; x.Differs {
			more.Differ++
		}
		more.Compared = append(more.Compared, x)
	}
	return (&shown{More: more}).show(v, "account", v.T(a.Title))
}

// reader asks the API once for each dimension and question.
type reader struct {
	v       *page.Visit
	account published
	counts  map[string]map[string]float64
	round   *gen.RoundResults
}

func (r *reader) write(x float64) string {
	if x < 1 && x > 0 {
		return r.v.Pct(x)
	}
	return r.v.N(x)
}

func (r *reader) read(c claim) (got float64, note string, err error) {
	if c.Question != "" {
		return r.share(c)
	}
	by := c.By
	if by == "" {
		by = "category"
	}
	c.From, c.To = cmp.Or(c.From, r.account.From), cmp.Or(c.To, r.account.To)
	id := by + c.Region + c.From
	counts, ok := r.counts[id]
	if !ok {
		if counts, err = r.volumes(by, c); err != nil {
			return 0, "", err
		}
		r.counts[id] = counts
	}
	if by == "day" { // on how many a day, of those on which any came
		if len(counts) < 2 {
			return 0, "", nil
		}
		return math.Round(counts[""] / float64(len(counts)-1)), r.v.T("manage_a_day_note", r.v.Day(c.From), r.v.Day(c.To)), nil
	}
	return counts[c.Key], "", nil
}

// volumes by a dimension; the total is at "".
func (r *reader) volumes(by string, c claim) (map[string]float64, error) {
	q := url.Values{"by": {by}, "from": {c.From}, "to": {c.To}}
	if c.Region != "" {
		q.Set("region", c.Region)
	}
	var x gen.Volumes
	err := r.v.Get(volumesPath, q, &x)
	counts := map[string]float64{}
	for _, row := range x.Rows {
		counts[row.Keys[0]] = float64(row.Count)
	}
	counts[""] = float64(x.Total)
	return counts, err
}

// share of those who answered with an option, in the newest round of a programme.
func (r *reader) share(c claim) (got float64, note string, err error) {
	if r.round == nil {
		rounds, err := readRounds(r.v, c.Programme)
		if err != nil || len(rounds) == 0 {
			return 0, r.v.T("manage_no_round"), err
		}
		r.round = &gen.RoundResults{}
		if err := r.v.Get(roundsPath+"/"+rounds[0].Id, nil, r.round); err != nil {
			return 0, "", err
		}
	}
	for _, q := range r.round.Questions {
		for _, o := range q.Total.Options {
			if q.Code == c.Question && o.Code == c.Option && o.Share != nil {
				if o.Interval != nil {
					note = r.v.T("manage_share_note", interval(r.v, o.Interval.Low, o.Interval.High), r.v.N(o.N))
				}
				return *o.Share, note, nil
			}
		}
	}
	return 0, r.v.T("manage_no_round"), nil
}
