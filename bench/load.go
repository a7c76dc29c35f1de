package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
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
	until    *atomic.Bool // ends it as well, when it is set
	each     func()       // told of each answer
	library  bool         // send with net/http
}

func (l limit) sender(address string) (sender, error) {
	if l.library {
		return newLibrary(address), nil
	}
	return newRaw(address)
}

// result is what the clients saw.
type result struct {
	took    time.Duration
	times   []time.Duration // of each request that was answered as it should be
	failed  int
	refusal string // the first answer that was not
	cost    cost
}

func (r *result) add(o result) {
	r.took += o.took
	r.times = append(r.times, o.times...)
	r.failed += o.failed
	r.cost.add(o.cost, 1)
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
		if l.until != nil && l.until.Load() {
			return false
		}
		return ctx.Err() == nil && (l.time == 0 || time.Since(began) < l.time)
	}
	results, errs := make([]result, clients), make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			if errs[i] = func() error {
				to, err := l.sender(address)
				if err != nil {
					return err
				}
				defer to.close()
				results[i], err = one(to, w.request(tokens[i%len(tokens)]), more, l.each)
				return err
			}(); errs[i] != nil {
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

func one(to sender, r *request, more func() bool, each func()) (result, error) {
	var got result
	for more() {
		r.fill()
		began := time.Now()
		status, body, err := to.send(r)
		if err != nil {
			return got, err
		}
		switch {
		case status < 300:
			got.times = append(got.times, time.Since(began))
		default:
			if got.failed++; got.refusal == "" {
				got.refusal = fmt.Sprintf("%d %.300s", status, body)
			}
		}
		if each != nil {
			each()
		}
	}
	return got, nil
}

// sender sends a request and waits for the whole answer. The body is valid until the next one is sent.
type sender interface {
	send(*request) (status int, body []byte, err error)
	close()
}

// answerTime is how long an answer may take before the run is given up.
const answerTime = 30 * time.Second

// raw sends the bytes as they are: hardly anything is left to the client, so the server gets nearly all of the machine.
type raw struct {
	conn   net.Conn
	in     *bufio.Reader
	answer fasthttp.Response
}

func newRaw(address string) (*raw, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &raw{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}, nil
}

func (c *raw) send(r *request) (int, []byte, error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return 0, nil, err
	}
	if _, err := c.conn.Write(r.raw); err != nil {
		return 0, nil, fmt.Errorf("send: %w", err)
	}
	if err := c.answer.Read(c.in); err != nil {
		return 0, nil, fmt.Errorf("read the answer: %w", err)
	}
	return c.answer.StatusCode(), c.answer.Body(), nil
}

func (c *raw) close() { _ = c.conn.Close() }

// library sends with net/http, as the program did that measured the other systems in docs/performance.md. It takes a good
// part of the machine itself, from both sides alike.
type library struct {
	base   string
	client http.Client
}

func newLibrary(address string) *library {
	return &library{"http://" + address, http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: answerTime}}
}

func (c *library) send(r *request) (int, []byte, error) {
	template, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r.raw[:r.body])))
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequest(template.Method, c.base+template.RequestURI, bytes.NewReader(r.raw[r.body:]))
	if err != nil {
		return 0, nil, err
	}
	req.Header = template.Header
	res, err := c.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

func (c *library) close() { c.client.CloseIdleConnections() }
