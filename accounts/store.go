package accounts

import (
	"context"
	"time"
)

// Store is what the package needs of a backend. What is absent is fault.NotFound. Updates run the closure on a fresh copy,
// again after a lost race; an error of the closure changes nothing. Nothing needs a transaction over two documents.
type Store interface {
	// AddCitizen refuses a phone that another citizen has with fault.Exists.
	AddCitizen(ctx context.Context, c *Citizen) error
	Citizen(ctx context.Context, id string) (*Citizen, error)
	// Citizens of those ids that there are, in any order.
	Citizens(ctx context.Context, ids []string) ([]*Citizen, error)
	CitizenByPhone(ctx context.Context, phone string) (*Citizen, error)
	UpdateCitizen(ctx context.Context, id string, change func(*Citizen) error) (*Citizen, error)

	// PutDevice makes or replaces the citizen's device of that id; its push token leaves every other device that had it.
	PutDevice(ctx context.Context, d *Device) error
	// Devices of a citizen, last seen first.
	Devices(ctx context.Context, citizen string) ([]*Device, error)
	// PushDevices are the devices of those citizens that have a push token, each citizen's last seen first.
	PushDevices(ctx context.Context, citizens []string) ([]*Device, error)
	DeleteDevice(ctx context.Context, citizen, id string) error
	// DropPushToken takes the token from the citizen's devices that have it at this moment.
	DropPushToken(ctx context.Context, citizen, token string) error
	// SetTokenAside notes on the citizen's device that has the token at this moment since when it is not to be used. PutDevice forgets it.
	SetTokenAside(ctx context.Context, citizen, token string, since time.Time) error

	// PutCode replaces the code that was there for its key.
	PutCode(ctx context.Context, c *Code) error
	// SpendCode counts a try and reports whether it was right: there is a code for key, it has not expired at now, fewer than
	// tries were made, and its MAC is the one given. A right code is gone. Each try is counted before it is compared, so no
	// more than tries are ever compared, and of any number of right ones at once a single one is told so.
	SpendCode(ctx context.Context, key string, mac []byte, tries int, now time.Time) (bool, error)

	AddSession(ctx context.Context, x *Session) error
	Session(ctx context.Context, id string) (*Session, error)
	UpdateSession(ctx context.Context, id string, change func(*Session) error) (*Session, error)
	// EndSessions ends every session of the account but the one named except, and gives the ids of those that it ended.
	EndSessions(ctx context.Context, account, except string, now time.Time) ([]string, error)
	// EndedSessions are those that were ended at since or later: id → when.
	EndedSessions(ctx context.Context, since time.Time) (map[string]time.Time, error)

	AddKey(ctx context.Context, k *Key) error
	Keys(ctx context.Context) ([]*Key, error)
	DropKey(ctx context.Context, id string) error

	// AddStaff refuses an e-mail that another has with fault.Exists.
	AddStaff(ctx context.Context, x *Staff) error
	Staff(ctx context.Context, id string) (*Staff, error)
	StaffByEmail(ctx context.Context, email string) (*Staff, error)
	UpdateStaff(ctx context.Context, id string, change func(*Staff) error) (*Staff, error)
	// ListStaff gives up to limit members in the order of their ids, from the one after the id given.
	ListStaff(ctx context.Context, after string, limit int) ([]*Staff, error)
	// Admins counts the active administrators.
	Admins(ctx context.Context) (int, error)

	// Take counts one use of every quota, or says how long to wait when one of them is used up. Each counter changes
	// atomically (Counter.Take); no limit is ever exceeded.
	Take(ctx context.Context, now time.Time, quotas []Quota) (wait time.Duration, err error)
	// ForgetCounter starts the counter of that key anew.
	ForgetCounter(ctx context.Context, key string) error

	// SweepAccounts removes codes, sessions and counters that expired before now, and sessions that ended before ended.
	SweepAccounts(ctx context.Context, now, ended time.Time) error
}
