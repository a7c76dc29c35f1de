package surveys

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/balagh/balagh/surveys/form"
	"github.com/balagh/balagh/surveys/stats"
)

// tallyVersion of the kept form: one of another version is counted again. It grows as well when something else is hidden than
// before.
const tallyVersion = 1

// keptTally is a tally as a document, a line of JSON. The counts follow it, packed: they are far too many to be written as text.
type keptTally struct {
	Version     int                     `json:"version"`
	At          time.Time               `json:"at"`
	Took        time.Duration           `json:"took"`
	Respondents int64                   `json:"respondents"`
	Complete    int64                   `json:"complete"`
	How         map[string]int64        `json:"how"`
	Languages   map[string]int64        `json:"languages"`
	Weighting   WeightingResult         `json:"weighting"`
	Formulas    map[string]int          `json:"formulas"`
	States      map[InvitationState]int `json:"states,omitempty"`
	Groups      []group                 `json:"groups"`
	Items       []item                  `json:"items"`
}

// encode packs a tally. Sums of weights are kept where there are weights: they are the counts otherwise.
func (y *tally) encode() ([]byte, error) {
	p := packer{weights: y.Weighting.Deff != nil}
	for i := range y.Groups {
		p.sums(&y.Groups[i].People)
	}
	for i := range y.Items {
		y.Items[i].pack(&p)
	}
	b, err := json.Marshal(keptTally{tallyVersion, y.At, y.Took, y.Respondents, y.Complete, y.How, y.Languages, y.Weighting,
		y.Formulas,
		y.States, y.Groups, y.Items})
	if err != nil {
		return nil, fmt.Errorf("encode the counts of a round: %w", err)
	}
	return append(append(b, '\n'), p.b...), nil
}

func (x *item) pack(p *packer) {
	for i := range x.cells {
		p.sums(&x.cells[i])
	}
	for _, r := range x.ranks {
		p.b = binary.AppendUvarint(p.b, uint64(r))
	}
	for i := range x.numbers {
		n := &x.numbers[i]
		p.b = binary.AppendUvarint(p.b, uint64(n.plain.N))
		if n.plain.N == 0 {
			continue
		}
		for _, s := range []*stats.Sums{&n.plain, &n.weighted} {
			for _, f := range []float64{s.W, s.W2, s.Origin, s.WY, s.W2Y, s.W2Y2} {
				p.float(f)
			}
		}
	}
}

type packer struct {
	b       []byte
	weights bool
}

func (p *packer) float(f float64) {
	p.b = binary.LittleEndian.AppendUint64(p.b, math.Float64bits(f))
}

func (p *packer) sums(s *sums) {
	p.b = binary.AppendUvarint(p.b, uint64(s.N))
	if s.N > 0 && p.weights {
		p.float(s.W)
		p.float(s.W2)
	}
}

var errTally = errors.New("the counts of a round cannot be read")

// decodeTally reads what encode wrote of a round that asked q. An error means that the responses must be counted again.
func decodeTally(b []byte, q *form.Questionnaire) (*tally, error) {
	var k keptTally
	head, counts, _ := bytes.Cut(b, []byte{'\n'})
	if err := json.Unmarshal(head, &k); err != nil || k.Version != tallyVersion || len(k.Groups) == 0 {
		return nil, errTally
	}
	y := &tally{k.At, k.Took, k.Respondents, k.Complete, k.Groups, k.How, k.Languages, k.Weighting, k.Formulas, k.States, k.Items}
	u := unpacker{b: counts, weights: k.Weighting.Deff != nil}
	for i := range y.Groups {
		u.sums(&y.Groups[i].People)
	}
	columns := columns(q)
	if len(columns) != len(y.Items) {
		return nil, errTally
	}
	for i, c := range columns {
		if y.Items[i].Question != c.question.Code {
			return nil, errTally
		}
		y.Items[i].unpack(&u, c, len(y.Groups))
	}
	if u.failed || len(u.b) > 0 {
		return nil, errTally
	}
	return y, nil
}

func (x *item) unpack(u *unpacker, c *column, groups int) {
	x.stride, x.picked = c.stride(), c.several()
	x.cells = make([]sums, groups*x.stride)
	for i := range x.cells {
		u.sums(&x.cells[i])
	}
	switch c.question.Type {
	case form.Ranking:
		x.ranks = make([]int64, groups*len(c.codes))
		for i := range x.ranks {
			x.ranks[i] = int64(u.uvarint())
		}
	case form.Number:
		x.numbers = make([]numberSum, groups)
		for i := range x.numbers {
			n := int64(u.uvarint())
			if n == 0 {
				continue
			}
			for _, s := range []*stats.Sums{&x.numbers[i].plain, &x.numbers[i].weighted} {
				s.N = n
				for _, f := range []*float64{&s.W, &s.W2, &s.Origin, &s.WY, &s.W2Y, &s.W2Y2} {
					*f = u.float()
				}
			}
		}
	}
}

type unpacker struct {
	b       []byte
	weights bool
	failed  bool
}

func (u *unpacker) uvarint() uint64 {
	n, size := binary.Uvarint(u.b)
	if size <= 0 {
		u.failed, u.b = true, nil
		return 0
	}
	u.b = u.b[size:]
	return n
}

func (u *unpacker) float() float64 {
	if len(u.b) < 8 {
		u.failed, u.b = true, nil
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(u.b))
	u.b = u.b[8:]
	return f
}

func (u *unpacker) sums(s *sums) {
	s.N = int64(u.uvarint())
	s.W, s.W2 = float64(s.N), float64(s.N)
	if s.N > 0 && u.weights {
		s.W, s.W2 = u.float(), u.float()
	}
}

// Counting again while answers come in: a count that took long is served for a while, and then for as long as the next one takes.
const (
	quickCount  = 20 * time.Millisecond
	restCounts  = 10 // times what the last one took, up to
	longestRest = 5 * time.Second
	oldestCount = 2 * longestRest // that is served while another is made
)

// tally of a round: as it was kept, or counted again where responses have come since. Two that want it at once count once.
//
// While answers are taken it moves in steps of at least MinCell changes: what is published before and after one more answer would
// tell that answer by subtraction. So would the last step, which may be smaller, and each new answer in words; therefore an
// anonymous round tells until then how many have answered, and nothing else.
func (p *Programmes) tally(ctx context.Context, r *Round, q *form.Questionnaire) (*tally, error) {
	touched, err := p.Store.Touched(ctx, r.ID)
	if err != nil {
		return nil, fmt.Errorf("ask whether responses have come: %w", err)
	}
	if r.withheld() {
		y := newTable(q).count(r)
		y.Weighting.Problem = ""
		y.Respondents, y.Complete = touched, touched // each of them is complete, and written once
		return y, nil
	}
	at, kept, err := p.Store.TallyOf(ctx, r.ID)
	if err != nil {
		return nil, fmt.Errorf("read the counts of a round: %w", err)
	}
	if kept != nil {
		y, err := decodeTally(kept, q)
		moves := err == nil && r.takesAnswers()
		if err == nil && at == touched || moves && (touched-at < MinCell || y.serves(p.Now(), min(restCounts*y.Took, longestRest))) {
			return y, nil
		}
		if moves && y.serves(p.Now(), oldestCount) {
			p.countOnce(ctx, r, q) // beside this
			return y, nil
		}
	}
	counted := <-p.countOnce(ctx, r, q)
	if counted.Err != nil {
		return nil, counted.Err
	}
	return counted.Val.(*tally), nil
}

// countOnce counts a round, unless that is under way: then it gives what comes of that. It goes on when nobody waits for it.
func (p *Programmes) countOnce(ctx context.Context, r *Round, q *form.Questionnaire) <-chan singleflight.Result {
	return p.counting.DoChan(r.ID, func() (y any, err error) {
		defer func() {
			if x := recover(); x != nil {
				err = fmt.Errorf("count a round: panic: %v", x)
			}
		}()
		return p.countRound(context.WithoutCancel(ctx), r, q, r.State == RoundPublished)
	})
}

// withheld says whether the figures wait until the round is over.
func (r *Round) withheld() bool { return r.Programme.Anonymous && r.takesAnswers() }

// takesAnswers says whether the responses of a round still change.
func (r *Round) takesAnswers() bool { return r.State == RoundInviting || r.State == RoundOpen }

// serves says whether y took long enough, and was counted so recently, that it will do.
func (y *tally) serves(now time.Time, within time.Duration) bool {
	age := now.Sub(y.At)
	return y.Took > quickCount && age >= 0 && age < within
}

// countRound counts the responses of a round, and its invitations when nothing becomes of them any more, and keeps the counts.
func (p *Programmes) countRound(ctx context.Context, r *Round, q *form.Questionnaire, settled bool) (*tally, error) {
	begun := p.Now()
	touched, err := p.Store.Touched(ctx, r.ID) // before the responses: one that comes meanwhile has them counted again
	if err != nil {
		return nil, fmt.Errorf("ask whether responses have come: %w", err)
	}
	t, err := p.readTable(ctx, r, q)
	if err != nil {
		return nil, err
	}
	y := t.count(r)
	if settled {
		if y.States, err = p.Store.CountInvitations(ctx, r.ID); err != nil {
			return nil, fmt.Errorf("count invitations: %w", err)
		}
	}
	y.At = p.Now()
	y.Took = y.At.Sub(begun)
	b, err := y.encode()
	if err != nil {
		return nil, err
	}
	if err := p.Store.PutTally(ctx, r.ID, touched, b); err != nil {
		return nil, fmt.Errorf("keep the counts of a round: %w", err)
	}
	return y, nil
}

// settleFigures counts a round that takes no answers any more and whose invitations are settled, and keeps the counts; states are
// those of the invitations. It may run again.
func (p *Programmes) settleFigures(ctx context.Context, r *Round) (states map[InvitationState]int, err error) {
	q, err := p.questionnaire(ctx, r.Programme.Questionnaire, r.Programme.Version)
	if err != nil {
		return nil, fmt.Errorf("questionnaire of a round: %w", err)
	}
	y, err := p.countRound(ctx, r, q, true)
	if err != nil {
		return nil, err
	}
	return y.States, nil
}
