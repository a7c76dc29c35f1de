package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	attempts     = 8
	longestPause = 10 * time.Second // a server that asks for more than this is not waited for
)

// Problem is how the API says that something is wrong (RFC 9457).
type Problem struct {
	Operation string `json:"-"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Title     string `json:"title"`
	Fields    []struct {
		Path   string `json:"path"`
		Reason string `json:"reason"`
	} `json:"fields"`
}

// Error names the operation, the status, the code and the fields, and nothing of what was sent.
func (p *Problem) Error() string {
	s := fmt.Sprintf("%s: %d %s", p.Operation, p.Status, p.Code)
	for _, f := range p.Fields {
		s += " " + f.Path + ":" + f.Reason
	}
	return s
}

// is reports whether err is a Problem with one of the codes.
func is(err error, codes ...string) bool {
	var p *Problem
	if !errors.As(err, &p) {
		return false
	}
	for _, c := range codes {
		if p.Code == c {
			return true
		}
	}
	return false
}

// lostRace reports whether somebody else was faster, which only means to look again.
func lostRace(err error) bool {
	return is(err, "precondition_failed", "transition_not_allowed", "conflict", "not_found")
}

// client is one phone or one desk: it speaks HTTP, with a token once it has signed in.
type client struct {
	http     *http.Client
	base     string // without a slash at its end
	language string
	token    string
}

// transport keeps a connection for everybody who plays at once.
func transport() *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 128, IdleConnTimeout: time.Minute, DisableCompression: true}}
}

// call is one request. Operation is its name in the contract.
type call struct {
	operation   string
	method      string
	path        string
	query       url.Values
	body        any    // sent as JSON
	raw         []byte // or these bytes
	contentType string // of raw
	key         string // Idempotency-Key; a fresh one with POST when empty
	plain       bool   // a POST without a key
	match       string // If-Match
	noneMatch   string // If-None-Match
}

// answer is what is left of a response when its body was read.
type answer struct {
	status int
	etag   string
}

// do sends a request until it is answered for good: one that is still being worked on, an overloaded server and a broken
// connection are tried again with the same key. out may be nil.
func (c *client) do(ctx context.Context, r call, out any) (answer, error) {
	if r.body != nil {
		var err error
		if r.raw, err = json.Marshal(r.body); err != nil {
			return answer{}, err
		}
		r.contentType = "application/json"
	}
	if r.method == http.MethodPost && r.key == "" && !r.plain {
		r.key = uuid.NewString()
	}
	for try := 1; ; try++ {
		a, wait, err := c.once(ctx, r, out)
		if err == nil || wait < 0 || try == attempts {
			return a, err
		}
		if !pause(ctx, max(wait, time.Duration(try)*50*time.Millisecond)) {
			return a, ctx.Err()
		}
	}
}

// once sends a request once. A pause below zero means that it is of no use to try again.
func (c *client) once(ctx context.Context, r call, out any) (a answer, wait time.Duration, err error) {
	req, err := c.request(ctx, r)
	if err != nil {
		return a, -1, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil || r.plain {
			return a, -1, fmt.Errorf("%s: %w", r.operation, errors.Join(ctx.Err(), errors.Unwrap(err)))
		}
		return a, 0, fmt.Errorf("%s: the connection broke: %w", r.operation, errors.Unwrap(err)) // without the address, which names the person
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return a, 0, fmt.Errorf("%s: the answer broke off: %w", r.operation, err)
	}
	a = answer{status: res.StatusCode, etag: res.Header.Get("ETag")}
	if res.StatusCode >= 400 {
		p := &Problem{Operation: r.operation, Status: res.StatusCode}
		if err := json.Unmarshal(b, p); err != nil || p.Code == "" {
			p.Code = "not_a_problem_document"
		}
		return a, tryAgain(p, res.Header.Get("Retry-After")), p
	}
	if out == nil || len(b) == 0 {
		return a, -1, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return a, -1, fmt.Errorf("%s: the answer is not what the contract says: %w", r.operation, err)
	}
	return a, -1, nil
}

func (c *client) request(ctx context.Context, r call) (*http.Request, error) {
	address := c.base + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.raw))
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"Content-Type": r.contentType, "Accept-Language": c.language, "Idempotency-Key": r.key,
		"If-Match": r.match, "If-None-Match": r.noneMatch, "X-App-Version": appVersion} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

// tryAgain is how long to wait before a refused request is sent again, below zero when it is not.
func tryAgain(p *Problem, retryAfter string) time.Duration {
	if p.Code != "request_in_flight" && p.Status != http.StatusTooManyRequests && p.Status != http.StatusServiceUnavailable {
		return -1
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(retryAfter))
	if err != nil || seconds < 0 {
		return 0
	}
	if d := time.Duration(seconds) * time.Second; d <= longestPause {
		return d
	}
	return -1
}

func (c *client) get(ctx context.Context, operation, path string, query url.Values, out any) (answer, error) {
	return c.do(ctx, call{operation: operation, method: http.MethodGet, path: path, query: query}, out)
}

func (c *client) put(ctx context.Context, operation, path string, body, out any) error {
	_, err := c.do(ctx, call{operation: operation, method: http.MethodPut, path: path, body: body}, out)
	return err
}

func (c *client) post(ctx context.Context, operation, path string, body, out any) error {
	_, err := c.do(ctx, call{operation: operation, method: http.MethodPost, path: path, body: body}, out)
	return err
}

// signIn exchanges what proves who it is for a token. A code is good once, so it is sent once.
func (c *client) signIn(ctx context.Context, proof map[string]string) error {
	var t struct {
		AccessToken string `json:"access_token"`
	}
	_, err := c.do(ctx, call{operation: "createToken", method: http.MethodPost, path: "/v1/auth/token", body: proof, plain: true}, &t)
	c.token = t.AccessToken
	return err
}

func (c *client) signInAsStaff(ctx context.Context, email, password string) error {
	return c.signIn(ctx, map[string]string{"grant_type": "password", "email": email, "password": password})
}

// pause waits; it is false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

const appVersion = "1.4.0"
