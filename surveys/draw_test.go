package surveys

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys/stats"
)

// crowd is a store of as many people as one likes.
type crowd struct {
	RoundStore
	people  int
	person  func(n int, p *FramePerson)
	resting func(n int) bool
	kept    []Invitation
}

func (c *crowd) id(n int) string { return fmt.Sprintf("0190b1e0-0000-7000-8000-%012x", n) }

func (c *crowd) People(_ context.Context, _ Frame, _, _ time.Time, visit func(*FramePerson) error) error {
	var p FramePerson
	for n := range c.people {
		p.Citizen = c.id(n)
		c.person(n, &p)
		if err := visit(&p); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) InvitedSince(_ context.Context, _ time.Time, _ string, visit func(string) error) error {
	for n := -3; n < c.people+3; n++ { // also some who are not in the frame
		if c.resting != nil && c.resting(n) {
			id := c.id(max(n, 0))
			if n < 0 {
				id = strings.Replace(c.id(n+3), "-7000-", "-6000-", 1)
			}
			if err := visit(id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *crowd) AddInvitations(_ context.Context, all []Invitation) (int, error) {
	c.kept = append(c.kept, all...)
	return len(all), nil
}

var regions = []string{"", "riyadh", "makkah", "asir", "qassim"}

func newCrowd(people int) *crowd {
	return &crowd{people: people, person: func(n int, p *FramePerson) {
		p.Snapshot = Snapshot{Centre: "c1", Region: regions[n*n%7%5], Department: "d", Category: []string{"a", "b", "c"}[n%3],
			Channel: "app",
			Gender:  []string{"male", "female", ""}[n%5%3], Company: n%11 == 0, First: n%2 == 0, Employee: "e"}
	}, resting: func(n int) bool { return n < 0 || n%9 == 4 }}
}

const testSeed = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

func drawOf(t testing.TB, c *crowd, change func(*Programme)) Drawn {
	t.Helper()
	p := &Programmes{Store: c, Now: time.Now, Zone: time.UTC}
	r := &Round{ID: event.Derive("round"), Seed: testSeed, Programme: goodProgramme()}
	change(&r.Programme)
	d, err := p.draw(context.Background(), r, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// byHand draws as the method says: everybody's number, all sorted, the first of each stratum.
func byHand(c *crowd, by []Dimension, size int) (ids []string, strata map[string]*DrawnStratum) {
	type one struct {
		id, key string
		number  []byte
	}
	seed, _ := hex.DecodeString(testSeed)
	strata = map[string]*DrawnStratum{}
	var all []one
	var p FramePerson
	for n := range c.people {
		c.person(n, &p)
		key := Stratum(&p.Snapshot, by)
		s := strata[key]
		if s == nil {
			s = &DrawnStratum{Key: key}
			strata[key] = s
		}
		if s.Population++; c.resting(n) {
			continue
		}
		s.Eligible++
		mac := hmac.New(sha256.New, seed)
		mac.Write([]byte(c.id(n)))
		all = append(all, one{c.id(n), key, mac.Sum(nil)})
	}
	slices.SortFunc(all, func(a, b one) int { return bytes.Compare(a.number, b.number) })
	var keys []string
	for key := range strata {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var eligible []int
	for _, key := range keys {
		eligible = append(eligible, strata[key].Eligible)
	}
	for i, n := range stats.Allocate(size, eligible) {
		strata[keys[i]].Sampled = n
		for _, x := range all {
			if x.key == keys[i] && n > 0 {
				ids, n = append(ids, x.id), n-1
			}
		}
	}
	slices.Sort(ids)
	return ids, strata
}

func TestDraw_isTheMethod(t *testing.T) {
	t.Parallel()
	for _, by := range [][]Dimension{nil, {ByRegion}, {ByRegion, ByGender, ByCompany}} {
		c := newCrowd(9_973)
		d := drawOf(t, c, func(x *Programme) {
			x.Sample = Sample{Method: DrawStratified, By: by, Allocation: Proportional, Size: 777}
			if by == nil {
				x.Sample = Sample{Method: DrawRandom, Size: 777}
			}
		})
		want, strata := byHand(c, by, 777)
		var got []string
		for _, i := range c.kept {
			got = append(got, i.Citizen)
			if i.Stratum != Stratum(&i.Snapshot, by) || i.State != InvitationDrawn || i.Snapshot.Channel != "app" {
				t.Fatalf("%+v", i)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("by %v: %d people, not the %d that the method draws", by, len(got), len(want))
		}
		if d.Sampled != 777 || d.Population != 9_973 || d.Eligible+d.Excluded[ExcludedQuarantine] != d.Population ||
			len(d.Strata) != len(strata) {
			t.Errorf("%+v", d)
		}
		for _, s := range d.Strata {
			if s != *strata[s.Key] {
				t.Errorf("%+v, want %+v", s, *strata[s.Key])
			}
		}
	}
}

func TestDraw_fixed(t *testing.T) {
	t.Parallel()
	c := newCrowd(2_000)
	d := drawOf(t, c, func(x *Programme) {
		x.Sample = Sample{Method: DrawStratified, By: []Dimension{ByGender}, Allocation: Fixed,
			Fixed: map[string]int{"male": 5, "female": 100_000, "other": 3}}
	})
	for _, s := range d.Strata {
		if want := map[string]int{"male": 5, "female": s.Eligible, "": 0}[s.Key]; s.Sampled != want {
			t.Errorf("%+v, want %d sampled", s, want)
		}
	}
	if len(c.kept) != d.Sampled {
		t.Errorf("kept %d, sampled %d", len(c.kept), d.Sampled)
	}
}

func TestDraw_everybody(t *testing.T) {
	t.Parallel()
	c := newCrowd(5_000)
	d := drawOf(t, c, func(x *Programme) {
		x.Sample, x.Weighting = Sample{Method: DrawAll}, Weighting{PostStratify, []Dimension{ByRegion, ByCompany}}
	})
	if d.Sampled != d.Eligible || len(c.kept) != d.Eligible || len(d.Strata) != 1 || d.Strata[0].Key != "" {
		t.Errorf("%+v, kept %d", d, len(c.kept))
	}
	sum := 0
	for key, n := range d.Cells {
		if strings.Count(key, "|") != 1 {
			t.Errorf("cell %q", key)
		}
		sum += n
	}
	regional := 0
	for _, n := range d.Margins[ByRegion] {
		regional += n
	}
	if sum != 5_000 || regional != 5_000 || d.Margins[ByCompany]["yes"] != 455 {
		t.Errorf("cells of %d, regions of %d, companies %v", sum, regional, d.Margins[ByCompany])
	}
}

func TestDraw_byMargin(t *testing.T) {
	t.Parallel()
	c := newCrowd(10_000)
	c.resting = nil
	d := drawOf(t, c, func(x *Programme) {
		x.Sample = Sample{Method: DrawRandom, Margin: 0.05, Confidence: 0.95, ExpectedRate: 0.5}
	})
	if d.Sampled != 740 { // 370 answers of 10,000
		t.Errorf("sampled %d", d.Sampled)
	}
}

func TestDraw_nobody(t *testing.T) {
	t.Parallel()
	d := drawOf(t, newCrowd(0), func(*Programme) {})
	if d.Population != 0 || d.Sampled != 0 {
		t.Errorf("%+v", d)
	}
}

// A store that gives people out of order would break the merge with the quarantine: nothing is drawn then.
func TestDraw_refusesDisorder(t *testing.T) {
	t.Parallel()
	p := &Programmes{Store: disorder{}, Now: time.Now, Zone: time.UTC}
	r := &Round{Seed: testSeed, Programme: goodProgramme()}
	if _, err := p.draw(t.Context(), r, func() error { return nil }); err == nil || !strings.Contains(err.Error(), errOrder.Error()) {
		t.Errorf("%v", err)
	}
}

type disorder struct{ RoundStore }

func (disorder) People(_ context.Context, _ Frame, _, _ time.Time, visit func(*FramePerson) error) error {
	for _, id := range []string{"b", "a"} {
		if err := visit(&FramePerson{Citizen: id}); err != nil {
			return err
		}
	}
	return nil
}

func (disorder) InvitedSince(context.Context, time.Time, string, func(string) error) error {
	return nil
}

// An error of whoever uses the people ends the reading, wherever it comes.
func TestReadFrame_ends(t *testing.T) {
	t.Parallel()
	for at := range 12 {
		p := &Programmes{Store: newCrowd(10 * chunkPeople), Now: time.Now, Zone: time.UTC}
		x, n := goodProgramme(), 0
		err := p.readFrame(t.Context(), framing{programme: &x}, func(*chunk) error {
			if n++; n > at {
				return errEnough
			}
			return nil
		})
		if want := at < 10; (err == errEnough) != want || !want && err != nil {
			t.Errorf("after %d chunks: %v", at, err)
		}
	}
}

func TestStratum_offer(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		s := stratum{limit: rng.IntN(20)}
		var all []int
		for range rng.IntN(100) {
			n := rng.IntN(50) // some are equal
			all = append(all, n)
			s.offer(randomNumber{high: uint64(n)}, fmt.Appendf(nil, "%03d", len(all)), values{})
		}
		slices.Sort(all)
		var kept []int
		for _, k := range s.kept {
			kept = append(kept, int(k.number.high))
		}
		slices.Sort(kept)
		if want := all[:min(len(all), s.limit)]; !slices.Equal(kept, want) {
			t.Fatalf("limit %d: kept %v, want %v", s.limit, kept, want)
		}
	}
}

// 10,000 of 5,000,000 people in 20 strata: less than 10 s and 200 MB, without what the store takes.
func BenchmarkDraw(b *testing.B) {
	regions := make([]string, 20)
	for i := range regions {
		regions[i] = fmt.Sprintf("region-%02d", i)
	}
	id := []byte("0190b1e0-0000-7000-8000-000000000000")
	var peak uint64
	for b.Loop() {
		c := newCrowd(0)
		c.people, c.resting = 0, nil
		p := &Programmes{Store: &many{crowd: c, regions: regions, id: id}, Now: time.Now, Zone: time.UTC}
		r := &Round{ID: event.Derive("round"), Seed: testSeed, Programme: goodProgramme()}
		r.Programme.Sample = Sample{Method: DrawStratified, By: []Dimension{ByRegion}, Allocation: Proportional, Size: 10_000}
		var m runtime.MemStats
		if _, err := p.draw(b.Context(), r, func() error {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(peak)/1e6, "MB")
}

type many struct {
	*crowd
	regions []string
	id      []byte
}

func (m *many) People(_ context.Context, _ Frame, _, _ time.Time, visit func(*FramePerson) error) error {
	p := FramePerson{Snapshot: Snapshot{Centre: "riyadh", Department: "maintenance", Category: "loudspeakers", Channel: "phone",
		Gender: "male", Residency: "citizen"}}
	for n := range 5_000_000 {
		hex.Encode(m.id[24:], []byte{0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		p.Citizen, p.Region = string(m.id), m.regions[n%20]
		if err := visit(&p); err != nil {
			return err
		}
	}
	return nil
}
