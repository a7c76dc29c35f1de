package manage

import (
	"net/url"
	"slices"
	"strings"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

const volumesPath = "/v1/insights/volumes"

// counted are the dimensions of volumes, in the order in which they are offered.
var counted = []string{"category", "centre", "region", "department", "channel", "status", "month", "hijri_month", "day", "gender", "residency", "company"}

// most is how many groups a chart tells apart; the others are one.
const most = 7

// volumes are counts by one or two dimensions, with their names on the page.
type volumes struct {
	gen.Volumes
	query url.Values
}

func readVolumes(v *page.Visit, f *filter, by ...string) (*volumes, error) {
	x := &volumes{query: f.query(narrowing)}
	for _, d := range by {
		x.query.Add("by", d)
	}
	return x, v.Get(volumesPath, x.query, &x.Volumes)
}

func timed(by gen.VolumesDimension) bool {
	return slices.Contains([]string{"day", "month", "hijri_month"}, string(by))
}

// axis has the keys of one dimension: those of time in their order and without gaps to tell of, others with the most reports first.
type axis struct {
	keys  []string
	names map[string]string
	count map[string]int
}

func (x *volumes) axis(v *page.Visit, n int) axis {
	a := axis{names: map[string]string{}, count: map[string]int{}}
	for _, row := range x.Rows {
		key := row.Keys[n]
		if _, ok := a.names[key]; !ok {
			a.keys = append(a.keys, key)
			a.names[key] = keyName(v, string(x.By[n]), key, row.Names[n])
		}
		a.count[key] += row.Count
	}
	if timed(x.By[n]) {
		slices.Sort(a.keys)
	} else {
		slices.SortStableFunc(a.keys, func(p, q string) int { return a.count[q] - a.count[p] })
	}
	return a
}

// keyName is what a key is called on a page.
func keyName(v *page.Visit, by, key, name string) string {
	switch {
	case key == "":
		return v.T("manage_not_known")
	case by == "region":
		return regionName(v, key)
	case by == "month" || by == "hijri_month":
		return v.Month(key)
	case by == "day":
		return v.Day(key)
	}
	return name
}

// cells of a table of two dimensions.
func (x *volumes) cells() map[[2]string]int {
	all := map[[2]string]int{}
	for _, row := range x.Rows {
		at := [2]string{row.Keys[0]}
		if len(row.Keys) > 1 {
			at[1] = row.Keys[1]
		}
		all[at] += row.Count
	}
	return all
}

// figure draws counts: over time when one of the dimensions is of time, otherwise as bars.
func (x *volumes) figure(v *page.Visit, f *filter, id, title string) figure {
	n := cellsOf{volumes: x, rows: x.axis(v, 0), cells: x.cells()}
	if len(x.By) > 1 {
		n.columns = x.axis(v, 1)
		if timed(x.By[1]) && !timed(x.By[0]) { // time goes below, whichever was asked for first
			n.turn()
		}
	}
	c := &chart{Kind: "bars", Label: title}
	if timed(x.By[0]) || len(x.By) > 1 && timed(x.By[1]) {
		c.Kind, c.Axis = "columns", v.T("manage_time")
	} else if len(x.By) > 1 {
		c.Kind = "stack"
	}
	n.draw(v, c)
	return figure{ID: id, Title: title, Chart: c, Table: n.table(v, f)}.from(volumesPath, x.query)
}

// cellsOf is a table of counts, with the dimension of time among its rows.
type cellsOf struct {
	*volumes
	rows, columns axis
	cells         map[[2]string]int
	turned        bool
}

func (n *cellsOf) turn() {
	n.rows, n.columns, n.turned = n.columns, n.rows, true
}

func (n *cellsOf) at(row, column string) int {
	if n.turned {
		row, column = column, row
	}
	return n.cells[[2]string{row, column}]
}

func (n *cellsOf) draw(v *page.Visit, c *chart) {
	for _, key := range n.rows.keys {
		c.Names = append(c.Names, n.rows.names[key])
	}
	add := func(name string, count func(row string) int) {
		s := series{Name: name}
		for _, key := range n.rows.keys {
			s.Values = append(s.Values, float(count(key)))
		}
		c.Series = append(c.Series, s)
	}
	if n.columns.names == nil {
		add(v.T("manage_reports"), func(row string) int { return n.at(row, "") })
		return
	}
	for i, column := range n.columns.keys {
		if i == most && len(n.columns.keys) > most+1 {
			add(v.T("manage_others"), func(row string) (sum int) {
				for _, column := range n.columns.keys[most:] {
					sum += n.at(row, column)
				}
				return sum
			})
			return
		}
		add(n.columns.names[column], func(row string) int { return n.at(row, column) })
	}
}

func (n *cellsOf) table(v *page.Visit, f *filter) table {
	by := n.By[0]
	if n.turned {
		by = n.By[1]
	}
	t := table{Head: head(v, "by_"+string(by))}
	for _, key := range n.columns.keys {
		t.Head = append(t.Head, cell{Text: n.columns.names[key], Number: true})
	}
	t.Head = append(t.Head, cell{Text: v.T("manage_reports"), Number: true})
	line := func(first cell, count func(column string) int, all int) []cell {
		cells := []cell{first}
		for _, column := range n.columns.keys {
			cells = append(cells, number(v.N(count(column))))
		}
		return append(cells, number(v.N(all)))
	}
	for _, key := range n.rows.keys {
		first := plain(n.rows.names[key])
		if slices.Contains(narrowing, string(by)) && key != "" {
			first.Href = f.href("/manage/volumes", string(by), key, "by", "month")
		}
		t.Rows = append(t.Rows, line(first, func(column string) int { return n.at(key, column) }, n.rows.count[key]))
	}
	t.Foot = line(plain(v.T("manage_total")), func(column string) int { return n.columns.count[column] }, n.Total)
	return t
}

// volumesPage counts by one or two dimensions.
func volumesPage(v *page.Visit) error {
	f, err := filters(v)
	if err != nil {
		return err
	}
	by := []string{"category"}
	if x := v.Query("by"); slices.Contains(counted, x) {
		by[0] = x
	}
	if x := v.Query("and"); slices.Contains(counted, x) && x != by[0] {
		by = append(by, x)
	}
	p := &shown{Filter: f, More: [][]choice{dimensionChoices(v, by[0], false), dimensionChoices(v, strings.Join(by[1:], ""), true)}}
	if f.Wrong == nil {
		x, err := readVolumes(v, f, by...)
		if err != nil {
			return err
		}
		title := v.T("manage_reports_by", v.T("manage_by_"+by[0]))
		if len(by) > 1 {
			title = v.T("manage_reports_by_two", v.T("manage_by_"+by[0]), v.T("manage_by_"+by[1]))
		}
		p.Facts = []fact{{Label: v.T("manage_reports"), Value: v.N(x.Total)}}
		fig := x.figure(v, f, "volumes", title)
		fig.Wide, fig.Open = true, true
		p.Figures = []figure{fig}
	}
	return p.show(v, "figures", v.T("manage_volumes"))
}

func dimensionChoices(v *page.Visit, here string, none bool) []choice {
	var all []choice
	if none {
		all = append(all, choice{Text: v.T("manage_by_nothing"), Here: here == ""})
	}
	for _, d := range counted {
		all = append(all, choice{Value: d, Text: v.T("manage_by_" + d), Here: d == here})
	}
	return all
}
