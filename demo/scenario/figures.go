package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/balagh/balagh/demo"
)

// Figure is one number of the account and where the insights have it.
type Figure struct {
	Label string
	By    string // dimension of the volumes; "" for their total
	Key   string
	Want  int
}

// Read is a figure as the insights tell it.
type Read struct {
	Label string
	Got   string
	Want  string
}

// Same tells whether the insights say what was published.
func (r Read) Same() bool { return r.Got == r.Want }

// Table is what was read, beside what was published.
type Table struct {
	Title string
	Rows  []Read
	Note  string
}

// Wrong counts the figures that differ.
func (t *Table) Wrong() (n int) {
	for _, r := range t.Rows {
		if !r.Same() {
			n++
		}
	}
	return n
}

// String is for a wall: plain text, a figure on each line, and whether it is the published one.
func (t *Table) String() string {
	var b strings.Builder
	rule := strings.Repeat("═", 78)
	fmt.Fprintf(&b, "%s\n  %s\n%s\n  %-44s %12s   %12s\n", rule, t.Title, rule, "", "insights", "published")
	for _, r := range t.Rows {
		sign := "="
		if !r.Same() {
			sign = "≠"
		}
		fmt.Fprintf(&b, "  %-44s %12s %s %12s\n", r.Label, r.Got, sign, r.Want)
	}
	if t.Note != "" {
		fmt.Fprintf(&b, "  %s\n", t.Note)
	}
	return b.String() + rule + "\n"
}

// Read asks a running server for the figures, as a manager does.
func (s *Scenario) Read(ctx context.Context, base string) (*Table, error) {
	m := &manager{base: base, client: &http.Client{Timeout: time.Minute}}
	defer m.client.CloseIdleConnections()
	if err := m.signIn(ctx, s.org.Staff); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	t := &Table{Title: s.Title}
	counts := map[string]map[string]int{}
	for _, f := range s.Figures {
		by := f.By
		if by == "" {
			by = "category"
		}
		if counts[by] == nil {
			var err error
			if counts[by], err = m.volumes(ctx, by, s.From, s.To); err != nil {
				return nil, err
			}
		}
		t.Rows = append(t.Rows, Read{Label: f.Label, Got: thousands(counts[by][f.Key]), Want: thousands(f.Want)})
	}
	if s.round == nil {
		return t, nil
	}
	rows, err := m.round(ctx)
	t.Rows = append(t.Rows, rows...)
	t.Note = fmt.Sprintf("%d answers; each share comes with its interval and the methods at /v1/insights/rounds", s.round.respondents)
	return t, err
}

// manager reads over HTTP.
type manager struct {
	base   string
	client *http.Client
	token  string
}

func (m *manager) signIn(ctx context.Context, staff []demo.Staff) error {
	for _, x := range staff {
		if x.Role != "manager" || x.Centres[0] != "*" {
			continue
		}
		var t struct {
			AccessToken string `json:"access_token"`
		}
		body := map[string]string{"grant_type": "password", "email": x.Email, "password": x.Password}
		err := m.do(ctx, http.MethodPost, "/v1/auth/token", body, &t)
		m.token = t.AccessToken
		return err
	}
	return fmt.Errorf("there is no manager")
}

// volumes by a dimension; the total is at "".
func (m *manager) volumes(ctx context.Context, by string, from, to time.Time) (map[string]int, error) {
	var v struct {
		Rows []struct {
			Keys  []string `json:"keys"`
			Count int      `json:"count"`
		} `json:"rows"`
		Total int `json:"total"`
	}
	q := url.Values{"by": {by}, "from": {from.Format(time.DateOnly)}, "to": {to.AddDate(0, 0, -1).Format(time.DateOnly)}}
	err := m.do(ctx, http.MethodGet, "/v1/insights/volumes?"+q.Encode(), nil, &v)
	counts := map[string]int{}
	for _, r := range v.Rows {
		counts[r.Keys[0]] = r.Count
	}
	counts[""] = v.Total
	return counts, err
}

// round is what the one round found.
func (m *manager) round(ctx context.Context) ([]Read, error) {
	var list struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	if err := m.do(ctx, http.MethodGet, "/v1/insights/rounds", nil, &list); err != nil {
		return nil, err
	}
	if len(list.Items) != 1 {
		return nil, fmt.Errorf("there are %d rounds", len(list.Items))
	}
	var results struct {
		Questions []struct {
			Code  string `json:"code"`
			Total struct {
				Options []struct {
					Code  string   `json:"code"`
					Share *float64 `json:"share"`
				} `json:"options"`
			} `json:"total"`
		} `json:"questions"`
	}
	if err := m.do(ctx, http.MethodGet, "/v1/insights/rounds/"+list.Items[0].ID, nil, &results); err != nil {
		return nil, err
	}
	rows := []Read{{Label: "met no difficulty in submitting a request", Want: "94.0 %"}, {Label: "had never asked to meet the minister", Want: "88.0 %"}}
	for _, q := range results.Questions {
		for _, o := range q.Total.Options {
			for i, want := range []string{noDifficulty + " y", askedBefore + " n"} {
				if q.Code+" "+o.Code == want && o.Share != nil {
					rows[i].Got = fmt.Sprintf("%.1f %%", 100**o.Share)
				}
			}
		}
	}
	return rows, nil
}

func (m *manager) do(ctx context.Context, method, path string, body, out any) error {
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, m.base+path, &b)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if m.token != "" {
		req.Header.Set("Authorization", "Bearer "+m.token)
	}
	res, err := m.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	path, _, _ = strings.Cut(path, "?")
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// thousands writes 75,562.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
