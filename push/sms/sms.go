// Package sms sends text messages, notices and one-time codes alike: through an HTTP gateway that a profile describes (Gateway),
// to an SMS centre over SMPP 3.4 (SMPP), or in development nowhere (Dev).
//
// One Send is exactly one attempt: when and how often to try again is push.Sender's. Only codes, which nobody else tries again,
// are tried up to three times. The package keeps nothing and knows no people; no number, text, key or word of a gateway appears in
// its errors, reasons and logs.
//
// # Ready profiles
//
// "unifonic" (NextGen REST API, docs.unifonic.com) and "taqnyat" (v1, github.com/taqnyat/OpenAPI) are written after the public
// documentation of these gateways; "generic" posts {"to","text"} with a bearer token, and any 2xx is success. Each can be copied
// to a file and changed: Profile says what may be in it.
//
// # Gateways that cannot sign
//
// A status call-back is believed only with a signature that Gateway.Receipt describes. Neither Unifonic nor Taqnyat signs its
// own, and Taqnyat wants a pass phrase as the answer, so the operator puts a small reverse proxy before them: it lets in only what
// the gateway is known by (its addresses, or a secret in the URL that was registered with it), passes the body on unchanged with
// the signature header added, or for Taqnyat as {"id": …, "status": "delivered" or "failed"}, and answers the gateway what it
// wants to hear. A call that is answered 404 or 5xx is to be sent again later, signed anew.
package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/balagh/balagh/push"
)

const (
	codeAttempts = 3
	firstWait    = 500 * time.Millisecond // full jitter, doubled
	maxAnswer    = 64 << 10               // bytes; the rest of an answer is not read
	leastSecret  = 16
)

// Config of a gateway.
type Config struct {
	Profile string // generic when empty, unifonic, taqnyat, or the path of a JSON file
	URL     string // instead of the profile's
	Key     string // {key} in the profile
	Sender  string // {sender} in the profile: the name that the gateway knows
	Body    string // generic only: JSON in which {to} and {text} stand for the number and the text
	// CallbackSecret signs status call-backs. Without it none is believed.
	CallbackSecret string
	Timeout        time.Duration // of one attempt; 10 seconds when 0
	Workers        int           // requests at once that connections are kept open for; 16 when 0
	Dev            bool          // development mode: the URL may be http
}

// Gateway sends through an HTTP gateway. It is a push.Channel.
type Gateway struct {
	profile *Profile
	url     string
	key     string
	sender  string
	secret  []byte
	body    any // of JSON
	client  *http.Client
	now     func() time.Time
	wait    func(ctx context.Context, d time.Duration) error
}

var _ push.Channel = (*Gateway)(nil)

// New is a gateway. One that is half or wrongly configured is refused with a sentence that names the setting.
func New(c Config) (*Gateway, error) {
	if c.Profile == "" {
		c.Profile = "generic"
	}
	p, err := loadProfile(c.Profile)
	if err != nil {
		return nil, err
	}
	if c.Body != "" {
		if c.Profile != "generic" {
			return nil, errors.New("BALAGH_SMS_BODY goes with the SMS profile generic only: the others have their own")
		}
		p.JSON = json.RawMessage(c.Body)
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("BALAGH_SMS_BODY: %w", err)
		}
	}
	if c.URL != "" {
		p.URL = c.URL
	}
	if err := c.check(p); err != nil {
		return nil, err
	}
	g := &Gateway{profile: p, url: p.URL, key: c.Key, sender: c.Sender, secret: []byte(c.CallbackSecret), now: time.Now, wait: pause}
	if p.JSON != nil {
		g.body, _ = decode(p.JSON)
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	if c.Workers > 0 {
		t.MaxIdleConnsPerHost = c.Workers
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	g.client = &http.Client{Timeout: c.Timeout, Transport: t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return g, nil
}

func (c *Config) check(p *Profile) error {
	u, err := url.Parse(p.URL)
	switch {
	case p.URL == "":
		return fmt.Errorf("BALAGH_SMS_URL is not set: the SMS profile %s says no address of its own", p.Name)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the SMS gateway's URL (BALAGH_SMS_URL) must be an https address")
	case u.Scheme != "https" && !c.Dev:
		return errors.New("the SMS gateway's URL (BALAGH_SMS_URL) must be https: numbers, texts and the key would travel in the clear")
	case c.Key == "" && !p.Keyless && p.uses("{key}", "{token}"):
		return fmt.Errorf("BALAGH_SMS_KEY is not set: the SMS profile %s needs it", p.Name)
	case strings.ContainsFunc(c.Key+c.Sender, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("BALAGH_SMS_KEY and BALAGH_SMS_SENDER must be one line")
	case c.Sender == "" && p.uses("{sender}"):
		return fmt.Errorf("BALAGH_SMS_SENDER is not set: the SMS profile %s needs the name that the gateway has registered", p.Name)
	case c.CallbackSecret != "" && p.Callback == nil:
		return fmt.Errorf("BALAGH_SMS_CALLBACK_SECRET is set, but the SMS profile %s has no callback", p.Name)
	case c.CallbackSecret != "" && len(c.CallbackSecret) < leastSecret:
		return fmt.Errorf("BALAGH_SMS_CALLBACK_SECRET must have at least %d characters", leastSecret)
	}
	return nil
}

// Send makes one attempt: the notice's body goes to its number, in E.164.
func (g *Gateway) Send(ctx context.Context, n push.Notice) push.Outcome {
	to, err := Number(n.To)
	if err != nil {
		return push.Outcome{Answer: push.Refused, Reason: reasonNumber}
	}
	if n.Text.Body == "" {
		return push.Outcome{Answer: push.Refused, Reason: reasonText}
	}
	r, err := g.request(ctx, to, n.Text.Body, n.Delivery)
	if err != nil {
		return push.Outcome{Answer: push.Refused, Reason: reasonRefused} // cannot be written, and never will
	}
	resp, err := g.client.Do(r)
	if err != nil {
		return unreached(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return unreached(err)
	}
	return g.profile.outcome(resp.StatusCode, resp.Header, body, g.now())
}

// request is the profile's, filled in. What a person may have typed cannot change its shape.
func (g *Gateway) request(ctx context.Context, to, text, id string) (*http.Request, error) {
	fill := strings.NewReplacer("{to}", to, "{text}", text, "{sender}", g.sender, "{key}", g.key, "{token}", g.key, "{id}", id)
	address, kind := g.url, "application/json"
	var body []byte
	if g.profile.Form != nil {
		form := url.Values{}
		for k, v := range g.profile.Form {
			if v = fill.Replace(v); v != "" { // a code has no delivery, and an empty name is none
				form.Set(k, v)
			}
		}
		body, kind = []byte(form.Encode()), "application/x-www-form-urlencoded"
	} else {
		var err error
		if body, err = json.Marshal(filled(g.body, fill)); err != nil {
			return nil, err
		}
	}
	if g.profile.Method == http.MethodGet {
		separator := "?"
		if strings.Contains(address, "?") {
			separator = "&"
		}
		address, body = address+separator+string(body), nil
	}
	r, err := http.NewRequestWithContext(ctx, g.profile.Method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", kind)
	}
	for k, v := range g.profile.Headers {
		if g.key == "" && (strings.Contains(v, "{key}") || strings.Contains(v, "{token}")) {
			continue
		}
		r.Header.Set(k, fill.Replace(v))
	}
	return r, nil
}

// filled replaces in every text of a JSON value.
func filled(v any, r *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return r.Replace(v)
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = filled(v[i], r)
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(v))
		for k := range v {
			all[k] = filled(v[k], r)
		}
		return all
	}
	return v
}

// unreached is the outcome of an attempt that had no answer. The error, which may hold a key in a URL, goes no further.
func unreached(err error) push.Outcome {
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return push.Outcome{Reason: reasonTimeout}
	}
	return push.Outcome{Reason: reasonUnreachable}
}

// SendCode sends a one-time code to a number in E.164, in the language, in up to three attempts.
func (g *Gateway) SendCode(ctx context.Context, phone, language, code string) error {
	return sendCode(ctx, g, g.wait, phone, language, code)
}

// sendCode is SendCode of any channel. Nobody else tries a code again, and nobody waits long for one.
func sendCode(ctx context.Context, c push.Channel, wait func(context.Context, time.Duration) error, phone, language, code string) error {
	n := push.Notice{To: phone, Language: language, Text: push.Text{Body: CodeText(language, code)}, Urgent: true}
	for try := 1; ; try++ {
		o := c.Send(ctx, n)
		if o.Answer == push.Taken {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("send the code by SMS: %w", err)
		}
		if o.Answer != push.Later || o.Reason == reasonCredentials || try == codeAttempts {
			return fmt.Errorf("send the code by SMS: %s", o.Reason)
		}
		if err := wait(ctx, rand.N(firstWait<<try)); err != nil {
			return fmt.Errorf("send the code by SMS: %w", err)
		}
	}
}

// Number is a number as gateways want it: digits only, such as 966512345678 for +966512345678 or 00966512345678. What is not
// international is refused.
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
