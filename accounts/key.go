package accounts

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
)

// Key is a signing key as it is stored.
type Key struct {
	ID      string    `json:"id"`
	Seal    []byte    `json:"seal"`             // the private key (PKCS #8) under AES-256-GCM
	Signs   time.Time `json:"signs"`            // from then on until the next one does
	Created time.Time `json:"created,omitzero"` // zero for one of an older program
}

type signingKey struct {
	Key
	private *ecdsa.PrivateKey
}

// keyring is what the store held when it was last read.
type keyring struct {
	keys []*signingKey // in the order in which they sign, without the dead
	byID map[string]*signingKey
	dead []string // ids of keys whose last token is past its time
}

// signing is the newest key whose time to sign has come.
func (r *keyring) signing(now time.Time) *signingKey {
	for _, k := range slices.Backward(r.keys) {
		if !k.Signs.After(now) {
			return k
		}
	}
	return r.keys[0]
}

const reloadEvery = time.Minute

// keepFresh reads keys and ended sessions anew when they were read longer than age ago. When that fails, what is known stays
// good and the next try follows soon. One caller reads, the others go on.
func (s *Service) keepFresh(ctx context.Context, age time.Duration) {
	if s.Now().UnixNano()-s.loadedAt.Load() < int64(age) || !s.loading.TryLock() {
		return
	}
	defer s.loading.Unlock()
	if s.Now().UnixNano()-s.loadedAt.Load() < int64(age) {
		return
	}
	if err := s.reload(ctx); err != nil {
		s.loadedAt.Store(s.Now().Add(5*time.Second - reloadEvery).UnixNano())
	}
}

func (s *Service) reload(ctx context.Context) error {
	now := s.Now()
	since := now.Add(-s.AccessLife - reloadEvery)
	ended, err := s.store.EndedSessions(ctx, since)
	if err != nil {
		return fmt.Errorf("read the ended sessions: %w", err)
	}
	stored, err := s.store.Keys(ctx)
	if err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	ring, err := s.open(stored, now)
	if err != nil {
		return err
	}
	s.ended.merge(ended, since)
	s.ring.Store(ring)
	s.loadedAt.Store(now.UnixNano())
	return nil
}

// open unseals the keys that are alive: one is dead when the next one has signed for longer than a token lives, and every
// process knows of it.
func (s *Service) open(stored []*Key, now time.Time) (*keyring, error) {
	inOrder(stored)
	r := &keyring{byID: map[string]*signingKey{}}
	for i, k := range stored {
		if i+1 < len(stored) && stored[i+1].Signs.Add(s.AccessLife+2*reloadEvery).Before(now) {
			r.dead = append(r.dead, k.ID)
			continue
		}
		private, err := s.unseal(k)
		if err != nil {
			return nil, err
		}
		opened := &signingKey{*k, private}
		r.keys = append(r.keys, opened)
		r.byID[k.ID] = opened
	}
	return r, nil
}

func (s *Service) unseal(k *Key) (*ecdsa.PrivateKey, error) {
	der, err := s.keySeal.Open(nil, nil, k.Seal, []byte(k.ID))
	if err != nil {
		return nil, fmt.Errorf("open signing key %s: the secret is not the one that it was made with: %w", k.ID, err)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("read signing key %s: %w", k.ID, err)
	}
	ec, ok := private.(*ecdsa.PrivateKey)
	if !ok || ec.Curve != elliptic.P256() {
		return nil, fmt.Errorf("signing key %s is not of ES256", k.ID)
	}
	return ec, nil
}

// RotateKey publishes a new signing key and gives its id. It signs after PublishDelay, when everybody who checks tokens
// has seen it; the old one stays published until its last token is dead.
func (s *Service) RotateKey(ctx context.Context, a actor.Actor) (kid string, err error) {
	if err := administrator(a); err != nil {
		return "", err
	}
	return s.rotate(ctx)
}

func (s *Service) rotate(ctx context.Context) (kid string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), s.Rand)
	if err != nil {
		return "", fmt.Errorf("make a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", fmt.Errorf("encode a signing key: %w", err)
	}
	now := s.Now().UTC()
	k := &Key{ID: s.NewID(), Signs: now, Created: now}
	if len(s.ring.Load().keys) > 0 {
		k.Signs = k.Signs.Add(s.PublishDelay)
	}
	k.Seal = s.keySeal.Seal(nil, nil, der, []byte(k.ID))
	if err := s.store.AddKey(ctx, k); err != nil {
		return "", fmt.Errorf("add a signing key: %w", err)
	}
	return k.ID, s.reload(ctx)
}

// KeyTerm says when a signing key is in use.
type KeyTerm struct {
	ID      string
	Created time.Time // zero when it is not known
	From    time.Time // signs from then on
	Until   time.Time // and until then; zero for the newest. It is published for some minutes more, while tokens that it signed are alive
}

// KeyTerms are those of the signing keys that there are, in the order in which they sign. They hold no secret.
func (s *Service) KeyTerms(ctx context.Context, a actor.Actor) ([]KeyTerm, error) {
	if err := administrator(a); err != nil {
		return nil, err
	}
	stored, err := s.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	inOrder(stored)
	terms := make([]KeyTerm, len(stored))
	for i, k := range stored {
		terms[i] = KeyTerm{ID: k.ID, Created: k.Created, From: k.Signs}
		if i > 0 {
			terms[i-1].Until = k.Signs
		}
	}
	return terms, nil
}

func inOrder(keys []*Key) {
	slices.SortFunc(keys, func(a, b *Key) int { return cmp.Or(a.Signs.Compare(b.Signs), cmp.Compare(a.ID, b.ID)) })
}

// JWKS is the JSON Web Key Set (RFC 7517) of the keys that sign, will sign, or have signed what is still alive.
func (s *Service) JWKS(ctx context.Context) ([]byte, error) {
	type jwk struct {
		Kty string `json:"kty"`
		Crv string `json:"crv"`
		X   string `json:"x"`
		Y   string `json:"y"`
		Use string `json:"use"`
		Alg string `json:"alg"`
		Kid string `json:"kid"`
	}
	s.keepFresh(ctx, reloadEvery)
	set := struct {
		Keys []jwk `json:"keys"`
	}{}
	for _, k := range s.ring.Load().keys {
		point, err := k.private.PublicKey.Bytes() // 4, X, Y
		if err != nil {
			return nil, fmt.Errorf("encode public key %s: %w", k.ID, err)
		}
		b64 := base64.RawURLEncoding.EncodeToString
		set.Keys = append(set.Keys, jwk{"EC", "P-256", b64(point[1:33]), b64(point[33:]), "sig", "ES256", k.ID})
	}
	return json.Marshal(set)
}
