package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	changeRate    = 200 // a second
	changeTime    = 10 * time.Second
	changeClients = 16
	changePeople  = 200
	medianTarget  = 50 * time.Millisecond
	tailTarget    = 250 * time.Millisecond
	supervisor    = "supervisor@balagh.example"
)

// change is a report that a supervisor moves.
type change struct {
	report         string
	due            time.Time // by the pace
	sent, answered time.Time
}

// measureLatency moves reports at an exact pace, and compares the moment of each answer, which comes after the commit, with the
// moment when the message was at FCM. The stand-in notes that when its own latency is over, so that much is taken off.
func measureLatency(ctx context.Context, c *chain) ([]figure, error) {
	changes, err := c.assigned(ctx)
	if err != nil {
		return nil, err
	}
	token, err := c.admin.logIn(ctx, supervisor)
	if err != nil {
		return nil, err
	}
	if err := c.quiet(ctx); err != nil {
		return nil, err
	}
	offset, err := c.fcm.arrivals(0, func(arrived) {})
	if err != nil {
		return nil, err
	}
	used, err := c.balagh.processor()
	if err != nil {
		return nil, err
	}
	if err := move(ctx, c.balagh.address, token, changes); err != nil {
		return nil, err
	}
	after, err := c.balagh.processor()
	if err != nil {
		return nil, err
	}
	at, err := c.fcm.allArrived(ctx, offset, changes)
	if err != nil {
		return nil, err
	}
	return latencies(changes, at, after-used), nil
}

// assigned files reports, and has a supervisor assign each of them.
func (c *chain) assigned(ctx context.Context) ([]change, error) {
	changes := make([]change, changeRate*int(changeTime/time.Second))
	each := len(changes) / changePeople
	place := object{"latitude": 24.7, "longitude": 46.6, "accuracy_m": 12.5, "source": "gps"}
	report := object{"category": category, "description": description, "place": place, "language": "ar"}
	err := c.enrol(ctx, changePeople, 1, func(ctx context.Context, i int, citizen client) error {
		for n := range each {
			var made struct{ ID string }
			if err := citizen.call(ctx, "POST", "/v1/reports", report, &made); err != nil {
				return err
			}
			changes[n*changePeople+i].report = made.ID // those who follow each other are different people's
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := c.logIn(ctx); err != nil {
		return nil, err
	}
	err = c.admin.call(ctx, "POST", "/v1/admin/staff", object{"email": supervisor, "name": "Bench", "password": adminPassword,
		"role": "supervisor", "centres": []string{"*"}, "departments": []string{"*"}}, nil)
	if err != nil {
		return nil, err
	}
	desk := client{base: c.admin.base}
	if desk.token, err = desk.logIn(ctx, supervisor); err != nil {
		return nil, err
	}
	for _, x := range changes {
		if err := desk.call(ctx, "POST", "/v1/desk/reports/"+x.report+"/transitions", object{"to": "assigned"}, nil); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// quiet waits until FCM has got everything that was caused so far, and the server rests.
func (c *chain) quiet(ctx context.Context) error {
	for last := -1; ; {
		s, err := c.fcm.stats(ctx)
		if err != nil {
			return err
		}
		if s.Requests == last {
			return c.balagh.settle(ctx)
		}
		last = s.Requests
		if err := sleep(ctx, 2*time.Second); err != nil {
			return err
		}
	}
}

// move moves each report at its moment, whatever became of those before it.
func move(ctx context.Context, address, token string, changes []change) error {
	began := time.Now().Add(100 * time.Millisecond)
	errs := make([]error, changeClients)
	var wg sync.WaitGroup
	for i := range changeClients {
		wg.Go(func() {
			errs[i] = func() error {
				to, err := newRaw(address)
				if err != nil {
					return err
				}
				defer to.close()
				for n := i; n < len(changes); n += changeClients {
					x := &changes[n]
					x.due = began.Add(time.Duration(n) * time.Second / changeRate)
					if err := sleep(ctx, time.Until(x.due)); err != nil {
						return err
					}
					r := post("/v1/desk/reports/"+x.report+"/transitions", token, "application/json", []byte(`{"to":"in_progress"}`))
					r.fill()
					x.sent = time.Now()
					status, body, err := to.send(r)
					x.answered = time.Now()
					if err != nil {
						return err
					}
					if status >= 300 {
						return fmt.Errorf("move a report: %d %.300s", status, body)
					}
				}
				return nil
			}()
		})
	}
	wg.Wait()
	return cmp.Or(errs...)
}

// allArrived gives the moment when the message of each change was at FCM.
func (s *standin) allArrived(ctx context.Context, offset int64, changes []change) (map[string]time.Time, error) {
	at := map[string]time.Time{}
	for deadline := time.Now().Add(30 * time.Second); len(at) < len(changes) && time.Now().Before(deadline); {
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
		var err error
		offset, err = s.arrivals(offset, func(a arrived) {
			if id := a.Data["report_id"]; a.Data["kind"] == "in_progress" && at[id].IsZero() {
				at[id] = a.At.Add(-fcmLatency)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return at, nil
}

func latencies(changes []change, at map[string]time.Time, used time.Duration) []figure {
	var commit, whole, answer result
	late := 0
	for _, x := range changes {
		answer.times = append(answer.times, x.answered.Sub(x.sent))
		if x.sent.Sub(x.due) > 10*time.Millisecond {
			late++
		}
		if t, there := at[x.report]; there {
			commit.times = append(commit.times, max(0, t.Sub(x.answered)))
			whole.times = append(whole.times, t.Sub(x.sent))
		}
	}
	for _, r := range []*result{&commit, &whole, &answer} {
		slices.Sort(r.times)
	}
	first := slices.MinFunc(changes, func(a, b change) int { return a.sent.Compare(b.sent) })
	last := slices.MaxFunc(changes, func(a, b change) int { return a.answered.Compare(b.answered) })
	took := last.answered.Sub(first.sent)
	figureOf := func(what string, got, want time.Duration) figure {
		return figure{what, ms(got), "< " + strings.TrimSuffix(ms(want), ".0 ms") + " ms", atMost(got.Seconds(), want.Seconds())}
	}
	return []figure{
		told("changes", "%d, %.0f/s, %d more than 10 ms behind the pace; %.2f processors of the server", len(changes),
			float64(len(changes))/took.Seconds(), late, used.Seconds()/took.Seconds()),
		figureOf("answer to FCM, p50", commit.quantile(.5), medianTarget),
		figureOf("answer to FCM, p99", commit.quantile(.99), tailTarget),
		told("request to FCM, answer included", "p50 %s, p99 %s, most %s", ms(whole.quantile(.5)), ms(whole.quantile(.99)),
			ms(whole.quantile(1))),
		told("request to answer", "p50 %s, p99 %s", ms(answer.quantile(.5)), ms(answer.quantile(.99))),
		none("not arrived", len(changes)-len(at)),
	}
}
