package accounts

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

const devicesKept = 20 // of one citizen; the one not seen for longest goes

// Platforms that devices run.
var Platforms = []string{"android", "ios", "web"}

// Device is a phone, or a browser, on which a citizen has signed in.
type Device struct {
	Citizen    string    `json:"citizen"`
	ID         string    `json:"id"` // UUID made by the phone: one device of two people is two Devices
	Platform   string    `json:"platform"`
	PushToken  string    `json:"push_token,omitempty"` // on one Device only, of all people; with WebPush the end point
	WebPush    *WebPush  `json:"web_push,omitempty"`   // of a browser that is reached without FCM
	Language   string    `json:"language,omitempty"`
	AppVersion string    `json:"app_version,omitempty"`
	Model      string    `json:"model,omitempty"`
	Session    string    `json:"session,omitempty"` // that registered it
	Seen       time.Time `json:"seen"`
	Aside      time.Time `json:"aside,omitzero"` // since when the token is not used: another sender's, says the push service
}

// WebPush are what a browser gives to encrypt to it (RFC 8291), in base64url without padding.
type WebPush struct {
	P256dh string `json:"p256dh"` // 65 bytes: a point of P-256, uncompressed
	Auth   string `json:"auth"`   // 16 bytes
}

func (w *WebPush) check(wrong *fault.Fields, endpoint string) {
	key, err := base64.RawURLEncoding.DecodeString(w.P256dh)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(key)
	}
	if err != nil {
		wrong.Add("web_push/p256dh", fault.WrongFormat)
	}
	if b, err := base64.RawURLEncoding.DecodeString(w.Auth); err != nil || len(b) != 16 {
		wrong.Add("web_push/auth", fault.WrongFormat)
	}
	if endpoint == "" {
		wrong.Add("web_push/endpoint", fault.Required)
	}
}

// Devices of the caller, last seen first.
func (s *Service) Devices(ctx context.Context, a actor.Actor) ([]*Device, error) {
	if err := citizen(a); err != nil {
		return nil, err
	}
	return s.store.Devices(ctx, a.ID)
}

// PutDevice makes or replaces one of the caller's devices. Its push token leaves whoever had it before.
func (s *Service) PutDevice(ctx context.Context, a actor.Actor, d Device) (*Device, error) {
	if err := citizen(a); err != nil {
		return nil, err
	}
	var wrong fault.Fields
	if d.ID == "" {
		wrong.Add("device_id", fault.Required)
	}
	d.ID = checkDevice(&wrong, "device_id", d.ID)
	if !slices.Contains(Platforms, d.Platform) {
		wrong.Add("platform", fault.Unknown)
	}
	if d.Language != "" {
		checkLanguage(&wrong, d.Language)
	}
	if d.WebPush != nil {
		d.WebPush.check(&wrong, d.PushToken)
	}
	if len(d.PushToken) > 4096 {
		wrong.Add("push_token", fault.TooLong)
	} else if strings.ContainsFunc(d.PushToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		wrong.Add("push_token", fault.WrongFormat)
	}
	d.AppVersion = *checkName(&wrong, "app_version", &d.AppVersion, false)
	d.Model = *checkName(&wrong, "model", &d.Model, false)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	d.Citizen, d.Session, d.Seen = a.ID, a.Session, s.Now().UTC()
	if err := s.store.PutDevice(ctx, &d); err != nil {
		return nil, fmt.Errorf("put a device: %w", err)
	}
	return &d, s.settle(ctx, a, &d)
}

// settle drops the caller's oldest devices, and undoes a registration that a logout has overtaken: it ends the session
// before it collects the tokens, so either it saw this one or the session is ended by now.
func (s *Service) settle(ctx context.Context, a actor.Actor, d *Device) error {
	if x, err := s.store.Session(ctx, a.Session); d.PushToken != "" && err == nil && !x.Ended.IsZero() {
		if err := s.store.DropPushToken(ctx, a.ID, d.PushToken); err != nil {
			return fmt.Errorf("drop a push token: %w", err)
		}
		return fault.New(fault.Unauthenticated)
	}
	all, err := s.store.Devices(ctx, a.ID)
	if err != nil {
		return fmt.Errorf("devices of a citizen: %w", err)
	}
	for len(all) > devicesKept {
		if err := s.store.DeleteDevice(ctx, a.ID, all[len(all)-1].ID); err != nil {
			return fmt.Errorf("delete a device: %w", err)
		}
		all = all[:len(all)-1]
	}
	return nil
}

// DeleteDevice removes one of the caller's devices.
func (s *Service) DeleteDevice(ctx context.Context, a actor.Actor, id string) error {
	if err := citizen(a); err != nil {
		return err
	}
	return s.store.DeleteDevice(ctx, a.ID, strings.ToLower(id))
}

// SetTokenAside leaves a token unused for a week, or until the phone registers it again, if it is still the citizen's. The week is for
// the day on which the installation itself had the wrong credentials, and every token looked like another sender's.
func (s *Service) SetTokenAside(ctx context.Context, citizenID, token string) error {
	return s.store.SetTokenAside(ctx, citizenID, token, s.Now().UTC())
}

const asideFor = 7 * 24 * time.Hour

// DropPushToken forgets a token that the push service calls unregistered, if it is still the citizen's.
func (s *Service) DropPushToken(ctx context.Context, citizenID, token string) error {
	if token == "" {
		return nil
	}
	return s.store.DropPushToken(ctx, citizenID, token)
}

// silence takes the push tokens of the citizen's devices that match.
func (s *Service) silence(ctx context.Context, citizenID string, match func(*Device) bool) error {
	devices, err := s.store.Devices(ctx, citizenID)
	if err != nil {
		return fmt.Errorf("devices of a citizen: %w", err)
	}
	for _, d := range devices {
		if d.PushToken != "" && match(d) {
			if err := s.store.DropPushToken(ctx, citizenID, d.PushToken); err != nil {
				return fmt.Errorf("drop a push token: %w", err)
			}
		}
	}
	return nil
}
