package push

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// maxDays of a period of figures.
const maxDays = 366

// DeliveryQuery of figures.
type DeliveryQuery struct {
	From, Through string // first and last local day, as 2026-11-01; both needed, at most 366 days
	Centre        string // empty: every one of the asker's
	Channel       string // empty: every one
}

// CountFilter is a DeliveryQuery as a LedgerStore takes it.
type CountFilter struct {
	From, Through string
	Centres       []string
	Channel       string
}

// DeliveryCount is how many deliveries came to an outcome within a class of delays.
type DeliveryCount struct {
	Channel string
	Outcome State
	Reason  string
	Bucket  int
	N       int64
}

// DeliveryFigures say what became of the deliveries that could go in a period of days.
//
// A delivery belongs to the local day on which it could go first, so the figures of a day change as long as something comes of its
// deliveries. Each delivery that has ended counts once, as accepted, failed, expired or suppressed: together they are what ended.
// Of those accepted some are delivered, and of those delivered some are read: who read counts as delivered and accepted as well,
// also when the app fetched the message before the channel had it. One that a gateway took and later could not deliver counts as
// failed alone, and one that staff try again counts only as what becomes of it then.
type DeliveryFigures struct {
	From, Through string
	Rows          []DeliveryRow // by channel, outcome in the order of States, and reason
	Delays        []DelayRow    // by channel, accepted before delivered
	Unreached     int           // messages given up in the period, through whatever channels, that have reached nobody yet
	Spent         int64         // on SMS in the period, with one-time codes where no centre is named; millionths of the currency
}

// DeliveryRow is how many deliveries came to an outcome for a reason.
type DeliveryRow struct {
	Channel string
	Outcome State
	Reason  string // from a closed set; empty where there is nothing to explain
	N       int64
	Share   float64 // of the deliveries of this channel that ended, 0 to 1
}

// DelayRow is how long after they could go first the deliveries of a channel were accepted or delivered. A quantile is the upper end
// of the class of DelayBuckets that it lies in (nearest rank), and 0 when that is above them all: more than a day.
type DelayRow struct {
	Channel       string
	Outcome       State // Accepted or Delivered
	N             int64
	P50, P90, P99 time.Duration
}

// DeliveryFigures adds up what became of deliveries, for managers and administrators within their centres. Errors:
// fault.Forbidden, fault.Invalid.
func (s *Service) DeliveryFigures(ctx context.Context, a actor.Actor, q DeliveryQuery) (DeliveryFigures, error) {
	if err := staff(a, actor.Manager, actor.Admin); err != nil {
		return DeliveryFigures{}, err
	}
	var bad fault.Fields
	from, to := s.day(&bad, "from", q.From), s.day(&bad, "to", q.Through).AddDate(0, 0, 1)
	if len(bad) == 0 && !from.Before(to) {
		bad.Add("to", fault.Contradicted)
	} else if len(bad) == 0 && from.AddDate(0, 0, maxDays).Before(to) {
		bad.Add("to", fault.OutOfRange)
	}
	if q.Channel != "" && !slices.Contains(Channels, q.Channel) {
		bad.Add("channel", fault.Unknown)
	}
	if err := bad.Err(); err != nil {
		return DeliveryFigures{}, err
	}
	f := CountFilter{From: q.From, Through: q.Through, Centres: centresOf(a, q.Centre), Channel: q.Channel}
	counts, err := s.Store.CountDeliveries(ctx, f)
	if err != nil {
		return DeliveryFigures{}, fmt.Errorf("count deliveries: %w", err)
	}
	figures := figuresOf(counts)
	figures.From, figures.Through = q.From, q.Through
	if figures.Unreached, err = s.Store.CountUnreached(ctx, f.Centres, from, to); err != nil {
		return DeliveryFigures{}, fmt.Errorf("count who was not reached: %w", err)
	}
	if q.Channel == "" || q.Channel == ChannelSMS {
		spent, err := s.Store.Spent(ctx, q.From, q.Through)
		if err != nil {
			return DeliveryFigures{}, fmt.Errorf("add up what was spent: %w", err)
		}
		figures.Spent = spent[TotalScope]
		if f.Centres != nil {
			figures.Spent = 0
			for _, c := range f.Centres {
				figures.Spent += spent[c]
			}
		}
	}
	return figures, nil
}

func (s *Service) day(bad *fault.Fields, path, day string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, day, s.Zone)
	switch {
	case day == "":
		bad.Add(path, fault.Required)
	case err != nil || t.Year() <= 1970:
		bad.Add(path, fault.WrongFormat)
	}
	return t
}

func figuresOf(counts []DeliveryCount) DeliveryFigures {
	type row struct {
		channel string
		outcome State
		reason  string
	}
	rows, ended := map[row]int64{}, map[string]int64{}
	delays := map[row][]int64{} // without reason: by class
	for _, c := range counts {
		rows[row{c.Channel, c.Outcome, c.Reason}] += c.N
		switch c.Outcome {
		case Accepted, Failed, Expired, Suppressed:
			ended[c.Channel] += c.N
		}
		if k := (row{channel: c.Channel, outcome: c.Outcome}); c.Outcome == Accepted || c.Outcome == Delivered {
			if delays[k] == nil {
				delays[k] = make([]int64, len(DelayBuckets)+1)
			}
			delays[k][min(max(c.Bucket, 0), len(DelayBuckets))] += c.N
		}
	}
	f := DeliveryFigures{Rows: []DeliveryRow{}, Delays: []DelayRow{}}
	for k, n := range rows {
		if n == 0 {
			continue // all of them were tried again
		}
		r := DeliveryRow{Channel: k.channel, Outcome: k.outcome, Reason: k.reason, N: n}
		if ended[k.channel] > 0 {
			r.Share = float64(n) / float64(ended[k.channel])
		}
		f.Rows = append(f.Rows, r)
	}
	slices.SortFunc(f.Rows, func(a, b DeliveryRow) int {
		return cmp.Or(byChannel(a.Channel, b.Channel), byState(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason))
	})
	for k, classes := range delays {
		d := DelayRow{Channel: k.channel, Outcome: k.outcome, P50: quantile(classes, 50), P90: quantile(classes, 90), P99: quantile(classes, 99)}
		for _, n := range classes {
			d.N += n
		}
		if d.N > 0 {
			f.Delays = append(f.Delays, d)
		}
	}
	slices.SortFunc(f.Delays, func(a, b DelayRow) int {
		return cmp.Or(byChannel(a.Channel, b.Channel), byState(a.Outcome, b.Outcome))
	})
	return f
}

func byChannel(a, b string) int { return slices.Index(Channels, a) - slices.Index(Channels, b) }
func byState(a, b State) int    { return slices.Index(States, a) - slices.Index(States, b) }

// quantile of so many percent, by nearest rank: the upper end of the class in which the ⌈percent/100 × n⌉-th smallest lies.
func quantile(classes []int64, percent int64) time.Duration {
	var n int64
	for _, k := range classes {
		n += k
	}
	rank := (n*percent + 99) / 100
	for i, end := range DelayBuckets {
		if rank -= classes[i]; rank <= 0 {
			return end
		}
	}
	return 0
}
