package demo

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// chance is where a player's decisions come from: the same seed and player, the same decisions.
type chance struct{ *rand.Rand }

func newChance(seed, player uint64) chance { return chance{rand.New(rand.NewPCG(seed, player))} }

// Read gives random bytes, and never fails.
func (c chance) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c.Uint32() >> 24)
	}
	return len(p), nil
}

// once is true with a probability.
func (c chance) once(probability float64) bool { return c.Float64() < probability }

// between is a duration from a to b.
func (c chance) between(a, b time.Duration) time.Duration {
	return a + time.Duration(c.Int64N(int64(b-a)+1))
}

// uuid is a random UUID, as phones make them for themselves and for what they send.
func (c chance) uuid() string {
	u, _ := uuid.NewRandomFromReader(c)
	return u.String()
}

// uuid7 is a UUID that begins with the time.
func (c chance) uuid7() string {
	u, _ := uuid.NewV7FromReader(c)
	return u.String()
}

// weighted draws an index by its weight.
func (c chance) weighted(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := c.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return len(weights) - 1
}

func pick[T any](c chance, from []T) T { return from[c.IntN(len(from))] }

// luckOf is the chance that belongs to a report: every desk that looks at it comes to the same decisions.
func luckOf(r *report) chance {
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.Description))
	if r.Place != nil {
		var b [16]byte
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(r.Place.Latitude))
		binary.LittleEndian.PutUint64(b[8:], math.Float64bits(r.Place.Longitude))
		_, _ = h.Write(b[:])
	}
	return newChance(h.Sum64(), 1933)
}
