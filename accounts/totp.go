package accounts

import (
	"context"
	"fmt"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

const totpStep = 30 // seconds

// TOTP is the second factor of a member of staff (RFC 6238: SHA-1, six digits, 30 seconds).
type TOTP struct {
	Seal      []byte `json:"seal"` // the base32 secret under AES-256-GCM
	Confirmed bool   `json:"confirmed"`
	Step      int64  `json:"step"` // the last one used: neither it nor an earlier one is good again
}

// Enrolment is what an authenticator app needs; it is shown once.
type Enrolment struct {
	Secret string // base32
	URI    string // otpauth://…
}

// EnrolTOTP gives the caller a new second factor, which counts once it is confirmed. A confirmed one is only replaced
// after an administrator has reset it: a stolen access token must not be enough.
func (s *Service) EnrolTOTP(ctx context.Context, a actor.Actor) (*Enrolment, error) {
	if err := employee(a); err != nil {
		return nil, err
	}
	x, err := s.store.Staff(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Balagh", AccountName: x.Email, SecretSize: 20, Rand: s.Rand})
	if err != nil {
		return nil, fmt.Errorf("make a second factor: %w", err)
	}
	_, err = s.store.UpdateStaff(ctx, a.ID, func(x *Staff) error {
		if x.HasTOTP() {
			return fault.New(fault.Conflict)
		}
		x.TOTP = &TOTP{Seal: s.totpSeal.Seal(nil, nil, []byte(key.Secret()), []byte(x.ID))}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Enrolment{Secret: key.Secret(), URI: key.URL()}, nil
}

// ConfirmTOTP makes the enrolled second factor count, after a code has shown that the app has it.
func (s *Service) ConfirmTOTP(ctx context.Context, a actor.Actor, code string) error {
	if err := employee(a); err != nil {
		return err
	}
	_, err := s.store.UpdateStaff(ctx, a.ID, func(x *Staff) error {
		if x.TOTP == nil || x.TOTP.Confirmed {
			return fault.New(fault.Conflict)
		}
		ok, err := s.useTOTP(x, code)
		if err != nil {
			return err
		}
		if !ok {
			return fault.At("code", fault.NotAllowed)
		}
		x.TOTP.Confirmed = true
		return nil
	})
	return err
}

// useTOTP reports whether the code is right, allowing one step of clock error, and uses its step up.
func (s *Service) useTOTP(x *Staff, written string) (bool, error) {
	code, ok := sixDigits(written)
	if !ok {
		return false, nil
	}
	secret, err := s.totpSeal.Open(nil, nil, x.TOTP.Seal, []byte(x.ID))
	if err != nil {
		return false, fmt.Errorf("open a second factor: %w", err)
	}
	now := s.Now().Unix() / totpStep
	for step := now - 1; step <= now+1; step++ {
		right, err := hotp.ValidateCustom(code, uint64(step), string(secret),
			hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return false, fmt.Errorf("check a second factor: %w", err)
		}
		if right && step > x.TOTP.Step {
			x.TOTP.Step = step
			return true, nil
		}
	}
	return false, nil
}
