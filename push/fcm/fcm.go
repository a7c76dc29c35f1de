// Package fcm sends notices through Firebase Cloud Messaging with the Firebase Admin SDK. It is the only importer of it.
//
// One Send is exactly one request: when and how often to try again is the Sender's, which survives a crash, and never the
// SDK's. AppCheck verifies that a request comes from a genuine application. The package knows no people, no store and no HTTP of
// ours.
package fcm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"google.golang.org/api/option"
	htransport "google.golang.org/api/transport/http"

	"github.com/balagh/balagh/push"
)

const (
	scope    = "https://www.googleapis.com/auth/firebase.messaging"
	emulator = "FIREBASE_AUTH_EMULATOR_HOST"

	defaultTimeout = 10 * time.Second
)

// ErrEmulator refuses a start: with that variable the SDK checks no signatures.
var ErrEmulator = errors.New(emulator + " is set, which switches signature checks off: unset it, or run with --dev")

var errNoProject = errors.New("the Firebase project is not known: set BALAGH_FCM_PROJECT to its id, or BALAGH_FCM_CREDENTIALS to a " +
	"service account file that names it")

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
		c.Timeout = defaultTimeout
	}
	transport, err := c.transport(ctx)
	if err != nil {
		return nil, err
	}
	if c.ProjectID == "" {
		return nil, errNoProject
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
	base.DisableCompression = true // an answer is a line
	// HTTP/1.1 took a fifth less of the processor than HTTP/2, and a connection that breaks costs one answer, not a hundred.
	base.ForceAttemptHTTP2, base.Protocols = false, new(http.Protocols)
	base.Protocols.SetHTTP1(true)
	if c.Endpoint != "" {
		if err := c.checkEndpoint(); err != nil {
			return nil, err
		}
		base.Proxy = nil
		return base, nil
	}
	opts := []option.ClientOption{option.WithScopes(scope), option.WithTelemetryDisabled()}
	if c.CredentialsFile != "" {
		kind, err := c.readCredentials()
		if err != nil {
			return nil, err
		}
		opts = append(opts, option.WithAuthCredentialsFile(option.CredentialsType(kind), c.CredentialsFile))
	}
	t, err := htransport.NewTransport(ctx, base, opts...)
	switch {
	case err == nil:
		return t, nil
	case c.CredentialsFile == "":
		return nil, fmt.Errorf("this machine has no ambient credentials for FCM: set BALAGH_FCM_CREDENTIALS to the service account file "+
			"of the Firebase project: %w", err)
	}
	return nil, fmt.Errorf("BALAGH_FCM_CREDENTIALS: the credentials in %s cannot be used: %w", c.CredentialsFile, err)
}

func (c *Config) checkEndpoint() error {
	if u, err := url.Parse(c.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("BALAGH_FCM_ENDPOINT: the endpoint must be an address such as http://127.0.0.1:9099/v1")
	}
	return nil
}

// readCredentials says of what type the credentials are, and takes the project from them when none is set.
func (c *Config) readCredentials() (kind string, err error) {
	b, err := os.ReadFile(c.CredentialsFile)
	if err != nil {
		return "", fmt.Errorf("BALAGH_FCM_CREDENTIALS: the service account cannot be read: %w", err)
	}
	var account struct {
		Type      string `json:"type"`
		ProjectID string `json:"project_id"`
	}
	if err := json.Unmarshal(b, &account); err != nil {
		return "", fmt.Errorf("BALAGH_FCM_CREDENTIALS: the service account %s is no JSON: download it again from the Firebase console, "+
			"project settings, service accounts", c.CredentialsFile) // err may hold a piece of the key
	}
	switch account.Type {
	case "service_account", "external_account", "impersonated_service_account":
	case "":
		return "", fmt.Errorf("BALAGH_FCM_CREDENTIALS: %s is not a service account: it has no \"type\". It may be the application's "+
			"google-services.json, which is another file", c.CredentialsFile)
	default:
		return "", fmt.Errorf("BALAGH_FCM_CREDENTIALS: %s holds credentials of type %q, a service account is wanted", c.CredentialsFile, account.Type)
	}
	if c.ProjectID == "" {
		c.ProjectID = account.ProjectID
	}
	return account.Type, nil
}

// Send makes one attempt.
func (c *Client) Send(ctx context.Context, n push.Notice) push.Outcome {
	m, reason := message(n, c.now())
	if reason != "" {
		return push.Outcome{Answer: push.Refused, Reason: reason}
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
