package main

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// cost is what a turn took of the machine: where a target is missed, it tells whether processor or disk is the reason.
type cost struct {
	processor time.Duration
	writes    float64 // that were committed
	commits   float64
	disk      float64 // seconds in commits
}

func (c *cost) add(o cost, sign float64) {
	c.processor += time.Duration(sign) * o.processor
	c.writes += sign * o.writes
	c.commits += sign * o.commits
	c.disk += sign * o.disk
}

// cost is what the process has used since its start. The bare handler has no commits.
func (p *process) cost() (cost, error) {
	used, err := p.processor()
	if err != nil {
		return cost{}, err
	}
	c := cost{processor: used}
	r, err := http.Get("http://" + p.address + "/metrics")
	if err != nil {
		return cost{}, err
	}
	defer r.Body.Close()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		for metric, into := range map[string]*float64{"balagh_commit_writes_sum": &c.writes, "balagh_commit_writes_count": &c.commits,
			"balagh_commit_seconds_sum": &c.disk} {
			if name == metric {
				if *into, err = strconv.ParseFloat(value, 64); err != nil {
					return cost{}, fmt.Errorf("read %s: %w", metric, err)
				}
			}
		}
	}
	return c, nil
}

// String says it for one request on average.
func (r *result) String() string {
	n := float64(max(1, len(r.times)))
	s := fmt.Sprintf("%.2f processors, %.0f µs of them a request", r.cost.processor.Seconds()/max(r.took.Seconds(), 1e-9),
		float64(r.cost.processor.Microseconds())/n)
	if r.cost.commits > 0 {
		s += fmt.Sprintf(", %.1f writes a commit, %.1f ms a commit, in commits %.0f %% of the time", r.cost.writes/r.cost.commits,
			1000*r.cost.disk/r.cost.commits, 100*r.cost.disk/r.took.Seconds())
	}
	return s
}
