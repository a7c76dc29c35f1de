package manage

import (
	"net/url"
	"slices"

	"github.com/balagh/balagh/web/page"
)

// figure is a chart with its table, and where to take it from.
type figure struct {
	ID, Title string
	Chart     *chart
	Map       *shaded
	Table     table
	Open      bool     // the table is shown at once
	Wide      bool     // it takes the whole row
	Notes     []string // what to know when reading it
	CSV, XLSX string   // addresses of the API; "" for none
	Breakdown []broken // the figure of each group
}

// Empty says that there is nothing to draw.
func (f figure) Empty() bool {
	return f.Chart != nil && !slices.ContainsFunc(f.Chart.Series, func(s series) bool {
		return slices.ContainsFunc(s.Values, func(x *float64) bool { return x != nil })
	})
}

// Rest is over how many columns the reason reaches why a row has no figures.
func (f figure) Rest() int { return len(f.Table.Head) - 1 }

// broken is a table by one dimension.
type broken struct {
	Title string
	Table table
}

func (b broken) Rest() int { return len(b.Table.Head) - 1 }

// from says which files of the API have the figure.
func (f figure) from(path string, q url.Values) figure {
	f.CSV, f.XLSX = path+".csv?"+q.Encode(), path+".xlsx?"+q.Encode()
	return f
}

// table is what a chart draws, to be read.
type table struct {
	Head []cell
	Rows [][]cell
	Foot []cell
}

// cell of a table.
type cell struct {
	Text   string
	Href   string
	Number bool   // stands at the end of its column
	Dir    string // in which it runs, whatever is around it: an interval, or a code
	Why    string
}

func head(v *page.Visit, keys ...string) []cell {
	all := make([]cell, len(keys))
	for i, k := range keys {
		all[i] = cell{Text: v.In(v.T("manage_" + k)), Number: i > 0}
	}
	return all
}

func plain(text string) cell  { return cell{Text: text} }
func number(text string) cell { return cell{Text: text, Number: true} }
func ranging(v *page.Visit, text string) cell {
	return cell{Text: text, Number: true, Dir: v.Run()}
}

// chart is what src/lib/chart.ts draws. Values are the API's: nothing is rounded.
type chart struct {
	Kind     string     `json:"kind"` // trend, bars, stack or columns
	Label    string     `json:"label"`
	Axis     string     `json:"axis,omitempty"`
	Names    []string   `json:"names"`
	Links    []string   `json:"links,omitempty"`
	Series   []series   `json:"series"`
	Low      []*float64 `json:"low,omitempty"`
	High     []*float64 `json:"high,omitempty"`
	Interval string     `json:"interval,omitempty"`
	N        []*float64 `json:"n,omitempty"`
	Percent  bool       `json:"percent,omitempty"`
	Whole    bool       `json:"whole,omitempty"`
	Marks    []noted    `json:"marks,omitempty"`
}

type series struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"`
	Colour string     `json:"colour,omitempty"`
}

// noted is something that happened at a place of the time axis.
type noted struct {
	At   int    `json:"at"`
	Text string `json:"text"`
}

// Timed says whether time runs through the chart, and so may run the other way.
func (c *chart) Timed() bool { return c.Kind == "trend" || c.Kind == "columns" }

func float[T int | int32 | int64](n T) *float64 { return new(float64(n)) }
