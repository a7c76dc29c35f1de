package manage

import "github.com/balagh/balagh/web/page"

// shaded says how src/lib/map.ts colours the regions.
type shaded struct {
	Label   string            `json:"label"`
	Regions map[string]region `json:"regions"`
	None    string            `json:"none"`
	Steps   []string          `json:"-"` // what each colour stands for, the first one for nothing
}

type region struct {
	Step int    `json:"step"`
	Text string `json:"text"`
	Link string `json:"link,omitempty"`
}

// steps are where one colour ends and the next begins.
var steps = []float64{0, .5, .65, .8, .9, 1}

func shade(v *page.Visit, f *filter, s *satisfaction) *shaded {
	m := &shaded{Label: v.T("manage_map_of_regions"), Regions: map[string]region{}, None: v.T("manage_no_answers"), Steps: []string{v.T("manage_not_shown")}}
	for i := 0; i+1 < len(steps); i++ {
		m.Steps = append(m.Steps, v.N(100*steps[i])+" – "+v.N(100*steps[i+1]))
	}
	for i := range s.Rows {
		x := &s.Rows[i]
		if x.Key == nil || *x.Key == "" {
			continue
		}
		r := region{Text: x.named(v, "region") + ": ", Link: link(f, "region", x)}
		switch {
		case x.Suppressed:
			r.Text += s.why(v, x)
		case x.Top2 == nil:
			r.Text += v.T("manage_no_answers")
		default:
			r.Text += v.Pct(*x.Top2) + " (" + x.interval(v) + ")"
			for r.Step = 1; r.Step < len(steps)-1 && *x.Top2 >= steps[r.Step]; r.Step++ {
			}
		}
		m.Regions[*x.Key] = r
	}
	return m
}
