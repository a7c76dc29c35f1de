package accounts

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"github.com/balagh/balagh/fault"
)

const (
	codeTries   = 5
	resendAfter = time.Minute
)

// Code is a one-time code as it is stored.
type Code struct {
	Key     string    `json:"key"` // stands for the phone
	MAC     []byte    `json:"mac"`
	Tries   int       `json:"tries"`
	Expires time.Time `json:"expires"`
}

// CodeRequest asks for a one-time code.
type CodeRequest struct {
	Phone    string
	Language string // of the text message; Arabic when empty
	Address  string // of the client; "" when there is none
}

// CodeSent says how long the code lives and when the app may offer to send another.
type CodeSent struct {
	ExpiresIn   time.Duration
	ResendAfter time.Duration
}

// RequestCode sends a one-time code to a phone. It never looks whether the number has an account, so neither its answer nor
// its time can tell. A new code takes the place of the former. The faults are Invalid, TooManyRequests and Unavailable.
func (s *Service) RequestCode(ctx context.Context, r CodeRequest) (CodeSent, error) {
	var wrong fault.Fields
	n, ok := parsePhone(r.Phone)
	switch {
	case strings.TrimSpace(r.Phone) == "":
		wrong.Add("phone", fault.Required)
	case !ok:
		wrong.Add("phone", fault.WrongFormat)
	case !textable(n):
		wrong.Add("phone", fault.NotAllowed)
	}
	language := orArabic(r.Language)
	checkLanguage(&wrong, language)
	if err := wrong.Err(); err != nil {
		return CodeSent{}, err
	}
	phone := phonenumbers.Format(n, phonenumbers.E164)
	if err := s.take(ctx, s.codeQuotas(phone, int(n.GetCountryCode()), r.Address)...); err != nil {
		return CodeSent{}, err
	}
	number, err := rand.Int(s.Rand, big.NewInt(1_000_000))
	if err != nil {
		return CodeSent{}, fmt.Errorf("read randomness: %w", err)
	}
	code := fmt.Sprintf("%06d", number)
	key := s.masked("code", phone)
	if err := s.store.PutCode(ctx, &Code{Key: key, MAC: s.codeMAC(phone, code), Expires: s.Now().Add(s.CodeLife).UTC()}); err != nil {
		return CodeSent{}, fmt.Errorf("store a code: %w", err)
	}
	if err := s.sender.SendCode(ctx, phone, language, code); err != nil {
		return CodeSent{}, &fault.Error{Code: fault.Unavailable, RetryAfter: resendAfter, Cause: fmt.Errorf("send a code: %w", err)}
	}
	return CodeSent{ExpiresIn: s.CodeLife, ResendAfter: resendAfter}, nil
}

func (s *Service) codeQuotas(phone string, dialCode int, address string) []Quota {
	quotas := []Quota{
		{s.masked("sends", phone), s.Limits.Phone},
		{s.masked("sends a day", phone), s.Limits.PhoneDay},
		{"sends a day", s.Limits.Total},
	}
	if address != "" {
		quotas = append(quotas, Quota{s.masked("sends by address", address), s.Limits.Address})
	}
	if dialCode != homeDialCode {
		quotas = append(quotas, Quota{"sends a day to " + strconv.Itoa(dialCode), s.Limits.DialCode})
	}
	return quotas
}

func (s *Service) codeMAC(phone, code string) []byte {
	return mac(s.codeKey, []byte(phone), []byte(code))
}

// CodeSignIn signs a citizen in.
type CodeSignIn struct {
	Phone    string
	Code     string
	Device   string // UUID of the phone; optional
	Language string // of an account that is made now; Arabic when empty
}

// SignInWithCode spends a one-time code. The first time that a number does so makes its account. The faults are Invalid and
// CodeRefused, which does not say whether the code was wrong, late, used, tried too often or never sent.
func (s *Service) SignInWithCode(ctx context.Context, in CodeSignIn) (*Grant, error) {
	var wrong fault.Fields
	phone, ok := ParsePhone(in.Phone)
	switch {
	case strings.TrimSpace(in.Phone) == "":
		wrong.Add("phone", fault.Required)
	case !ok:
		wrong.Add("phone", fault.WrongFormat)
	}
	code, ok := sixDigits(in.Code)
	switch {
	case in.Code == "":
		wrong.Add("code", fault.Required)
	case !ok:
		wrong.Add("code", fault.WrongFormat)
	}
	device := checkDevice(&wrong, "device_id", in.Device)
	language := orArabic(in.Language)
	checkLanguage(&wrong, language)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	right, err := s.store.SpendCode(ctx, s.masked("code", phone), s.codeMAC(phone, code), codeTries, s.Now())
	if err != nil {
		return nil, fmt.Errorf("spend a code: %w", err)
	}
	if !right {
		return nil, fault.New(fault.CodeRefused)
	}
	c, isNew, err := s.ensureCitizen(ctx, Caller{Phone: phone, Language: language})
	if err != nil {
		return nil, err
	}
	return s.grantCitizen(ctx, c.ID, device, isNew)
}

// sixDigits reads a code as people type it, also with Arabic or Urdu digits and spaces.
func sixDigits(written string) (string, bool) {
	if len(written) > 64 {
		return "", false
	}
	code := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return digit(r)
	}, written)
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		return "", false
	}
	return code, true
}
