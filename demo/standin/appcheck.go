package standin

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	appCheckKey = "standin-1"
	appCheckTTL = time.Hour
)

func newKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }

// keys answers GET /v1/jwks, as firebaseappcheck.googleapis.com/v1/jwks does.
func (s *Server) keys(ctx *fasthttp.RequestCtx) {
	key, err := s.key()
	if err != nil {
		ctx.Error(err.Error(), http.StatusInternalServerError)
		return
	}
	e := big.NewInt(int64(key.E)).Bytes()
	answer(ctx, http.StatusOK, map[string]any{"keys": []any{map[string]string{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": appCheckKey,
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(e)}}})
}

// issue answers POST /appcheck/token with a token for an application of a project, as a device gets it after attestation.
// Claims replace those that Firebase would set; null leaves one out.
func (s *Server) issue(ctx *fasthttp.RequestCtx) {
	ask := struct {
		Project string         `json:"project"`
		App     string         `json:"app"`
		Claims  map[string]any `json:"claims"`
	}{Project: "demo", App: "1:1234567890:android:0123456789abcdef"}
	if err := decode(ctx, &ask); err != nil {
		ctx.Error(err.Error(), http.StatusBadRequest)
		return
	}
	now := time.Now()
	claims := map[string]any{"iss": "https://firebaseappcheck.googleapis.com/1234567890", "sub": ask.App,
		"aud": []string{"projects/1234567890", "projects/" + ask.Project}, "iat": now.Unix(), "exp": now.Add(appCheckTTL).Unix()}
	for name, v := range ask.Claims {
		if v == nil {
			delete(claims, name)
			continue
		}
		claims[name] = v
	}
	token, err := s.sign(claims)
	if err != nil {
		ctx.Error(err.Error(), http.StatusInternalServerError)
		return
	}
	answer(ctx, http.StatusOK, map[string]string{"token": token, "ttl": "3600s"})
}

// sign makes a JWT (RFC 7519) with RS256.
func (s *Server) sign(claims map[string]any) (string, error) {
	key, err := s.key()
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	token := b64([]byte(`{"alg":"RS256","kid":"`+appCheckKey+`","typ":"JWT"}`)) + "." + b64(body)
	sum := sha256.Sum256([]byte(token))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	return token + "." + b64(signature), err
}
