package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// limit ends a drive after a time or a number of requests, whichever is set.
type limit struct {
	time     time.Duration
	requests int
	each     func() // told of each answer
}

// result is what the clients saw.
type result struct {
	took    time.Duration
	times   []time.Duration // of each request that was answered as it should be
	failed  int
	refusal string // the first answer that was not
}

func (r *result) add(o result) {
	r.took += o.took
	r.times = append(r.times, o.times...)
	r.failed += o.failed
	if r.refusal == "" {
		r.refusal = o.refusal
	}
	slices.Sort(r.times)
}

// rate is in requests a second.
func (r *result) rate() float64 {
	if r.took == 0 {
		return 0
	}
	return float64(len(r.times)) / r.took.Seconds()
}

// quantile is the time that the share q of the requests did not exceed. The times are sorted.
func (r *result) quantile(q float64) time.Duration {
	if len(r.times) == 0 {
		return 0
	}
	return r.times[int(q*float64(len(r.times)-1))]
}

// drive lets clients do a work, each on one connection that stays open, the next request after the answer.
//
// It shares the processors with what it measures, so a request is bytes made beforehand with a few places to fill, and an
// answer is read and not looked into.
func drive(ctx context.Context, address string, w work, tokens []string, clients int, l limit) (result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var left atomic.Int64
	left.Store(int64(l.requests))
	began := time.Now()
	more := func() bool {
		if l.requests > 0 && left.Add(-1) < 0 {
			return false
		}
		return ctx.Err() == nil && (l.time == 0 || time.Since(began) < l.time)
	}
	results, errs := make([]result, clients), make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			results[i], errs[i] = one(address, w.request(tokens[i%len(tokens)]), more, l.each)
			if errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	var all result
	for i := range results {
		if errs[i] != nil {
			return result{}, errs[i]
		}
		all.add(result{times: results[i].times, failed: results[i].failed, refusal: results[i].refusal})
	}
	all.took = time.Since(began)
	return all, context.Cause(ctx)
}

func one(address string, r *request, more func() bool, each func()) (result, error) {
	var got result
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return got, err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 16<<10)
	var answer fasthttp.Response
	for more() {
		r.fill()
		began := time.Now()
		if err := conn.SetDeadline(began.Add(30 * time.Second)); err != nil {
			return got, err
		}
		if _, err := conn.Write(r.raw); err != nil {
			return got, fmt.Errorf("send: %w", err)
		}
		if err := answer.Read(in); err != nil {
			return got, fmt.Errorf("read the answer: %w", err)
		}
		switch status := answer.StatusCode(); {
		case status < 300:
			got.times = append(got.times, time.Since(began))
		default:
			if got.failed++; got.refusal == "" {
				got.refusal = fmt.Sprintf("%d %.300s", status, answer.Body())
			}
		}
		if each != nil {
			each()
		}
	}
	return got, nil
}
