package accounts

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// The audiences of access tokens.
const (
	AudienceApp  = "balagh-app"  // citizens
	AudienceDesk = "balagh-desk" // staff
)

// Config of the service. Only Secret is required; every other zero value stands for its default.
type Config struct {
	Secret []byte // the master secret, at least 32 bytes; whoever loses it loses every session, second factor and signing key
	Issuer string // "iss" of the tokens; "balagh"

	AccessLife   time.Duration // 15 minutes
	CitizenLife  time.Duration // how long an unused refresh token of a citizen lives: 60 days
	StaffLife    time.Duration // of staff: 12 hours
	ReplayWindow time.Duration // how long the last refresh token may be shown again: 60 seconds
	CodeLife     time.Duration // 5 minutes
	PublishDelay time.Duration // from publishing a signing key to signing with it: 10 minutes

	Limits       Limits
	PasswordCost PasswordCost

	Now   func() time.Time
	NewID func() string
	Rand  io.Reader // crypto/rand; a source that fails issues nothing
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.AccessLife, 15*time.Minute)
	set(&c.CitizenLife, 60*24*time.Hour)
	set(&c.StaffLife, 12*time.Hour)
	set(&c.ReplayWindow, time.Minute)
	set(&c.CodeLife, 5*time.Minute)
	set(&c.PublishDelay, 10*time.Minute)
	c.Limits = c.Limits.withDefaults()
	c.PasswordCost = c.PasswordCost.withDefaults()
	if c.Issuer == "" {
		c.Issuer = "balagh"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = func() string { return uuid.Must(uuid.NewV7()).String() }
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return c
}

// Service does everything that has to do with accounts.
type Service struct {
	Config
	store  Store
	sender CodeSender

	codeKey    []byte // HMAC of one-time codes
	refreshKey []byte // derivation of refresh tokens
	limitKey   []byte // HMAC of phones, e-mails and addresses in the keys of codes and counters
	keySeal    cipher.AEAD
	totpSeal   cipher.AEAD

	hashing chan struct{} // as many password hashes at once as there are processors, so that their memory is bounded
	decoy   string        // a hash that no password has, checked when there is no account
	staffMu sync.Mutex    // one change of staff at a time, so that the last administrator stays

	ring     atomic.Pointer[keyring]
	loadedAt atomic.Int64 // when the ring and the ended sessions were last read, in Unix nanoseconds
	loading  sync.Mutex
	ended    endedSessions
	verified verifiedTokens
	names    sync.Map // staff id → staffName
}

// CodeSender takes a one-time code to a phone. phone is E.164; the text is the sender's.
type CodeSender interface {
	SendCode(ctx context.Context, phone, language, code string) error
}

// New opens the service: it reads the signing keys, and makes the first one when there is none.
func New(ctx context.Context, c Config, store Store, sender CodeSender) (*Service, error) {
	if len(c.Secret) < 32 {
		return nil, errors.New("the secret of the accounts must have at least 32 bytes")
	}
	s := &Service{Config: c.withDefaults(), store: store, sender: sender, hashing: make(chan struct{}, runtime.GOMAXPROCS(0))}
	for info, key := range map[string]*[]byte{"one-time codes": &s.codeKey, "refresh tokens": &s.refreshKey, "limits": &s.limitKey} {
		var err error
		if *key, err = s.derive(info); err != nil {
			return nil, err
		}
	}
	for info, seal := range map[string]*cipher.AEAD{"signing keys": &s.keySeal, "second factors": &s.totpSeal} {
		key, err := s.derive(info)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("cipher of %s: %w", info, err)
		}
		if *seal, err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("cipher of %s: %w", info, err)
		}
	}
	nobody, err := s.random(32)
	if err != nil {
		return nil, err
	}
	if s.decoy, err = s.hashPassword(ctx, base64.RawStdEncoding.EncodeToString(nobody)); err != nil {
		return nil, err
	}
	if err := s.reload(ctx); err != nil {
		return nil, err
	}
	if len(s.ring.Load().keys) == 0 {
		if _, err := s.rotate(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Service) derive(info string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, s.Secret, nil, "balagh accounts: "+info, 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of %s: %w", info, err)
	}
	return key, nil
}

func (s *Service) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.Rand, b); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	return b, nil
}

// masked stands for a phone, an e-mail or an address in the key of a code or counter.
func (s *Service) masked(purpose, value string) string {
	return purpose + ":" + base64.RawURLEncoding.EncodeToString(mac(s.limitKey, []byte(purpose), []byte(value)))
}

// mac is the HMAC-SHA256 of parts, each ended by a zero byte.
func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
		h.Write([]byte{0})
	}
	return h.Sum(nil)
}

// Sweep removes what has had its time: codes, sessions, counters and signing keys. It is safe to run at any moment.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.Now()
	if err := s.reload(ctx); err != nil {
		return err
	}
	for _, kid := range s.ring.Load().dead {
		if err := s.store.DropKey(ctx, kid); err != nil {
			return fmt.Errorf("drop a signing key: %w", err)
		}
	}
	// An ended session is remembered for as long as an access token of it may live.
	if err := s.store.SweepAccounts(ctx, now, now.Add(-2*s.AccessLife)); err != nil {
		return fmt.Errorf("sweep accounts: %w", err)
	}
	return nil
}

// citizen lets only citizens pass.
func citizen(a actor.Actor) error {
	switch a.Kind {
	case actor.Citizen:
		return nil
	case actor.Nobody:
		return fault.New(fault.Unauthenticated)
	default:
		return fault.New(fault.Forbidden)
	}
}

// employee lets only staff pass.
func employee(a actor.Actor) error {
	switch a.Kind {
	case actor.Staff:
		return nil
	case actor.Nobody:
		return fault.New(fault.Unauthenticated)
	default:
		return fault.New(fault.Forbidden)
	}
}

// administrator lets only those pass who may manage staff.
func administrator(a actor.Actor) error {
	switch {
	case a.Kind == actor.System || a.Is(actor.Admin):
		return nil
	case a.Kind == actor.Nobody:
		return fault.New(fault.Unauthenticated)
	default:
		return fault.New(fault.Forbidden)
	}
}
