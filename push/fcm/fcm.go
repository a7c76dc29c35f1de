// Package fcm sends notices through Firebase Cloud Messaging with the Firebase Admin SDK. It is the only importer of it.
//
// One Send is exactly one request: when and how often to try again is the Sender's, which survives a crash, and never the
// SDK's. The package knows no people and no store.
package fcm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"google.golang.org/api/option"
	htransport "google.golang.org/api/transport/http"

	"github.com/balagh/balagh/push"
)

const (
	scope      = "https://www.googleapis.com/auth/firebase.messaging"
	maxPayload = 4096 // bytes, FCM's limit
	emulator   = "FIREBASE_AUTH_EMULATOR_HOST"
)

// ErrEmulator refuses a start: with that variable the SDK checks no signatures.
var ErrEmulator = errors.New(emulator + " is set, which switches signature checks off: unset it, or run with --dev")

// Config of the client.
type Config struct {
	ProjectID       string        // of Firebase; the one in the credentials when empty
	CredentialsFile string        // service account, JSON; the ambient credentials of the machine when empty
	Endpoint        string        // of a stand-in, such as http://127.0.0.1:9099/v1, without credentials; Google's when empty
	Workers         int           // requests at once that connections are kept open for; 64 when 0
	Timeout         time.Duration // of a connection attempt and of an answer's header; 10 seconds when 0
	Dev             bool          // development mode
}

// Client is a push.Channel.
type Client struct {
	messaging *messaging.Client
	now       func() time.Time
}

var _ push.Channel = (*Client)(nil)

// New is a client. A half or wrongly configured one is refused with a sentence that says what to set.
func New(ctx context.Context, c Config) (*Client, error) {
	if os.Getenv(emulator) != "" && !c.Dev {
		return nil, ErrEmulator
	}
	if c.Workers <= 0 {
		c.Workers = 64
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	transport, err := c.transport(ctx)
	if err != nil {
		return nil, err
	}
	if c.ProjectID == "" {
		return nil, errors.New("the Firebase project is not known: set its id, or a service account file that names it")
	}
	opts := []option.ClientOption{option.WithHTTPClient(&http.Client{
		Transport:     once{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})}
	if c.Endpoint != "" {
		opts = append(opts, option.WithEndpoint(c.Endpoint), option.WithoutAuthentication())
	}
	app, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: c.ProjectID}, opts...)
	if err != nil {
		return nil, fmt.Errorf("set up Firebase: %w", err)
	}
	m, err := app.Messaging(ctx)
	if err != nil {
		return nil, fmt.Errorf("set up Firebase Cloud Messaging: %w", err)
	}
	return &Client{messaging: m, now: time.Now}, nil
}

// transport keeps a connection for each worker and adds the credentials; it fills in the project.
func (c *Config) transport(ctx context.Context) (http.RoundTripper, error) {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxIdleConns = 0
	base.MaxIdleConnsPerHost = c.Workers
	base.ResponseHeaderTimeout = c.Timeout
	if c.Endpoint != "" {
		if u, err := url.Parse(c.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, errors.New("the FCM endpoint must be an address such as http://127.0.0.1:9099/v1")
		}
		base.Proxy = nil
		return base, nil
	}
	opts := []option.ClientOption{option.WithScopes(scope)}
	if c.CredentialsFile != "" {
		b, err := os.ReadFile(c.CredentialsFile)
		if err != nil {
			return nil, fmt.Errorf("read the FCM service account: %w", err)
		}
		var account struct {
			Type      string `json:"type"`
			ProjectID string `json:"project_id"`
		}
		if err := json.Unmarshal(b, &account); err != nil || account.Type == "" {
			return nil, fmt.Errorf("the FCM service account %s is not the JSON file that the Firebase console gives", c.CredentialsFile)
		}
		if c.ProjectID == "" {
			c.ProjectID = account.ProjectID
		}
		opts = append(opts, option.WithAuthCredentialsFile(option.CredentialsType(account.Type), c.CredentialsFile))
	}
	t, err := htransport.NewTransport(ctx, base, opts...)
	if err != nil {
		return nil, fmt.Errorf("use the FCM credentials: %w", err)
	}
	return t, nil
}

// Send makes one attempt.
func (c *Client) Send(ctx context.Context, n push.Notice) push.Outcome {
	m := message(n, c.now())
	if b, err := json.Marshal(m); err != nil || len(b)-len(n.Device.Token) > maxPayload {
		return push.Outcome{Answer: push.Refused, Reason: "payload_too_large"}
	}
	ref, err := c.messaging.Send(ctx, m)
	if err != nil {
		return classify(err, c.now())
	}
	if ref == "" {
		return push.Outcome{Reason: "unintelligible"}
	}
	return push.Outcome{Answer: push.Taken, Ref: ref}
}

// message is the notice in FCM's form. Its id is the tag on each platform, so that a notice that arrives twice shows once.
func message(n push.Notice, now time.Time) *messaging.Message {
	ttl := n.TTL.Truncate(time.Second)
	dir := "rtl"
	if n.Language == "en" {
		dir = "ltr"
	}
	return &messaging.Message{
		Token: n.Device.Token,
		Data: map[string]string{"notification_id": n.ID, "report_id": n.Report, "report_number": n.Number,
			"kind": string(n.Kind)},
		Notification: &messaging.Notification{Title: n.Text.Title, Body: n.Text.Body},
		Android:      &messaging.AndroidConfig{Priority: "high", TTL: &ttl, Notification: &messaging.AndroidNotification{Tag: n.ID}},
		APNS: &messaging.APNSConfig{
			Headers: map[string]string{"apns-priority": "10", "apns-collapse-id": n.ID,
				"apns-expiration": strconv.FormatInt(now.Add(ttl).Unix(), 10)},
			Payload: &messaging.APNSPayload{Aps: &messaging.Aps{Sound: "default"}},
		},
		Webpush: &messaging.WebpushConfig{
			Headers:      map[string]string{"TTL": strconv.Itoa(int(ttl.Seconds())), "Urgency": "high"},
			Notification: &messaging.WebpushNotification{Tag: n.ID, Language: n.Language, Direction: dir},
		},
	}
}
