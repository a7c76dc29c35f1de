package accounts

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// Session is what one sign-in began: a family of refresh tokens of which only the newest generation is good. The tokens
// are not stored, not even hashed: each is derived from the seed, its generation and the master secret. So the successor
// of a token can be given again when the answer got lost, and an old token is known for what it is however old.
type Session struct {
	ID         string     `json:"id"`
	Rev        int64      `json:"rev"`
	Kind       actor.Kind `json:"kind"`
	Account    string     `json:"account"`
	Device     string     `json:"device,omitempty"`
	Seed       []byte     `json:"seed"`
	Generation uint32     `json:"generation"`
	Rotated    time.Time  `json:"rotated"` // when this generation was first given out
	Expires    time.Time  `json:"expires"`
	Ended      time.Time  `json:"ended,omitzero"`
}

// Grant is what a sign-in gives.
type Grant struct {
	AccessToken  string
	ExpiresIn    time.Duration
	RefreshToken string
	Kind         actor.Kind
	Account      string
	New          bool // the account was made by this sign-in
}

func (s *Service) grantCitizen(ctx context.Context, id, device string, isNew bool) (*Grant, error) {
	g, err := s.begin(ctx, actor.Actor{Kind: actor.Citizen, ID: id, Device: device})
	if err != nil {
		return nil, err
	}
	g.New = isNew
	return g, nil
}

// begin opens a session.
func (s *Service) begin(ctx context.Context, a actor.Actor) (*Grant, error) {
	seed, err := s.random(32)
	if err != nil {
		return nil, err
	}
	now := s.Now().UTC()
	x := &Session{ID: s.NewID(), Rev: 1, Kind: a.Kind, Account: a.ID, Device: a.Device, Seed: seed, Generation: 1, Rotated: now,
		Expires: now.Add(s.sessionLife(a.Kind))}
	if err := s.store.AddSession(ctx, x); err != nil {
		return nil, fmt.Errorf("add a session: %w", err)
	}
	a.Session = x.ID
	return s.grant(a, x)
}

func (s *Service) sessionLife(k actor.Kind) time.Duration {
	if k == actor.Staff {
		return s.StaffLife
	}
	return s.CitizenLife
}

func (s *Service) grant(a actor.Actor, x *Session) (*Grant, error) {
	access, err := s.sign(a)
	if err != nil {
		return nil, err
	}
	refresh, err := s.refreshToken(x, x.Generation)
	if err != nil {
		return nil, err
	}
	return &Grant{AccessToken: access, ExpiresIn: s.AccessLife, RefreshToken: refresh, Kind: a.Kind, Account: a.ID}, nil
}

// A refresh token is the session's id (16 bytes), the generation (4) and 256 bits that nobody can guess, in base64url.
const refreshBytes = 16 + 4 + 32

func (s *Service) refreshToken(x *Session, generation uint32) (string, error) {
	id, err := uuid.Parse(x.ID)
	if err != nil {
		return "", fmt.Errorf("id of a session: %w", err)
	}
	b := binary.BigEndian.AppendUint32(id[:], generation)
	return base64.RawURLEncoding.EncodeToString(append(b, mac(s.refreshKey, x.Seed, b)...)), nil
}

func parseRefreshToken(token string) (id string, generation uint32, ok bool) {
	if len(token) != base64.RawURLEncoding.EncodedLen(refreshBytes) { // the decoder would skip line breaks
		return "", 0, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return "", 0, false
	}
	return uuid.UUID(b[:16]).String(), binary.BigEndian.Uint32(b[16:20]), true
}

// Refresh exchanges a refresh token for new tokens. For ReplayWindow the same device may show the old one again and gets
// the same successor; after that, or from another device, an old token is a copied one, and the whole session ends. Every
// refusal is Unauthenticated.
func (s *Service) Refresh(ctx context.Context, token, device string) (*Grant, error) {
	if token == "" {
		return nil, fault.At("refresh_token", fault.Required)
	}
	var wrong fault.Fields
	device = checkDevice(&wrong, "device_id", device)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	id, generation, ok := parseRefreshToken(token)
	if !ok {
		return nil, fault.New(fault.Unauthenticated)
	}
	now := s.Now().UTC()
	x, err := s.store.UpdateSession(ctx, id, func(x *Session) error {
		genuine, err := s.refreshToken(x, generation)
		switch {
		case err != nil:
			return err
		case !hmac.Equal([]byte(genuine), []byte(token)), !x.Ended.IsZero(), !now.Before(x.Expires), generation > x.Generation:
			return fault.New(fault.Unauthenticated)
		}
		return s.turn(x, generation, device, now)
	})
	switch {
	case errors.Is(err, fault.New(fault.NotFound)):
		return nil, fault.New(fault.Unauthenticated)
	case err != nil:
		return nil, err
	case !x.Ended.IsZero():
		s.ended.add(x.ID, now)
		return nil, fault.New(fault.Unauthenticated)
	}
	a, err := s.holder(ctx, x)
	if err != nil {
		return nil, err
	}
	return s.grant(a, x)
}

// turn decides what a genuine token of a living session does to it: the next generation, a replay, or the end.
func (s *Service) turn(x *Session, generation uint32, device string, now time.Time) error {
	same := device == "" || x.Device == "" || device == x.Device
	switch {
	case same && generation == x.Generation:
		x.Generation++
		x.Rotated = now
		x.Expires = now.Add(s.sessionLife(x.Kind))
	case same && generation+1 == x.Generation && !now.After(x.Rotated.Add(s.ReplayWindow)):
		// The answer got lost on the way: the same successor again.
	default:
		x.Ended = now
	}
	return nil
}

// holder is the actor of a session, with the rights of this moment.
func (s *Service) holder(ctx context.Context, x *Session) (actor.Actor, error) {
	a := actor.Actor{Kind: x.Kind, ID: x.Account, Device: x.Device, Session: x.ID}
	if x.Kind != actor.Staff {
		return a, nil
	}
	st, err := s.store.Staff(ctx, x.Account)
	if err != nil {
		return actor.Actor{}, fmt.Errorf("staff of a session: %w", err)
	}
	if !st.Active {
		return actor.Actor{}, fault.New(fault.Unauthenticated)
	}
	a.Role, a.Centres, a.Departments = st.Role, st.Centres, st.Departments
	return a, nil
}

// Logout ends the caller's session, or all of them, and takes the push token of its device, or of all: nothing more goes
// there. device names one besides the session's own.
func (s *Service) Logout(ctx context.Context, a actor.Actor, all bool, device string) error {
	if a.Kind != actor.Citizen && a.Kind != actor.Staff {
		return fault.New(fault.Unauthenticated)
	}
	var wrong fault.Fields
	device = checkDevice(&wrong, "device_id", device)
	if err := wrong.Err(); err != nil {
		return err
	}
	if all {
		if err := s.endAll(ctx, a.ID, ""); err != nil {
			return err
		}
		return s.silence(ctx, a.ID, func(*Device) bool { return true })
	}
	now := s.Now().UTC()
	_, err := s.store.UpdateSession(ctx, a.Session, func(x *Session) error {
		if x.Ended.IsZero() {
			x.Ended = now
		}
		return nil
	})
	if err != nil && !errors.Is(err, fault.New(fault.NotFound)) {
		return fmt.Errorf("end a session: %w", err)
	}
	s.ended.add(a.Session, now)
	return s.silence(ctx, a.ID, func(d *Device) bool {
		return d.Session == a.Session || a.Device != "" && d.ID == a.Device || device != "" && d.ID == device
	})
}

// endAll ends every session of an account but one.
func (s *Service) endAll(ctx context.Context, account, except string) error {
	now := s.Now().UTC()
	ids, err := s.store.EndSessions(ctx, account, except, now)
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	for _, id := range ids {
		s.ended.add(id, now)
	}
	return nil
}
