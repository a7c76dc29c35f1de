package surveys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/google/uuid"
)

const (
	macSize   = 12                        // bytes: nobody tries 2⁹⁶ links
	tokenSize = 16 + macSize              // bytes, of the invitation's id and the code that proves it
	tokenLen  = (tokenSize*8 + 6 - 1) / 6 // characters
)

// tokens are base64url without padding, and without the bits that stand for nothing: each link is written in one way.
var tokens = base64.RawURLEncoding.Strict()

// Link is where the person of an invitation answers without signing in; empty when no secret is configured, or that is no id.
func (p *Programmes) Link(invitation string) string {
	id, err := uuid.Parse(invitation)
	if err != nil || len(p.Secret) == 0 {
		return ""
	}
	return strings.TrimSuffix(p.PublicURL, "/") + "/s/" + tokens.EncodeToString(append(id[:], p.proof(id)...))
}

// invitationOf is the id of the invitation that a token was made for, if it was.
func (p *Programmes) invitationOf(token string) (id string, ok bool) {
	var raw [tokenSize + 2]byte
	if len(token) != tokenLen || len(p.Secret) == 0 {
		return "", false
	}
	if n, err := tokens.Decode(raw[:], []byte(token)); err != nil || n != tokenSize { // a line break in it would make it shorter
		return "", false
	}
	u := uuid.UUID(raw[:16])
	return u.String(), hmac.Equal(raw[16:tokenSize], p.proof(u))
}

// proof of an id, by a key that serves nothing else.
func (p *Programmes) proof(id uuid.UUID) []byte {
	key := hmac.New(sha256.New, p.Secret)
	key.Write([]byte("survey link"))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write(id[:])
	return mac.Sum(nil)[:macSize]
}
