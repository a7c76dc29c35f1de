package accounts

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/balagh/balagh/fault"
)

// PasswordCost of argon2id; the zero value stands for 19 MiB and 2 passes, as OWASP's cheat sheet on password storage asks.
type PasswordCost struct {
	MemoryKiB uint32
	Passes    uint32
}

func (c PasswordCost) withDefaults() PasswordCost {
	if c.MemoryKiB == 0 {
		c.MemoryKiB = 19 << 10
	}
	if c.Passes == 0 {
		c.Passes = 2
	}
	return c
}

const (
	passwordMin   = 12  // characters
	passwordMax   = 128 // characters
	passwordBytes = 1024
)

var errHash = errors.New("a stored password hash cannot be read")

// hashPassword gives the PHC string of a password.
func (s *Service) hashPassword(ctx context.Context, password string) (string, error) {
	salt, err := s.random(16)
	if err != nil {
		return "", err
	}
	key, err := s.argon(ctx, password, salt, s.PasswordCost, 32)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding.EncodeToString
	c := s.PasswordCost
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, c.MemoryKiB, c.Passes, b64(salt), b64(key)), nil
}

// passwordIs reports whether a PHC string is of this password.
func (s *Service) passwordIs(ctx context.Context, phc, password string) (bool, error) {
	cost, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, err
	}
	got, err := s.argon(ctx, password, salt, cost, uint32(len(want)))
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1, err
}

// argon waits for one of as many places as there are processors: a flood of sign-ins costs time, not memory.
func (s *Service) argon(ctx context.Context, password string, salt []byte, c PasswordCost, size uint32) ([]byte, error) {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(norm.NFKC.String(password)), salt, c.Passes, c.MemoryKiB, 1, size), nil
}

func parsePHC(phc string) (c PasswordCost, salt, key []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	var lanes int
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Passes, &lanes); err != nil || lanes != 1 || c.Passes == 0 {
		return c, nil, nil, errHash
	}
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return c, nil, nil, errHash
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(key) < 16 {
		return c, nil, nil, errHash
	}
	return c, salt, key, nil
}

// checkPassword refuses a new password that is short, long, common, one character over and over, or made of the e-mail.
func checkPassword(wrong *fault.Fields, path, password, email string) {
	n := utf8.RuneCountInString(password)
	folded := strings.ToLower(password)
	local, _, _ := strings.Cut(email, "@")
	switch {
	case password == "":
		wrong.Add(path, fault.Required)
	case n < passwordMin:
		wrong.Add(path, fault.TooShort)
	case n > passwordMax || len(password) > passwordBytes:
		wrong.Add(path, fault.TooLong)
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		wrong.Add(path, fault.WrongFormat)
	case common(folded) || folded == email || len(local) >= 4 && strings.Trim(strings.ReplaceAll(folded, local, ""), "0123456789!@#.-_") == "":
		wrong.Add(path, fault.NotAllowed)
	}
}

// common reports whether a password, in small letters, is nothing but words of the commonest ones and digits.
func common(folded string) bool {
	rest := strings.NewReplacer("0", "o", "@", "a", "$", "s").Replace(folded)
	for _, word := range commonWords {
		rest = strings.ReplaceAll(rest, word, "")
		folded = strings.ReplaceAll(folded, word, "")
	}
	const filler = "o0123456789!@#$%.-_ "
	first, _ := utf8.DecodeRuneInString(folded)
	return strings.Trim(rest, filler) == "" || strings.Trim(folded, filler) == "" || strings.Trim(folded, string(first)) == ""
}

// commonWords are what the commonest passwords of twelve characters and more are put together from.
var commonWords = []string{
	"password", "passwort", "passw", "qwertyuiop", "qwerty", "asdfghjkl", "asdfgh", "zxcvbnm", "1q2w3e4r", "1qaz2wsx", "letmein", "welcome",
	"iloveyou", "administrator", "admin", "changeme", "abcdefghijkl", "abcdef", "abc", "secret", "sunshine", "princess", "football", "monkey",
	"dragon", "master", "login", "saudi", "riyadh", "balagh", "ksa", "كلمةالسر", "كلمة السر", "السعودية",
}
