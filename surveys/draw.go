package surveys

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys/stats"
)

// ExcludedQuarantine is the rule of Drawn.Excluded for those who were invited, or are to be, within the quarantine.
const ExcludedQuarantine = "quarantine"

// randomNumber is the permanent random number of a person in a round: the first 16 bytes of HMAC-SHA256(seed, citizen id), with
// the 32 bytes that Round.Seed is the hexadecimal form of as the key. Those with the smallest numbers in their stratum are
// drawn, so anybody who has the seed and the frame draws the same sample. Source: E. Ohlsson, "Coordination of samples using
// permanent random numbers", in "Business Survey Methods" (1995).
type randomNumber struct{ high, low uint64 }

func numberOf(mac []byte) randomNumber {
	return randomNumber{binary.BigEndian.Uint64(mac), binary.BigEndian.Uint64(mac[8:])}
}

func (n randomNumber) above(o randomNumber) bool {
	return n.high > o.high || n.high == o.high && n.low > o.low
}

// ticket is a person who may be drawn.
type ticket struct {
	number  randomNumber
	citizen string
	values  values
}

// above orders people by their numbers; that two are equal never happens, but decides itself.
func (t *ticket) above(o *ticket) bool {
	return t.number.above(o.number) || t.number == o.number && t.citizen > o.citizen
}

// stratum of a sample being drawn. kept is a heap with the largest number on top, of at most limit people.
type stratum struct {
	key                  string
	population, eligible int
	limit                int
	kept                 []ticket
}

// offer keeps a person when the number is among the smallest so far.
func (s *stratum) offer(number randomNumber, citizen []byte, v values) {
	full := len(s.kept) >= s.limit
	if s.limit == 0 || full && number.above(s.kept[0].number) {
		return
	}
	t := ticket{number, string(citizen), v}
	if !full {
		s.kept = append(s.kept, t)
		for i := len(s.kept) - 1; i > 0; {
			up := (i - 1) / 2
			if !s.kept[i].above(&s.kept[up]) {
				return
			}
			s.kept[i], s.kept[up], i = s.kept[up], s.kept[i], up
		}
		return
	}
	if t.above(&s.kept[0]) {
		return
	}
	s.kept[0] = t
	for i := 0; ; {
		top := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(s.kept) && s.kept[down].above(&s.kept[top]) {
				top = down
			}
		}
		if top == i {
			return
		}
		s.kept[i], s.kept[top], i = s.kept[top], s.kept[i], top
	}
}

// margin counts the population by the values of a dimension.
type margin struct {
	dimension Dimension
	at        int // its place
	counts    []int
}

func (m *margin) count(v *values) {
	n := int(v[m.at])
	for len(m.counts) <= n {
		m.counts = append(m.counts, 0)
	}
	m.counts[n]++
}

// drawing counts the people of a frame, and draws of them when it has a seed. Its memory grows with the sample and the strata.
type drawing struct {
	sample      *Sample
	population  int
	quarantined int
	by          []int // places of the dimensions of the strata
	strata      map[[MaxStrata]uint32]*stratum
	margins     []margin
	weightBy    []int // places of the dimensions of cells; none when there are too many
	cells       map[[MaxStrata]uint32]int
	table       []string
	mac         hash.Hash // nil: nobody is drawn
	limit       int       // people kept of a stratum at most
	everybody   func(*ticket) error
}

func newDrawing(x *Programme, seed []byte) *drawing {
	d := &drawing{sample: &x.Sample, strata: map[[MaxStrata]uint32]*stratum{}, cells: map[[MaxStrata]uint32]int{}, table: []string{""}}
	for _, dim := range x.Sample.By {
		d.by = append(d.by, place(dim))
	}
	for _, dim := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(x.Sample.By, x.Weighting.By)))) {
		d.margins = append(d.margins, margin{dimension: dim, at: place(dim)})
	}
	if len(x.Weighting.By) <= MaxStrata {
		for _, dim := range x.Weighting.By {
			d.weightBy = append(d.weightBy, place(dim))
		}
	}
	if seed != nil {
		d.mac = hmac.New(sha256.New, seed)
	}
	if d.sample.Method != DrawAll {
		d.limit = d.sample.wanted(math.MaxInt32)
	}
	if len(d.by) == 0 {
		d.stratum([MaxStrata]uint32{}) // is told also when nobody is in it
	}
	return d
}

// wanted is how many invitations a sample out of so many people has; of a fixed allocation the strata say it. With a margin it
// is what that needs.
func (s *Sample) wanted(population int) int {
	if s.Size > 0 {
		return min(s.Size, population)
	}
	return min(s.needed(population), population, MaxSample)
}

// needed is how many invitations the margin needs, 0 without one.
func (s *Sample) needed(population int) int {
	if s.Margin == 0 {
		return 0
	}
	return stats.Invitations(stats.SampleSize(s.Margin, s.Confidence, 0.5, population), s.ExpectedRate)
}

func pick(v *values, places []int) (key [MaxStrata]uint32) {
	for i, at := range places {
		key[i] = v[at]
	}
	return key
}

// named is the key as it is published: see Stratum.
func (d *drawing) named(key [MaxStrata]uint32, places []int) string {
	names := make([]string, len(places))
	for i := range places {
		names[i] = d.table[key[i]]
	}
	return strings.Join(names, "|")
}

func (d *drawing) stratum(key [MaxStrata]uint32) *stratum {
	s := d.strata[key]
	if s == nil {
		s = &stratum{key: d.named(key, d.by), limit: d.limit}
		if d.sample.Allocation == Fixed {
			s.limit = d.sample.Fixed[s.key]
		}
		d.strata[key] = s
	}
	return s
}

// take counts a chunk of the frame.
func (d *drawing) take(c *chunk) error {
	d.table = c.table
	var sum [sha256.Size]byte
	for i := range c.values {
		v := &c.values[i]
		d.population++
		for m := range d.margins {
			d.margins[m].count(v)
		}
		if len(d.weightBy) > 0 {
			d.cells[pick(v, d.weightBy)]++
		}
		s := d.stratum(pick(v, d.by))
		s.population++
		if c.quarantined[i] {
			d.quarantined++
			continue
		}
		s.eligible++
		switch {
		case d.everybody != nil:
			if err := d.everybody(&ticket{citizen: string(c.id(i)), values: *v}); err != nil {
				return err
			}
		case d.mac != nil:
			d.mac.Reset()
			d.mac.Write(c.id(i))
			s.offer(numberOf(d.mac.Sum(sum[:0])), c.id(i), *v)
		}
	}
	return nil
}

// drawn says how the sample came about, and gives those of each stratum who are in it.
func (d *drawing) drawn() (Drawn, [][]ticket) {
	r := Drawn{Population: d.population, Excluded: map[string]int{ExcludedQuarantine: d.quarantined},
		Eligible: d.population - d.quarantined,
		Strata:   []DrawnStratum{}, Margins: map[Dimension]map[string]int{}, Cells: map[string]int{}}
	strata := slices.SortedFunc(maps.Values(d.strata), func(a, b *stratum) int { return strings.Compare(a.key, b.key) })
	eligible := make([]int, len(strata))
	for i, s := range strata {
		eligible[i] = s.eligible
	}
	sizes := eligible
	switch {
	case d.sample.Method == DrawAll:
	case d.sample.Allocation == Fixed:
		sizes = make([]int, len(strata))
		for i, s := range strata {
			sizes[i] = min(s.limit, s.eligible)
		}
	default:
		sizes = stats.Allocate(d.sample.wanted(d.population), eligible)
	}
	chosen := make([][]ticket, len(strata))
	for i, s := range strata {
		r.Sampled += sizes[i]
		r.Strata = append(r.Strata, DrawnStratum{Key: s.key, Population: s.population, Eligible: s.eligible, Sampled: sizes[i]})
		slices.SortFunc(s.kept, func(a, b ticket) int {
			return cmp.Or(cmp.Compare(a.number.high, b.number.high), cmp.Compare(a.number.low, b.number.low),
				strings.Compare(a.citizen, b.citizen))
		})
		chosen[i] = s.kept[:min(sizes[i], len(s.kept))]
	}
	for _, m := range d.margins {
		byValue := map[string]int{}
		for n, count := range m.counts {
			if count > 0 {
				byValue[d.table[n]] = count
			}
		}
		r.Margins[m.dimension] = byValue
	}
	for key, count := range d.cells {
		r.Cells[d.named(key, d.weightBy)] = count
	}
	return r, chosen
}

// snapshot is what the values stand for.
func (d *drawing) snapshot(v *values) (s Snapshot) {
	for i, dim := range SnapshotDimensions {
		s.set(dim, d.table[v[i]])
	}
	return s
}

// set is the inverse of Value.
func (s *Snapshot) set(d Dimension, value string) {
	switch d {
	case ByCentre:
		s.Centre = value
	case ByRegion:
		s.Region = value
	case ByDepartment:
		s.Department = value
	case ByCategory:
		s.Category = value
	case ByChannel:
		s.Channel = value
	case ByGender:
		s.Gender = value
	case ByResidency:
		s.Residency = value
	case ByCompany:
		s.Company = value == "yes"
	case ByFirst:
		s.First = value == "yes"
	case ByEmployee:
		s.Employee = value
	}
}

const drawnBatch = 128 // invitations in one write: it holds the store's writer for a few milliseconds

// draw reads the frame of a round and keeps an invitation in the state drawn for each person of its sample. alive is asked now
// and then whether to go on.
func (p *Programmes) draw(ctx context.Context, r *Round, alive func() error) (Drawn, error) {
	seed, err := hex.DecodeString(r.Seed)
	if err != nil {
		return Drawn{}, fmt.Errorf("the seed of a round: %w", err)
	}
	d := newDrawing(&r.Programme, seed)
	var batch []Invitation
	add := func(t *ticket, least int) error {
		if t != nil {
			batch = append(batch, r.invitation(t.citizen, d.snapshot(&t.values)))
		}
		if len(batch) < max(least, 1) {
			return nil
		}
		if err := alive(); err != nil {
			return err
		}
		if _, err := p.Store.AddInvitations(ctx, batch); err != nil {
			return fmt.Errorf("keep a sample: %w", err)
		}
		batch = batch[:0]
		return nil
	}
	if r.Programme.Sample.Method == DrawAll {
		d.everybody = func(t *ticket) error { return add(t, drawnBatch) }
	}
	err = p.readFrame(ctx, framing{programme: &r.Programme, from: r.From, to: r.To, round: r.ID}, func(c *chunk) error {
		if err := alive(); err != nil {
			return err
		}
		return d.take(c)
	})
	if err != nil {
		return Drawn{}, err
	}
	drawn, chosen := d.drawn()
	for _, tickets := range chosen {
		for i := range tickets {
			if err := add(&tickets[i], drawnBatch); err != nil {
				return Drawn{}, err
			}
		}
	}
	return drawn, add(nil, 0)
}

// invitation of a person who was drawn. It has the Rev of the round: see DropDrawn.
func (r *Round) invitation(citizen string, s Snapshot) Invitation {
	x := &r.Programme
	return Invitation{ID: event.Derive(r.ID, citizen), Rev: r.Rev, Programme: x.Code, Round: r.ID, Citizen: citizen,
		Questionnaire: x.Questionnaire, Version: x.Version,
		Anonymous: x.Anonymous, Stratum: Stratum(&s, x.Sample.By), Snapshot: s, State: InvitationDrawn, Channels: x.Channels,
		Reminders: x.Reminders}
}
