// Package scenario loads the figures of a published account into an empty installation, as if the years that it tells of had
// been worked through: people, reports with their whole way, the facts that they cause, and a round of a questionnaire.
//
// Everything goes through the services of the domains, which check, number and route it as they do for a phone, each with a clock
// that stands at the moment of the account; nothing is written past them. What the accounts do not tell (names, texts, days, the
// spread over regions and ways of contact) is made up, from a fixed seed. Nobody is told of history: push is not among those who
// take the facts. The package must not know a store, nor how services are wired; what it loaded it reads back over HTTP.
package scenario

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/demo"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/surveys"
)

// Installation is what an account is loaded through. Nothing else may use it meanwhile.
type Installation struct {
	Accounts   *accounts.Service
	Store      reports.Store
	Zone       *time.Location
	Outbox     event.Outbox
	Consumers  []event.Consumer // of the facts
	Programmes *surveys.Programmes
	Log        *slog.Logger
	Out        io.Writer // shows how far it is
}

// Scenario is a published account and how it is made.
type Scenario struct {
	Name    string
	Title   string
	From    time.Time // the first day
	To      time.Time // the day after the last
	Figures []Figure

	org     demo.Organisation
	people  []person
	reports []planned // in the order of their moments
	round   *round    // nil for none
}

// Names of the scenarios.
var Names = []string{"1933", "reception"}

// seed of everything that is made up: the same each time.
const seed = 1933

// New plans a scenario. The figures are divided by factor, for tests; 1 is the published account.
func New(name string, factor int) (*Scenario, error) {
	part := func(n int) int { return max(1, n/factor) }
	r := rand.New(rand.NewPCG(seed, uint64(len(name))))
	switch name {
	case "1933":
		return unified(part, r), nil
	case "reception":
		return reception(part, r), nil
	}
	return nil, fmt.Errorf("--scenario: there is no account named %q; choose one of %s", name, strings.Join(Names, ", "))
}

// person is somebody who reports.
type person struct {
	accounts.Caller
	company bool // speaks for a company or establishment
}

// planned is a report that will be filed.
type planned struct {
	at       time.Time
	person   int // of Scenario.people
	company  bool
	category string
	centre   string
	given    bool // the centre is said by the clerk; otherwise the place says it
	channel  reports.Channel
	end      reports.Status
}

// inOrder sorts by the moment; what the generator drew stays beside it.
func inOrder(all []planned) {
	slices.SortStableFunc(all, func(a, b planned) int { return a.at.Compare(b.at) })
}

// moment is one within [from, to), in working hours for most.
func moment(r *rand.Rand, from, to time.Time) time.Time {
	days := int(to.Sub(from) / (24 * time.Hour))
	day := from.AddDate(0, 0, r.IntN(days))
	hour := 7 + r.IntN(10)
	if r.IntN(4) == 0 { // round the clock
		hour = r.IntN(24)
	}
	return day.Add(time.Duration(hour)*time.Hour + time.Duration(r.IntN(3_600_000))*time.Millisecond)
}

// weighted draws one of the keys, each as often as its weight says.
type weighted[K any] struct {
	keys []K
	sums []int
}

func (w *weighted[K]) add(k K, weight int) {
	sum := weight
	if n := len(w.sums); n > 0 {
		sum += w.sums[n-1]
	}
	w.keys, w.sums = append(w.keys, k), append(w.sums, sum)
}

func (w *weighted[K]) draw(r *rand.Rand) K {
	n := r.IntN(w.sums[len(w.sums)-1])
	i, _ := slices.BinarySearch(w.sums, n+1)
	return w.keys[i]
}

// ends are how reports end: all of them do, for an account tells of what is over.
func ends() *weighted[reports.Status] {
	w := &weighted[reports.Status]{}
	w.add(reports.Closed, 88)
	w.add(reports.Rejected, 8)
	w.add(reports.Withdrawn, 4)
	return w
}
