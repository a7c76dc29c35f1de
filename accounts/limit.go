package accounts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/fault"
)

// Limit allows Max uses within any Window. A Max below zero is no limit.
type Limit struct {
	Max    int
	Window time.Duration
}

// Limits of codes and passwords; a zero one stands for its default.
type Limits struct {
	Phone           Limit // codes to one number: 3 in 10 minutes
	PhoneDay        Limit // and 10 a day, so that nobody collects tries by asking for ever new codes
	Address         Limit // codes asked for from one client address: 20 in 10 minutes
	DialCode        Limit // codes to one country other than the home one: 200 a day
	Total           Limit // codes altogether: 100,000 a day
	Password        Limit // wrong passwords or second factors of one e-mail: 10 in 15 minutes
	PasswordAddress Limit // passwords tried from one client address: 300 in 15 minutes
	Lookup          Limit // callers that one member of staff looks up: 300 in 10 minutes
}

func (l Limits) withDefaults() Limits {
	for limit, v := range map[*Limit]Limit{
		&l.Phone:           {3, 10 * time.Minute},
		&l.PhoneDay:        {10, 24 * time.Hour},
		&l.Address:         {20, 10 * time.Minute},
		&l.DialCode:        {200, 24 * time.Hour},
		&l.Total:           {100_000, 24 * time.Hour},
		&l.Password:        {10, 15 * time.Minute},
		&l.PasswordAddress: {300, 15 * time.Minute},
		&l.Lookup:          {300, 10 * time.Minute},
	} {
		if limit.Max == 0 {
			limit.Max = v.Max
		}
		if limit.Window == 0 {
			limit.Window = v.Window
		}
	}
	return l
}

// Quota is a counter and its limit.
type Quota struct {
	Key string // carries no personal data
	Limit
}

// Counter counts the uses of one key in a window that slides. It stays small whatever it counts: uses within a 64th of
// the window are kept as one, at the time of the last, so it may wait a little longer than needed and never allows more.
type Counter struct {
	Uses []Use `json:"uses"`
}

// Use is a number of uses at about one moment.
type Use struct {
	At int64 `json:"at"` // milliseconds since 1970
	N  int   `json:"n"`
}

// Take counts one use at now and returns 0, or counts nothing and returns how long to wait.
func (c *Counter) Take(now time.Time, l Limit) time.Duration {
	at, window := now.UnixMilli(), l.Window.Milliseconds()
	kept, sum := c.Uses[:0], 0
	for _, u := range c.Uses {
		if u.At+window > at && u.At < at+window { // one from far ahead is of a clock that was set back
			kept = append(kept, u)
			sum += u.N
		}
	}
	c.Uses = kept
	if sum >= l.Max {
		for _, u := range kept {
			if sum -= u.N; sum < l.Max {
				return time.Duration(u.At+window-at) * time.Millisecond
			}
		}
		return l.Window
	}
	slot := max(1, window/64)
	if n := len(kept); n > 0 && kept[n-1].At/slot == at/slot {
		kept[n-1].At = max(at, kept[n-1].At)
		kept[n-1].N++
		return 0
	}
	c.Uses = append(kept, Use{at, 1})
	return 0
}

// take counts one use of each quota, or is fault.TooManyRequests.
func (s *Service) take(ctx context.Context, quotas ...Quota) error {
	limited := slices.DeleteFunc(slices.Clone(quotas), func(q Quota) bool { return q.Max < 0 })
	if len(limited) == 0 {
		return nil
	}
	wait, err := s.store.Take(ctx, s.Now(), limited)
	if err != nil {
		return fmt.Errorf("count against the limits: %w", err)
	}
	if wait > 0 {
		return fault.Later(fault.TooManyRequests, wait)
	}
	return nil
}
