package accounts

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

const tokenType = "at+jwt" // RFC 9068: a token of another purpose is not an access token

type claims struct {
	jwt.RegisteredClaims
	Session     string     `json:"sid"`
	Device      string     `json:"dev,omitempty"`
	Role        actor.Role `json:"role,omitempty"`
	Centres     []string   `json:"centres,omitempty"`
	Departments []string   `json:"departments,omitempty"`
}

// sign makes an access token.
func (s *Service) sign(a actor.Actor) (string, error) {
	now := s.Now()
	audience := AudienceApp
	if a.Kind == actor.Staff {
		audience = AudienceDesk
	}
	key := s.ring.Load().signing(now)
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.Issuer, Subject: a.ID, Audience: jwt.ClaimStrings{audience},
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(s.AccessLife)),
		},
		Session: a.Session, Device: a.Device, Role: a.Role, Centres: a.Centres, Departments: a.Departments,
	})
	t.Header["typ"] = tokenType
	t.Header["kid"] = key.ID
	signed, err := t.SignedString(key.private)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return signed, nil
}

// parser checks form and signature only: the claims are checked below, so that an expired token that is wrong in another
// way is never called expired.
var parser = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}), jwt.WithStrictDecoding(),
	jwt.WithoutClaimsValidation())

// Verify says who shows an access token. A genuine one past its time is TokenExpired; anything else that proves nothing is
// Unauthenticated: badly signed, of another algorithm, issuer or purpose, or of a session that was ended.
func (s *Service) Verify(ctx context.Context, token string) (actor.Actor, error) {
	s.keepFresh(ctx, time.Minute)
	now := s.Now()
	sum := sha256.Sum256([]byte(token))
	known, ok := s.verified.get(sum)
	if !ok {
		a, expires, err := s.check(ctx, token)
		if err != nil {
			return actor.Actor{}, err
		}
		known = verifiedToken{a, expires}
		s.verified.put(sum, known)
	}
	if !now.Before(known.expires) {
		return actor.Actor{}, fault.New(fault.TokenExpired)
	}
	if s.ended.has(known.actor.Session) {
		return actor.Actor{}, fault.New(fault.Unauthenticated)
	}
	return known.actor, nil
}

// Alive reports whether a token that Verify took is still good.
func (s *Service) Alive(token string) bool {
	_, err := s.Verify(context.Background(), token)
	return err == nil
}

// check verifies the signature and every claim but the time.
func (s *Service) check(ctx context.Context, token string) (actor.Actor, time.Time, error) {
	refused := fault.New(fault.Unauthenticated)
	var c claims
	t, err := parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if k := s.ring.Load().byID[kid]; k != nil {
			return &k.private.PublicKey, nil
		}
		s.keepFresh(ctx, 5*time.Second) // another process may have begun to sign
		if k := s.ring.Load().byID[kid]; k != nil {
			return &k.private.PublicKey, nil
		}
		return nil, jwt.ErrTokenUnverifiable
	})
	if err != nil || t.Header["typ"] != tokenType || c.Issuer != s.Issuer || c.Subject == "" || c.Session == "" ||
		c.ExpiresAt == nil || len(c.Audience) != 1 {
		return actor.Actor{}, time.Time{}, refused
	}
	a := actor.Actor{ID: c.Subject, Device: c.Device, Session: c.Session}
	switch c.Audience[0] {
	case AudienceApp:
		a.Kind = actor.Citizen
	case AudienceDesk:
		if !slices.Contains(actor.Roles, c.Role) {
			return actor.Actor{}, time.Time{}, refused
		}
		a.Kind, a.Role, a.Centres, a.Departments = actor.Staff, c.Role, c.Centres, c.Departments
	default:
		return actor.Actor{}, time.Time{}, refused
	}
	return a, c.ExpiresAt.Time, nil
}

// endedSessions are those whose access tokens may still be alive.
type endedSessions struct {
	mu sync.RWMutex
	at map[string]time.Time
}

func (e *endedSessions) has(id string) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	_, ok := e.at[id]
	return ok
}

func (e *endedSessions) add(id string, at time.Time) {
	e.merge(map[string]time.Time{id: at}, time.Time{})
}

// merge adds sessions and forgets those that ended before since.
func (e *endedSessions) merge(more map[string]time.Time, since time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.at == nil {
		e.at = map[string]time.Time{}
	}
	maps.Copy(e.at, more)
	maps.DeleteFunc(e.at, func(_ string, at time.Time) bool { return at.Before(since) })
}

// verifiedTokens remembers tokens whose signature was checked, because a check costs some 70 µs. Each shard keeps two
// generations: when the younger is full it becomes the older, whose tokens are forgotten unless they were asked for.
type verifiedTokens struct {
	shards [16]struct {
		mu         sync.Mutex
		young, old map[[sha256.Size]byte]verifiedToken
	}
}

type verifiedToken struct {
	actor   actor.Actor // shared by all who show the token: its slices are never changed
	expires time.Time
}

const verifiedPerShard = 1024 // in a generation: 32,768 tokens altogether at the most

func (v *verifiedTokens) get(sum [sha256.Size]byte) (verifiedToken, bool) {
	s := &v.shards[sum[0]%16]
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.young[sum]; ok {
		return t, true
	}
	t, ok := s.old[sum]
	if ok {
		v.keep(sum, t)
	}
	return t, ok
}

func (v *verifiedTokens) put(sum [sha256.Size]byte, t verifiedToken) {
	s := &v.shards[sum[0]%16]
	s.mu.Lock()
	defer s.mu.Unlock()
	v.keep(sum, t)
}

// keep adds to the younger generation; the shard is locked.
func (v *verifiedTokens) keep(sum [sha256.Size]byte, t verifiedToken) {
	s := &v.shards[sum[0]%16]
	if s.young == nil || len(s.young) >= verifiedPerShard {
		s.old, s.young = s.young, make(map[[sha256.Size]byte]verifiedToken)
	}
	s.young[sum] = t
}
