package accounts

import (
	"cmp"
	"context"
	"crypto/hmac"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// memory is a Store for the tests of the service; the real ones are tested by storetest.
type memory struct {
	mu       sync.Mutex
	citizens map[string]*Citizen
	devices  map[[2]string]*Device
	codes    map[string]*Code
	sessions map[string]*Session
	keys     map[string]*Key
	staff    map[string]*Staff
	counters map[string]*Counter
	reads    int    // of keys
	adding   func() // runs before a session is added
}

func newMemory() *memory {
	return &memory{citizens: map[string]*Citizen{}, devices: map[[2]string]*Device{}, codes: map[string]*Code{}, sessions: map[string]*Session{},
		keys: map[string]*Key{}, staff: map[string]*Staff{}, counters: map[string]*Counter{}}
}

func clone[T any](v *T) *T {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	c := new(T)
	if err := json.Unmarshal(b, c); err != nil {
		panic(err)
	}
	return c
}

func one[T any](m *memory, in map[string]*T, match func(*T) bool) (*T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range in {
		if match(v) {
			return clone(v), nil
		}
	}
	return nil, fault.New(fault.NotFound)
}

func add[T any](m *memory, in map[string]*T, id string, v *T, clash func(*T) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for other, x := range in {
		if other == id || clash(x) {
			return fault.New(fault.Exists)
		}
	}
	in[id] = clone(v)
	return nil
}

func update[T any](m *memory, in map[string]*T, id string, change func(*T) error, rev func(*T) *int64) (*T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if in[id] == nil {
		return nil, fault.New(fault.NotFound)
	}
	v := clone(in[id])
	if err := change(v); err != nil {
		return nil, err
	}
	*rev(v)++
	in[id] = clone(v)
	return v, nil
}

func (m *memory) AddCitizen(_ context.Context, c *Citizen) error {
	return add(m, m.citizens, c.ID, c, func(o *Citizen) bool { return o.Phone == c.Phone })
}

func (m *memory) Citizen(_ context.Context, id string) (*Citizen, error) {
	return one(m, m.citizens, func(c *Citizen) bool { return c.ID == id })
}

func (m *memory) Citizens(_ context.Context, ids []string) ([]*Citizen, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*Citizen
	for _, id := range ids {
		if c := m.citizens[id]; c != nil {
			all = append(all, clone(c))
		}
	}
	return all, nil
}

func (m *memory) PushDevices(ctx context.Context, citizens []string) ([]*Device, error) {
	var all []*Device
	for _, id := range citizens {
		ds, err := m.Devices(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(ds, func(d *Device) bool { return d.PushToken == "" })...)
	}
	return all, nil
}

func (m *memory) CitizenByPhone(_ context.Context, phone string) (*Citizen, error) {
	return one(m, m.citizens, func(c *Citizen) bool { return c.Phone == phone })
}

func (m *memory) UpdateCitizen(_ context.Context, id string, change func(*Citizen) error) (*Citizen, error) {
	return update(m, m.citizens, id, change, func(c *Citizen) *int64 { return &c.Rev })
}

func (m *memory) PutDevice(_ context.Context, d *Device) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.devices {
		if o.PushToken == d.PushToken {
			o.PushToken = ""
		}
	}
	m.devices[[2]string{d.Citizen, d.ID}] = clone(d)
	return nil
}

func (m *memory) Devices(_ context.Context, citizen string) ([]*Device, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*Device
	for _, d := range m.devices {
		if d.Citizen == citizen {
			all = append(all, clone(d))
		}
	}
	slices.SortFunc(all, func(a, b *Device) int { return cmp.Or(b.Seen.Compare(a.Seen), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

func (m *memory) DeleteDevice(_ context.Context, citizen, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.devices[[2]string{citizen, id}] == nil {
		return fault.New(fault.NotFound)
	}
	delete(m.devices, [2]string{citizen, id})
	return nil
}

func (m *memory) SetTokenAside(_ context.Context, citizen, token string, since time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.devices {
		if d.Citizen == citizen && d.PushToken == token {
			d.Aside = since
		}
	}
	return nil
}

func (m *memory) DropPushToken(_ context.Context, citizen, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.devices {
		if d.Citizen == citizen && d.PushToken == token {
			d.PushToken = ""
		}
	}
	return nil
}

func (m *memory) PutCode(_ context.Context, c *Code) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.codes[c.Key] = clone(c)
	return nil
}

func (m *memory) SpendCode(_ context.Context, key string, mac []byte, tries int, now time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.codes[key]
	if c == nil || !now.Before(c.Expires) || c.Tries >= tries {
		return false, nil
	}
	c.Tries++
	if !hmac.Equal(c.MAC, mac) {
		return false, nil
	}
	delete(m.codes, key)
	return true, nil
}

func (m *memory) AddSession(_ context.Context, x *Session) error {
	if m.adding != nil {
		m.adding()
	}
	return add(m, m.sessions, x.ID, x, func(*Session) bool { return false })
}

func (m *memory) Session(_ context.Context, id string) (*Session, error) {
	return one(m, m.sessions, func(x *Session) bool { return x.ID == id })
}

func (m *memory) UpdateSession(_ context.Context, id string, change func(*Session) error) (*Session, error) {
	return update(m, m.sessions, id, change, func(x *Session) *int64 { return &x.Rev })
}

func (m *memory) EndSessions(_ context.Context, account, except string, now time.Time) (ids []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, x := range m.sessions {
		if x.Account == account && id != except && x.Ended.IsZero() {
			x.Ended = now
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (m *memory) EndedSessions(_ context.Context, since time.Time) (map[string]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]time.Time{}
	for id, x := range m.sessions {
		if !x.Ended.IsZero() && !x.Ended.Before(since) {
			all[id] = x.Ended
		}
	}
	return all, nil
}

func (m *memory) AddKey(_ context.Context, k *Key) error {
	return add(m, m.keys, k.ID, k, func(*Key) bool { return false })
}

func (m *memory) Keys(context.Context) (all []*Key, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	for _, k := range m.keys {
		all = append(all, clone(k))
	}
	return all, nil
}

func (m *memory) DropKey(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.keys, id)
	return nil
}

func (m *memory) AddStaff(_ context.Context, x *Staff) error {
	return add(m, m.staff, x.ID, x, func(o *Staff) bool { return o.Email == x.Email })
}

func (m *memory) Staff(_ context.Context, id string) (*Staff, error) {
	return one(m, m.staff, func(x *Staff) bool { return x.ID == id })
}

func (m *memory) StaffByEmail(_ context.Context, email string) (*Staff, error) {
	return one(m, m.staff, func(x *Staff) bool { return x.Email == email })
}

func (m *memory) UpdateStaff(_ context.Context, id string, change func(*Staff) error) (*Staff, error) {
	return update(m, m.staff, id, change, func(x *Staff) *int64 { return &x.Rev })
}

func (m *memory) ListStaff(_ context.Context, after string, limit int) (page []*Staff, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(m.staff)) {
		if id > after && len(page) < limit {
			page = append(page, clone(m.staff[id]))
		}
	}
	return page, nil
}

func (m *memory) Admins(context.Context) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range m.staff {
		if x.Active && x.Role == actor.Admin {
			n++
		}
	}
	return n, nil
}

func (m *memory) Take(_ context.Context, now time.Time, quotas []Quota) (wait time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := map[string]*Counter{}
	for _, q := range quotas {
		c := &Counter{}
		if m.counters[q.Key] != nil {
			c = clone(m.counters[q.Key])
		}
		wait = max(wait, c.Take(now, q.Limit))
		next[q.Key] = c
	}
	if wait == 0 {
		maps.Copy(m.counters, next)
	}
	return wait, nil
}

func (m *memory) ForgetCounter(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.counters, key)
	return nil
}

func (m *memory) SweepAccounts(context.Context, time.Time, time.Time) error { return nil }

// clock is the time of a test.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type text struct{ phone, language, code string }

// sms keeps what was sent.
type sms struct {
	mu   sync.Mutex
	sent []text
	err  error
}

func (s *sms) SendCode(_ context.Context, phone, language, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.sent = append(s.sent, text{phone, language, code})
	}
	return s.err
}

func (s *sms) last() text { return s.sent[len(s.sent)-1] }

// world is a service with all that it stands on.
type world struct {
	*Service
	store *memory
	clock *clock
	sms   *sms
}

var (
	epoch  = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	secret = []byte("a secret of thirty-two bytes, or more")
	cheap  = PasswordCost{MemoryKiB: 64, Passes: 1}
	system = actor.Actor{Kind: actor.System}
)

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	w := &world{store: newMemory(), clock: &clock{at: epoch}, sms: &sms{}}
	w.Service = w.another(t, change...)
	return w
}

// another is a second process on the same store.
func (w *world) another(t testing.TB, change ...func(*Config)) *Service {
	t.Helper()
	c := Config{Secret: secret, Now: w.clock.now, PasswordCost: cheap}
	for _, f := range change {
		f(&c)
	}
	s, err := New(t.Context(), c, w.store, w.sms)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// signIn signs a citizen in with a fresh code.
func (w *world) signIn(t testing.TB, phone, device string) (*Grant, actor.Actor) {
	t.Helper()
	if _, err := w.RequestCode(t.Context(), CodeRequest{Phone: phone}); err != nil {
		t.Fatal(err)
	}
	g, err := w.SignInWithCode(t.Context(), CodeSignIn{Phone: phone, Code: w.sms.last().code, Device: device})
	if err != nil {
		t.Fatal(err)
	}
	return g, w.who(t, g)
}

func (w *world) who(t testing.TB, g *Grant) actor.Actor {
	t.Helper()
	a, err := w.Verify(t.Context(), g.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const goodPassword = "correct horse battery"

// hire makes a member of staff and signs them in.
func (w *world) hire(t testing.TB, email string, role actor.Role) (*Grant, actor.Actor) {
	t.Helper()
	_, err := w.CreateStaff(t.Context(), system, NewStaff{Email: email, Name: "Name", Password: goodPassword, Role: role,
		Centres: []string{"riyadh"}, Departments: []string{actor.All}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := w.SignInWithPassword(t.Context(), PasswordSignIn{Email: email, Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	return g, w.who(t, g)
}

func wantCode(t testing.TB, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Fatalf("got %q (%v), want %q", got, err, want)
	}
}

// wantField wants an Invalid fault of just that field.
func wantField(t testing.TB, err error, path string, r fault.Reason) {
	t.Helper()
	wantCode(t, err, fault.Invalid)
	if e := err.(*fault.Error); !slices.Contains(e.Fields, fault.Field{Path: path, Reason: r}) {
		t.Fatalf("got %v, want %s %s", err, path, r)
	}
}
