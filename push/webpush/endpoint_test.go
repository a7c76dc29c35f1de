package webpush_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/webpush"
)

var b64 = base64.RawURLEncoding

// service is a push service with one browser: it believes nothing, and decrypts with the browser's own key. It is written
// after RFC 8291, 8188 and 8292, with nothing of the library that is tested.
type service struct {
	*httptest.Server
	key  *ecdh.PrivateKey
	auth []byte

	mu       sync.Mutex
	got      []received
	wrong    []error
	requests int
	answer   http.HandlerFunc // nil for 201
}

type received struct {
	header http.Header
	size   int
	text   []byte
	claims claims
	public string
}

type claims struct {
	Aud string `json:"aud"`
	Exp int64  `json:"exp"`
	Sub string `json:"sub"`
}

func startService(t *testing.T, answer http.HandlerFunc) *service {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{key: key, auth: make([]byte, 16), answer: answer}
	if _, err := rand.Read(s.auth); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewUnstartedServer(s)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	got, err := s.read(r)
	s.mu.Lock()
	s.requests++
	if err != nil {
		s.wrong = append(s.wrong, err)
	} else {
		s.got = append(s.got, got)
	}
	s.mu.Unlock()
	if s.answer != nil {
		s.answer(w, r)
		return
	}
	w.Header().Set("Location", s.URL+"/m/1")
	w.WriteHeader(http.StatusCreated)
}

// seen is what arrived and was right; what was wrong fails the test.
func (s *service) seen(t *testing.T) []received {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, err := range s.wrong {
		t.Error(err)
	}
	return s.got
}

func (s *service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

func (s *service) read(r *http.Request) (got received, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return got, err
	}
	if r.Method != http.MethodPost || r.Header.Get("Content-Encoding") != "aes128gcm" || len(body) > 4096 {
		return got, fmt.Errorf("%s, encoding %q, %d bytes", r.Method, r.Header.Get("Content-Encoding"), len(body))
	}
	got = received{header: r.Header, size: len(body)}
	if got.claims, got.public, err = vapid(r.Header.Get("Authorization")); err != nil {
		return got, err
	}
	got.text, err = s.decrypt(body)
	return got, err
}

// vapid checks the signature of RFC 8292 with the key beside it.
func vapid(authorization string) (c claims, public string, err error) {
	rest, found := strings.CutPrefix(authorization, "vapid t=")
	token, public, both := strings.Cut(rest, ", k=")
	parts := strings.Split(token, ".")
	if !found || !both || len(parts) != 3 {
		return c, "", fmt.Errorf("authorization %q", authorization)
	}
	point, err := b64.DecodeString(public)
	if err != nil {
		return c, "", err
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return c, "", err
	}
	signature, err := b64.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return c, "", fmt.Errorf("a signature of %d bytes, %w", len(signature), err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return c, "", errors.New("the signature is wrong")
	}
	var header struct{ Alg, Typ string }
	for i, into := range []any{&header, &c} {
		b, err := b64.DecodeString(parts[i])
		if err != nil {
			return c, "", err
		}
		if err := json.Unmarshal(b, into); err != nil {
			return c, "", err
		}
	}
	if header.Alg != "ES256" || header.Typ != "JWT" {
		return c, "", fmt.Errorf("header %+v", header)
	}
	return c, public, nil
}

// decrypt one record: salt (16), record size (4), length of the key (1), key, ciphertext.
func (s *service) decrypt(body []byte) ([]byte, error) {
	if len(body) < 21+65+17 || body[20] != 65 {
		return nil, errors.New("the body is no single record with a key")
	}
	salt, size, sender, ciphertext := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:86], body[86:]
	if int(size) < len(ciphertext) {
		return nil, fmt.Errorf("a record of %d bytes, which says %d", len(ciphertext), size)
	}
	theirs, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := s.key.ECDH(theirs)
	if err != nil {
		return nil, err
	}
	info := "WebPush: info\x00" + string(s.key.PublicKey().Bytes()) + string(sender)
	ikm, err := hkdf.Key(sha256.New, shared, s.auth, info, 32)
	if err != nil {
		return nil, err
	}
	secret, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nonce, ciphertext, nil)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(plain), "\x00")
	text, last := strings.CutSuffix(text, "\x02")
	if !last {
		return nil, errors.New("it is not the last record")
	}
	return []byte(text), nil
}

func privateKey(t *testing.T) string {
	t.Helper()
	key, err := webpush.KeyFromSecret([]byte("a secret of at least 32 characters"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// client sends to the service, which is on this machine and whose certificate it trusts.
func (s *service) client(t *testing.T) *webpush.Client {
	t.Helper()
	c, err := webpush.New(webpush.Config{Subject: "mailto:reports@balagh.example", PrivateKey: privateKey(t), Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	webpush.Trust(c, pool)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *service) notice() push.Notice {
	n := push.Notice{ID: "0193fa66-0000-8000-8000-000000000000", Kind: push.Resolved, Report: "0193fa66-0000-7000-8000-000000000001",
		Number: "1234567890", To: s.URL + "/send/browser", Language: "ar", Text: push.Text{Title: "تمت معالجة بلاغك", Body: "انتهت معالجة البلاغ \u20681234567890\u2069. نأمل تقييم الخدمة."}, TTL: 24 * time.Hour}
	n.Device = push.Device{ID: "browser", Platform: "web", Token: n.To,
		Keys: push.WebKeys{P256dh: b64.EncodeToString(s.key.PublicKey().Bytes()), Auth: b64.EncodeToString(s.auth)}}
	return n
}
