package push

import (
	"context"
	"time"
)

// Device of a person.
type Device struct {
	ID       string
	Token    string  // to push to; empty when the phone gave none
	Platform string  // android, ios or web
	Language string  // empty: the person's
	Keys     WebKeys // of a browser that is reached by Web Push; then Token is its end point
}

// channel that reaches the device.
func (d Device) channel() string {
	if d.Keys != (WebKeys{}) {
		return ChannelWeb
	}
	return ChannelPush
}

// WebKeys are what a browser gives to encrypt to it (RFC 8291), in base64url.
type WebKeys struct {
	P256dh string `json:"p256dh"` // its public key, uncompressed
	Auth   string `json:"auth"`   // 16 random bytes
}

// Contact is how a person can be reached, and wants to be.
type Contact struct {
	Name     string
	Language string
	Phone    string // E.164; empty when unknown
	Email    string
	Push     bool // wanted
	SMS      bool
	Mail     bool
	Quiet    Quiet
	Devices  []Device
}

// Directory knows the people.
type Directory interface {
	// Contacts of citizens, by id; one without an account is left out.
	Contacts(ctx context.Context, citizens []string) (map[string]Contact, error)
	// DropToken takes the token from the citizen's device that has it; nothing happens when none has it any more.
	DropToken(ctx context.Context, citizen, token string) error
	// SetAside leaves the token out of Contacts for a while: another sender's project owns it, or this one's credentials are another
	// project's, and then no token is lost. A phone that registers again takes it back into use.
	SetAside(ctx context.Context, citizen, token string) error
}

// Quiet hours of a person. The zero value is none.
type Quiet struct {
	From, To time.Duration // since midnight; From may be later than To
	Zone     *time.Location
}

// Until is when the quiet hours in which t lies end; t itself when it lies in none.
func (q Quiet) Until(t time.Time) time.Time {
	if q.From == q.To || q.Zone == nil {
		return t
	}
	local := t.In(q.Zone)
	at := func(day int, since time.Duration) time.Time { // by the clock on the wall, also on a day of 23 or 25 hours
		return time.Date(local.Year(), local.Month(), local.Day()+day, 0, int(since/time.Minute), 0, 0, q.Zone)
	}
	for day := -1; day <= 0; day++ { // those that began yesterday, and those that begin today
		from, to := at(day, q.From), at(day, q.To)
		if q.To < q.From {
			to = at(day+1, q.To)
		}
		if !local.Before(from) && local.Before(to) {
			return to.UTC()
		}
	}
	return t
}
