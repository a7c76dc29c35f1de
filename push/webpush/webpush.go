// Package webpush sends notices to browsers by Web Push (RFC 8030, 8188, 8291, 8292) with webpush-go. It is the only importer
// of it.
//
// A browser names the end point itself, so whoever registers one could make the server call where it should not: an end
// point must belong to a push service that is known, and no connection is made to an address that is not public. One Send
// is at most one request: when and how often to try again is the Sender's. The package knows no people and no store.
package webpush

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	library "github.com/SherClockHolmes/webpush-go"

	"github.com/balagh/balagh/push"
)

const (
	maxPlain = 4096 - 86 - 1 - 16       // bytes: one record without its header, the end of the text, and the tag
	maxTTL   = 28 * 24 * time.Hour      // FCM refuses more
	label    = "balagh web push vapid " // and a number
)

// Config of the client. New says what is wrong with it by the name of the setting.
type Config struct {
	Subject    string        // BALAGH_WEB_PUSH_SUBJECT: whom a push service writes to, mailto:… or https://…
	PrivateKey string        // BALAGH_WEB_PUSH_KEY: VAPID, 32 bytes in base64url; KeyFromSecret makes one
	Hosts      []string      // BALAGH_WEB_PUSH_HOSTS: of end points, *.x.y for any below x.y; Services when empty
	Workers    int           // requests at once that connections are kept open for; 64 when 0
	Timeout    time.Duration // of one request; 10 seconds when 0
	Dev        bool          // development mode: end points on this machine too, also without TLS
}

// Client is a push.Channel.
type Client struct {
	hosts   []string
	dev     bool
	options library.Options
	public  string
	http    *http.Client
	now     func() time.Time
}

var _ push.Channel = (*Client)(nil)

// KeyFromSecret derives the private key from the secret of the installation, so that nothing needs to be configured and a
// restart changes nothing. A browser that subscribed with one key can be reached with no other.
func KeyFromSecret(secret []byte) (string, error) {
	if len(secret) < 16 {
		return "", errors.New("the secret is too short to make a key of: it needs at least 16 bytes")
	}
	for i := range 8 { // one in 2³² numbers of 32 bytes is not below the order of the curve: then the next one
		raw, err := hkdf.Key(sha256.New, secret, nil, label+strconv.Itoa(i), 32)
		if err != nil {
			return "", fmt.Errorf("derive the key of web push: %w", err)
		}
		if _, err := ecdh.P256().NewPrivateKey(raw); err == nil {
			return base64.RawURLEncoding.EncodeToString(raw), nil
		}
	}
	return "", errors.New("derive the key of web push: the secret gives none")
}

// New is a client. A half or wrongly configured one is refused with a sentence that names the setting.
func New(c Config) (*Client, error) {
	subject, err := subject(c.Subject)
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(c.PrivateKey, "="))
	if err != nil || len(raw) != 32 {
		return nil, errors.New("BALAGH_WEB_PUSH_KEY must be a private VAPID key: 32 bytes in base64url, which are 43 characters")
	}
	key, err := ecdh.P256().NewPrivateKey(raw)
	if err != nil {
		return nil, errors.New("BALAGH_WEB_PUSH_KEY is no private key of the curve P-256")
	}
	if len(c.Hosts) == 0 {
		c.Hosts = Services
	}
	hosts, err := hosts(c.Hosts)
	if err != nil {
		return nil, err
	}
	if c.Workers <= 0 {
		c.Workers = 64
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	public := base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes())
	client := &Client{hosts: hosts, dev: c.Dev, public: public, now: time.Now, http: &http.Client{
		Transport:     c.transport(),
		Timeout:       c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	client.options = library.Options{HTTPClient: client.http, Subscriber: subject, VAPIDPublicKey: public,
		VAPIDPrivateKey: base64.RawURLEncoding.EncodeToString(raw)}
	return client, nil
}

// subject in the library's form, which puts mailto: before whatever is no https URL.
func subject(s string) (string, error) {
	refused := errors.New("BALAGH_WEB_PUSH_SUBJECT must say whom a push service writes to: mailto:reports@example.sa, or an https address")
	if address, found := strings.CutPrefix(s, "mailto:"); found {
		if a, err := mail.ParseAddress(address); err != nil || a.Address != address {
			return "", refused
		}
		return address, nil
	}
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" || !strings.HasPrefix(s, "https:") {
		return "", refused
	}
	return s, nil
}

// transport goes nowhere but to public addresses. It uses no proxy: of one, only the proxy's own address could be seen.
func (c Config) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: c.Timeout}
	if !c.Dev {
		dialer.Control = refusePrivate
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.DialContext = dialer.DialContext
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = c.Workers
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}

// PublicKey is what a browser subscribes with (applicationServerKey): 65 bytes in base64url.
func (c *Client) PublicKey() string { return c.public }

// Close ends the connections that are kept.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Send makes one attempt.
func (c *Client) Send(ctx context.Context, n push.Notice) push.Outcome {
	if c.CheckEndpoint(n.To) != nil {
		return push.Outcome{Answer: push.Refused, Reason: "endpoint_refused"}
	}
	if !usable(n.Device.Keys) {
		return push.Outcome{Answer: push.Refused, Reason: "bad_keys"}
	}
	text, err := payload(n)
	if err != nil || len(text) > maxPlain {
		return push.Outcome{Answer: push.Refused, Reason: "payload_too_large"}
	}
	options := c.options
	options.TTL = int(min(max(n.TTL, 0), maxTTL).Seconds())
	options.Urgency = library.UrgencyNormal
	if n.Urgent {
		options.Urgency = library.UrgencyHigh
	}
	options.Topic = topic(n.Collapse)
	resp, err := library.SendNotificationWithContext(ctx, text,
		&library.Subscription{Endpoint: n.To, Keys: library.Keys{P256dh: n.Device.Keys.P256dh, Auth: n.Device.Keys.Auth}}, &options)
	if err != nil {
		return unanswered(ctx, err)
	}
	defer resp.Body.Close()
	return answered(resp, c.now())
}

// payload is the notice as the service worker of the page gets it. What has the same tag is shown once: a notice that
// arrives twice, or the newest of those that replace each other.
func payload(n push.Notice) ([]byte, error) {
	tag := n.Collapse
	if tag == "" {
		tag = n.ID
	}
	dir := "ltr"
	if n.Language == "ar" || n.Language == "ur" {
		dir = "rtl"
	}
	type data struct {
		Notification string `json:"notification_id"`
		Report       string `json:"report_id"`
		Number       string `json:"report_number"`
		Kind         string `json:"kind"`
		Survey       string `json:"survey_id,omitempty"`
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // three times the bytes, for nothing
	err := e.Encode(struct {
		Title string `json:"title"`
		Body  string `json:"body"`
		Lang  string `json:"lang"`
		Dir   string `json:"dir"`
		Tag   string `json:"tag"`
		Data  data   `json:"data"`
	}{n.Text.Title, n.Text.Body, n.Language, dir, tag, data{n.ID, n.Report, n.Number, string(n.Kind), n.Survey}})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// topic is the name under which a push service keeps only the newest: 32 characters that show it nothing; "" for none.
func topic(collapse string) string {
	if collapse == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(collapse))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}

// usable says whether keys are a point of the curve and 16 bytes. The library refuses some of the rest.
func usable(k push.WebKeys) bool {
	point, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(k.P256dh, "="))
	if err != nil {
		return false
	}
	if _, err := ecdh.P256().NewPublicKey(point); err != nil {
		return false
	}
	auth, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(k.Auth, "="))
	return err == nil && len(auth) == 16
}
