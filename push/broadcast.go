package push

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

// Limits of a broadcast.
const (
	MaxTitle     = 100                 // characters
	MaxBody      = 500                 // characters
	MaxScheduled = 90 * 24 * time.Hour // ahead
)

// Audience of a broadcast: exactly one of the three.
type Audience struct {
	Centre   string `json:"centre,omitempty"`   // those who have a report at this centre, of which each region has one
	Category string `json:"category,omitempty"` // those who have a report in this category
	All      bool   `json:"all,omitempty"`      // every citizen
}

// AudienceCount is how many people an audience has.
type AudienceCount struct {
	People  int
	AtLeast bool // there was no time to count them all
}

// BroadcastState says how far a broadcast is.
type BroadcastState string

// The states of a broadcast.
const (
	Scheduled BroadcastState = "scheduled" // its time has not come
	Running   BroadcastState = "running"   // its deliveries are being planned, and sent
	Paused    BroadcastState = "paused"    // nothing is planned, and nothing that is planned is sent
	Stopped   BroadcastState = "stopped"   // for good; what was not sent will not be
	Done      BroadcastState = "done"      // everything is planned; sending goes on
)

// BroadcastMoves says which states may follow a state. A broadcast that is done is planned: it can be paused and stopped, because
// much of it may still wait, for its turn or for the end of people's quiet hours.
var BroadcastMoves = map[BroadcastState][]BroadcastState{
	Scheduled: {Running, Stopped},
	Running:   {Paused, Done, Stopped},
	Paused:    {Running, Done, Stopped},
	Done:      {Paused, Stopped},
}

// Broadcast is a notice to many.
type Broadcast struct {
	ID       string          `json:"id"`
	Rev      int64           `json:"rev"`   // one more with each change, also those of the runner
	Texts    map[string]Text `json:"texts"` // by language, as they are shown: nothing is filled in
	Audience Audience        `json:"audience"`
	Topic    bool            `json:"topic,omitempty"`  // one message to a topic of FCM in each language, instead of a message to each person
	Urgent   bool            `json:"urgent,omitempty"` // passes quiet hours, and does not go after everything else
	At       time.Time       `json:"at"`               // not before; with CreateBroadcast zero for at once
	State    BroadcastState  `json:"state"`
	By       string          `json:"by"` // id of the member of staff
	Created  time.Time       `json:"created"`
	Started  time.Time       `json:"started,omitzero"` // planning; At of every message
	Ended    time.Time       `json:"ended,omitzero"`   // planning, or by Stop
	People   int             `json:"people"`           // in the audience: counted when it was made, and again when it started; 0 with Topic
	AtLeast  bool            `json:"at_least,omitempty"`
	Planned  int             `json:"planned"` // people whose message is in their inbox; with Topic the number of topics

	Halted  time.Time `json:"halted,omitzero"`   // paused since
	Due     time.Time `json:"due,omitzero"`      // when the runner looks at it, or the lease of one ends; zero when there is nothing to do
	Cursor  string    `json:"cursor,omitempty"`  // how far the audience is planned
	Swept   string    `json:"swept,omitempty"`   // how far it is swept after a stop
	Cleared bool      `json:"cleared,omitempty"` // all of it
}

// BroadcastReport is a broadcast with what became of it.
type BroadcastReport struct {
	Broadcast
	// Outcomes counts the deliveries that ever came to a state: Queued stands for all that were planned, and one that was read
	// counts as accepted too. It goes on changing after the broadcast is done.
	Outcomes map[State]int
}

// BroadcastStore keeps broadcasts and knows their audiences.
type BroadcastStore interface {
	// CreateBroadcast adds one; fault.Exists when the id is taken.
	CreateBroadcast(ctx context.Context, b *Broadcast) error
	// Broadcast reads one; fault.NotFound.
	Broadcast(ctx context.Context, id string) (*Broadcast, error)
	// Broadcasts after a position, newest first; those of one moment in descending order of their ids.
	Broadcasts(ctx context.Context, after Position, limit int) ([]Broadcast, error)
	// UpdateBroadcast changes one as nobody else does at the same time, gives it the next rev and queues deliveries, in one atomic
	// write. The change may be applied more than once.
	UpdateBroadcast(ctx context.Context, id string, change func(*Broadcast) error, deliveries ...Delivery) (*Broadcast, error)
	// LeaseBroadcast takes one that is due at now, the urgent ones first and then the one that waits longest, and moves Due to
	// now+ttl; nil when none is. A lease that lasts longer than that is no lease: a clock was wrong. It writes only when there is one.
	LeaseBroadcast(ctx context.Context, now time.Time, ttl time.Duration) (*Broadcast, error)
	// BroadcastOutcomes counts the deliveries of a broadcast by the states that they came to, Queued for all of them. Its cost does
	// not grow with their number.
	BroadcastOutcomes(ctx context.Context, id string) (map[State]int, error)
	// WithdrawDeliveries suppresses what is still queued of messages, with the reason.
	WithdrawDeliveries(ctx context.Context, messages []string, reason string, now time.Time) error
	// AudiencePeople are citizens of an audience after one, in a fixed order, at most limit. It looks at a bounded number of
	// people, of whom few may belong to the audience; next is the last one that it looked at, and empty at the end.
	AudiencePeople(ctx context.Context, a Audience, after string, limit int) (people []string, next string, err error)
	// CountPeople counts those of the next few thousand people after one who belong to an audience; next as above.
	CountPeople(ctx context.Context, a Audience, after string) (n int, next string, err error)
}

// countTime is how long somebody waits for the count of an audience.
const countTime = 2 * time.Second

// CountAudience says to how many people a broadcast would go; "at least so many" when counting takes more than two seconds. Whether
// the centre or category exists is for the caller to know: here one that does not has nobody.
func (s *Service) CountAudience(ctx context.Context, a actor.Actor, to Audience) (AudienceCount, error) {
	if err := writes(a); err != nil {
		return AudienceCount{}, err
	}
	var bad fault.Fields
	checkAudience(&bad, to)
	if err := bad.Err(); err != nil {
		return AudienceCount{}, err
	}
	if !reaches(a, to) {
		return AudienceCount{}, fault.New(fault.Forbidden)
	}
	return s.countPeople(ctx, to, countTime, nil)
}

// countPeople counts for some time; after each slice it rests, if it is told how.
func (s *Service) countPeople(ctx context.Context, to Audience, most time.Duration, rest func(context.Context, time.Duration)) (AudienceCount, error) {
	var all AudienceCount
	began := time.Now()
	for cursor := ""; ; {
		slice := time.Now()
		n, next, err := s.Store.CountPeople(ctx, to, cursor)
		if err != nil {
			return all, fmt.Errorf("count an audience: %w", err)
		}
		all.People += n
		if next == "" {
			return all, nil
		}
		if time.Since(began) > most {
			all.AtLeast = true
			return all, nil
		}
		cursor = next
		if rest != nil {
			rest(ctx, time.Since(slice))
		}
	}
}

// CreateBroadcast takes a notice: Texts, Audience, Topic, Urgent and At. The same request again answers with what it made. Whether the
// centre or category exists is for the caller to know.
func (s *Service) CreateBroadcast(ctx context.Context, a actor.Actor, b Broadcast) (*Broadcast, error) {
	if err := writes(a); err != nil {
		return nil, err
	}
	id := ""
	if a.Request != "" {
		id = event.Derive(a.Request, "broadcast")
		if old, err := s.Store.Broadcast(ctx, id); fault.CodeOf(err) != fault.NotFound {
			return old, err
		}
	} else {
		id = uuid.Must(uuid.NewV7()).String()
	}
	now := s.now()
	made, err := s.draft(b, now)
	if err != nil {
		return nil, err
	}
	if !reaches(a, made.Audience) {
		return nil, fault.New(fault.Forbidden)
	}
	if !made.Topic { // who listens to a topic, only FCM knows
		n, err := s.countPeople(ctx, made.Audience, countTime, nil)
		if err != nil {
			return nil, err
		}
		if n.People == 0 && !n.AtLeast {
			return nil, fault.At("audience", fault.OutOfRange)
		}
		made.People, made.AtLeast = n.People, n.AtLeast
	}
	made.ID, made.By = id, a.ID
	if err := s.Store.CreateBroadcast(ctx, made); fault.CodeOf(err) == fault.Exists && a.Request != "" {
		return s.Store.Broadcast(ctx, id) // it was asked twice at once
	} else if err != nil {
		return nil, fmt.Errorf("keep a broadcast: %w", err)
	}
	s.announced.forget(id)
	signal(s.herald)
	return made, nil
}

// draft is a broadcast as it was asked for, or everything that is wrong with it.
func (s *Service) draft(b Broadcast, now time.Time) (*Broadcast, error) {
	var bad fault.Fields
	checkAudience(&bad, b.Audience)
	texts := map[string]Text{}
	for _, lang := range Languages {
		t := b.Texts[lang]
		t = Text{Title: strings.TrimSpace(t.Title), Body: strings.TrimSpace(t.Body)}
		checkText(&bad, "texts/"+lang+"/title", t.Title, MaxTitle, false)
		checkText(&bad, "texts/"+lang+"/body", t.Body, MaxBody, true)
		texts[lang] = t
	}
	for _, lang := range slices.Sorted(maps.Keys(b.Texts)) {
		if !slices.Contains(Languages, lang) {
			bad.Add("texts/"+lang, fault.Unknown)
		}
	}
	made := &Broadcast{Rev: 1, Texts: texts, Audience: b.Audience, Topic: b.Topic, Urgent: b.Urgent, At: b.At.UTC().Truncate(time.Millisecond),
		State: Scheduled, Created: now}
	switch {
	case b.At.IsZero():
		made.At, made.State = now, Running
	case made.At.Before(now), made.At.After(now.Add(MaxScheduled)):
		bad.Add("at", fault.OutOfRange)
	}
	made.Due = made.At
	if _, there := s.Channels[ChannelPush]; b.Topic && !there {
		bad.Add("topic", fault.NotAllowed)
	}
	return made, bad.Err()
}

func checkAudience(bad *fault.Fields, a Audience) {
	n := 0
	for _, named := range []bool{a.Centre != "", a.Category != "", a.All} {
		if named {
			n++
		}
	}
	switch n {
	case 0:
		bad.Add("audience", fault.Required)
	case 1:
	default:
		bad.Add("audience", fault.Contradicted)
	}
}

// checkText refuses what would not be shown as it was written: braces look like a variable, and nothing is filled in.
func checkText(bad *fault.Fields, path, text string, most int, lines bool) {
	strange := func(r rune) bool { return r == '{' || r == '}' || unicode.IsControl(r) && !(lines && r == '\n') }
	switch {
	case text == "":
		bad.Add(path, fault.Required)
	case utf8.RuneCountInString(text) > most:
		bad.Add(path, fault.TooLong)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, strange):
		bad.Add(path, fault.WrongFormat)
	}
}

// Broadcasts is a page, newest first, of those that the actor may see, and the cursor of the next one. A limit of 0 stands for
// DefaultLimit.
func (s *Service) Broadcasts(ctx context.Context, a actor.Actor, cursor string, limit int) (items []Broadcast, next string, err error) {
	if err := reads(a); err != nil {
		return nil, "", err
	}
	var bad fault.Fields
	after, limit := pageOf(&bad, cursor, limit)
	if err := bad.Err(); err != nil {
		return nil, "", err
	}
	for {
		page, err := s.Store.Broadcasts(ctx, after, limit+1)
		if err != nil {
			return nil, "", fmt.Errorf("read broadcasts: %w", err)
		}
		for _, b := range page {
			if !sees(a, b.Audience) {
				continue
			}
			if len(items) == limit {
				return items, cursorOf(Message{At: items[limit-1].Created, ID: items[limit-1].ID}), nil
			}
			items = append(items, b)
		}
		if len(page) <= limit {
			return items, "", nil
		}
		after = Position{At: page[limit].Created, ID: page[limit].ID}
	}
}

// Broadcast is one with what became of it.
func (s *Service) Broadcast(ctx context.Context, a actor.Actor, id string) (*BroadcastReport, error) {
	if err := reads(a); err != nil {
		return nil, err
	}
	b, err := s.Store.Broadcast(ctx, id)
	if err != nil {
		return nil, err
	}
	if !sees(a, b.Audience) {
		return nil, fault.New(fault.NotFound)
	}
	outcomes, err := s.Store.BroadcastOutcomes(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("count what became of a broadcast: %w", err)
	}
	return &BroadcastReport{Broadcast: *b, Outcomes: outcomes}, nil
}

// PauseBroadcast halts one that is running, within a second; fault.Conflict when it is not running.
func (s *Service) PauseBroadcast(ctx context.Context, a actor.Actor, id string) (*Broadcast, error) {
	return s.turn(ctx, a, id, Paused)
}

// ResumeBroadcast lets one that is paused go on, what was queued before within as long as the pause was, ten minutes at the most.
// fault.Conflict when it is not paused.
func (s *Service) ResumeBroadcast(ctx context.Context, a actor.Actor, id string) (*Broadcast, error) {
	return s.turn(ctx, a, id, Running)
}

// StopBroadcast ends one for good: what is not sent will not be. What is in people's inboxes stays there. fault.Conflict when it was
// stopped before.
func (s *Service) StopBroadcast(ctx context.Context, a actor.Actor, id string) (*Broadcast, error) {
	return s.turn(ctx, a, id, Stopped)
}

// turn brings a broadcast into another state.
func (s *Service) turn(ctx context.Context, a actor.Actor, id string, to BroadcastState) (*Broadcast, error) {
	if err := writes(a); err != nil {
		return nil, err
	}
	b, err := s.Store.Broadcast(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case !sees(a, b.Audience):
		return nil, fault.New(fault.NotFound)
	case !reaches(a, b.Audience):
		return nil, fault.New(fault.Forbidden)
	}
	b, err = s.Store.UpdateBroadcast(ctx, id, func(b *Broadcast) error {
		if to == Running && b.State != Paused || !slices.Contains(BroadcastMoves[b.State], to) {
			return fault.New(fault.Conflict)
		}
		planned := !b.Ended.IsZero()
		b.State, b.Due, b.Halted = to, s.now(), time.Time{}
		if to == Running && planned {
			b.State, b.Due = Done, time.Time{}
		}
		switch to {
		case Paused:
			b.Halted, b.Due = b.Due, time.Time{}
		case Stopped:
			if b.Ended = b.Due; b.Started.IsZero() {
				b.Cleared, b.Due = true, time.Time{}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.announced.forget(id)
	signal(s.herald)
	return b, nil
}

// reads says whether somebody may look at broadcasts at all.
func reads(a actor.Actor) error { return allowed(a, actor.Manager, actor.Admin) }

// writes says whether somebody may send broadcasts at all.
func writes(a actor.Actor) error { return allowed(a, actor.Admin) }

// reaches says whether an audience lies within the actor's scope: more than one centre's people need all centres.
func reaches(a actor.Actor, to Audience) bool {
	return slices.Contains(a.Centres, actor.All) || to.Centre != "" && slices.Contains(a.Centres, to.Centre)
}

// sees says whether the actor may know of a broadcast: what goes to all is no secret.
func sees(a actor.Actor, to Audience) bool { return to.Centre == "" || reaches(a, to) }
