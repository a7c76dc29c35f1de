package fcm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/appcheck"

	"github.com/balagh/balagh/fault"
)

// keysAgain is how long nobody asks for App Check's keys after they could not be had: meanwhile each request would wait in vain.
const keysAgain = 5 * time.Second

// AppCheck verifies the tokens by which an installation of the application shows that it is genuine (Firebase App Check).
// They say nothing about who uses it. It may be used from many goroutines.
type AppCheck struct {
	app     *firebase.App
	url     string // of the keys; Google's when empty
	timeout time.Duration
	now     func() time.Time
	closing context.Context
	close   context.CancelFunc

	mu     sync.Mutex
	client *appcheck.Client // nil until the keys were there
	again  time.Time        // not before
}

// NewAppCheck is for the project of c, or of its credentials file; App Check itself needs no credentials. The keys are fetched with
// the first token, so that a start does not depend on Google. One is enough for a process.
func NewAppCheck(ctx context.Context, c Config) (*AppCheck, error) {
	if c.Endpoint != "" {
		if !c.Dev {
			return nil, errors.New("BALAGH_FCM_ENDPOINT would have App Check trust the keys of a stand-in: unset it, or run with --dev")
		}
		if err := c.checkEndpoint(); err != nil {
			return nil, err
		}
	}
	if os.Getenv(emulator) != "" && !c.Dev {
		return nil, ErrEmulator
	}
	if c.ProjectID == "" && c.CredentialsFile != "" {
		if _, err := c.readCredentials(); err != nil {
			return nil, err
		}
	}
	if c.ProjectID == "" {
		return nil, errNoProject
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	app, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: c.ProjectID})
	if err != nil {
		return nil, fmt.Errorf("set up Firebase App Check: %w", err)
	}
	a := &AppCheck{app: app, timeout: c.Timeout, now: time.Now}
	if c.Endpoint != "" {
		a.url = strings.TrimSuffix(c.Endpoint, "/") + "/jwks"
	}
	a.closing, a.close = context.WithCancel(context.Background())
	return a, nil
}

// Close ends a fetch of the keys that is under way. The goroutine in which the SDK fetches them anew every six hours lives as long as
// the process: the SDK hands out no way to end it.
func (a *AppCheck) Close() { a.close() }

// Verify is nil for a token that App Check issued to an application of the project and that has not expired. Otherwise
// the fault is Unauthenticated, or Unavailable while Google's keys cannot be had.
func (a *AppCheck) Verify(token string) error {
	if token == "" {
		return fault.New(fault.Unauthenticated)
	}
	client, err := a.verifier()
	if err != nil {
		return err
	}
	if err := verify(client, token); err != nil {
		return fault.Newf(fault.Unauthenticated, "App Check: %w", err)
	}
	return nil
}

// verify survives a token with a genuine signature and claims of another shape: the SDK does not look before it casts.
func verify(client *appcheck.Client, token string) (err error) {
	defer func() {
		if recover() != nil {
			err = appcheck.ErrTokenClaims
		}
	}()
	_, err = client.VerifyToken(token)
	return err
}

// verifier is the SDK's client. It is made when it is first needed, because the SDK makes none without keys; those who come meanwhile
// wait with the first.
func (a *AppCheck) verifier() (*appcheck.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client != nil {
		return a.client, nil
	}
	if wait := a.again.Sub(a.now()); wait > 0 {
		return nil, fault.Later(fault.Unavailable, wait)
	}
	client, err := a.fetch()
	if err != nil {
		a.again = a.now().Add(keysAgain)
		return nil, &fault.Error{Code: fault.Unavailable, RetryAfter: keysAgain, Cause: fmt.Errorf("fetch the keys of App Check: %w", err)}
	}
	a.client = client
	return client, nil
}

// jwks guards the SDK's package variable that says where the keys are.
var jwks sync.Mutex

func (a *AppCheck) fetch() (*appcheck.Client, error) {
	ctx, cancel := context.WithCancel(a.closing) // not ended here: the SDK keeps it for later
	tooLong := time.AfterFunc(a.timeout, cancel)
	defer tooLong.Stop()
	jwks.Lock()
	defer jwks.Unlock()
	if a.url != "" {
		googles := appcheck.JWKSUrl
		appcheck.JWKSUrl = a.url
		defer func() { appcheck.JWKSUrl = googles }()
	}
	client, err := a.app.AppCheck(ctx)
	if err != nil {
		cancel()
	}
	return client, err
}
