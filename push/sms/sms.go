// Package sms sends text messages through an HTTP gateway that configuration describes: so far the one-time codes.
//
// The package keeps nothing, and no number or text appears in its errors.
package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	attempts  = 3
	firstWait = 500 * time.Millisecond // full jitter, doubled
	timeout   = 10 * time.Second       // of one attempt
	maxAnswer = 64 << 10
)

// Config of a gateway.
type Config struct {
	URL     string
	Token   string            // sent as "Authorization: Bearer …" when not empty
	Headers map[string]string // further ones
	Body    string            // JSON in which the strings {to} and {text} stand for the number and the text
}

// Gateway sends through an HTTP gateway.
type Gateway struct {
	url    string
	header http.Header
	body   any
	client *http.Client
	wait   func(ctx context.Context, d time.Duration) error
}

// New is a gateway. One that is half configured is refused with a sentence that names the setting.
func New(c Config) (*Gateway, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the SMS gateway's URL must be an https or http address")
	}
	g := &Gateway{url: c.URL, header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}, wait: pause}
	if err := json.Unmarshal([]byte(c.Body), &g.body); err != nil {
		return nil, fmt.Errorf("the SMS gateway's body is not JSON: %w", err)
	}
	for _, v := range []string{"{to}", "{text}"} {
		if !contains(g.body, v) {
			return nil, fmt.Errorf("the SMS gateway's body has no %s in it", v)
		}
	}
	for k, v := range c.Headers {
		g.header.Set(k, v)
	}
	if c.Token != "" {
		g.header.Set("Authorization", "Bearer "+c.Token)
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	g.client = &http.Client{Timeout: timeout, Transport: t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return g, nil
}

// SendCode sends a one-time code to a number in E.164, in the language.
func (g *Gateway) SendCode(ctx context.Context, phone, language, code string) error {
	return g.Send(ctx, phone, CodeText(language, code))
}

// Send sends a text to a number in E.164. What is out of reach or answers 5xx is tried three times in all.
func (g *Gateway) Send(ctx context.Context, phone, text string) error {
	to, err := Number(phone)
	if err != nil {
		return err
	}
	body, err := json.Marshal(fill(g.body, strings.NewReplacer("{to}", to, "{text}", text)))
	if err != nil {
		return fmt.Errorf("write the SMS: %w", err)
	}
	for try := 1; ; try++ {
		again, err := g.post(ctx, body)
		if err == nil || !again || try == attempts {
			return err
		}
		if err := g.wait(ctx, rand.N(firstWait<<try)); err != nil {
			return fmt.Errorf("send the SMS: %w", err)
		}
	}
}

func (g *Gateway) post(ctx context.Context, body []byte) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("send the SMS: the gateway's URL cannot be used")
	}
	r.Header = g.header.Clone()
	resp, err := g.client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return false, fmt.Errorf("send the SMS: %w", ctx.Err())
		}
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, which may hold a key
		}
		return true, fmt.Errorf("reach the SMS gateway: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // so that the connection can be used again
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return false, nil
	}
	return resp.StatusCode >= 500, fmt.Errorf("the SMS gateway answered %d", resp.StatusCode)
}

// Number is a number as gateways want it: digits only, such as 966512345678 for +966512345678 or 00966512345678.
func Number(phone string) (string, error) {
	n, international := strings.CutPrefix(phone, "+")
	if !international {
		n, international = strings.CutPrefix(phone, "00")
	}
	if !international || len(n) < 7 || len(n) > 15 || n[0] == '0' || strings.Trim(n, "0123456789") != "" {
		return "", errors.New("send the SMS: the number is not international")
	}
	return n, nil
}

// fill replaces in every string of a JSON value.
func fill(v any, r *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return r.Replace(v)
	case []any:
		filled := make([]any, len(v))
		for i := range v {
			filled[i] = fill(v[i], r)
		}
		return filled
	case map[string]any:
		filled := make(map[string]any, len(v))
		for k := range v {
			filled[k] = fill(v[k], r)
		}
		return filled
	}
	return v
}

// contains reports whether a string of a JSON value contains s.
func contains(v any, s string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, s)
	case []any:
		for _, w := range v {
			if contains(w, s) {
				return true
			}
		}
	case map[string]any:
		for _, w := range v {
			if contains(w, s) {
				return true
			}
		}
	}
	return false
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
