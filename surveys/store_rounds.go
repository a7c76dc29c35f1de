package surveys

import (
	"context"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys/form"
)

// RoundStore is what questionnaires, programmes, rounds and answers need of a backend. Nothing in it needs a transaction over more
// than one document, except where it says so.
type RoundStore interface {
	QuestionnaireStore
	ProgrammeStore
	CaseStore
	InvitationStore
	ResponseStore
}

// QuestionnaireStore keeps every version of every questionnaire, for ever.
type QuestionnaireStore interface {
	// AddQuestionnaire writes a version; fault.PreconditionFailed when it is there already.
	AddQuestionnaire(ctx context.Context, q *form.Questionnaire) error
	// Questionnaire of a version, or the newest with 0; fault.NotFound.
	Questionnaire(ctx context.Context, code string, version int) (*form.Questionnaire, error)
	// Questionnaires are the newest versions, by code.
	Questionnaires(ctx context.Context) ([]*form.Questionnaire, error)
	// QuestionnaireVersions are all versions of one, newest first.
	QuestionnaireVersions(ctx context.Context, code string) ([]*form.Questionnaire, error)
}

// ProgrammeStore keeps programmes and their rounds.
type ProgrammeStore interface {
	// Programmes lists every one, by code.
	Programmes(ctx context.Context) ([]*Programme, error)
	// Programme reads one; fault.NotFound.
	Programme(ctx context.Context, code string) (*Programme, error)
	// PutProgramme changes a programme, or makes it: change is given one with that code, and Rev 0 when there was none. Each change
	// gives the next Rev. change runs again on a lost race; its error changes nothing.
	PutProgramme(ctx context.Context, code string, change func(*Programme) error) (*Programme, error)

	// CreateRound adds one; fault.Exists when the id is taken.
	CreateRound(ctx context.Context, r *Round) error
	// Round reads one; fault.NotFound.
	Round(ctx context.Context, id string) (*Round, error)
	// Rounds of a programme, or of all with "", the newest window first.
	Rounds(ctx context.Context, programme string) ([]*Round, error)
	// UpdateRound changes one and gives it the next Rev. change runs again on a lost race; its error changes nothing.
	UpdateRound(ctx context.Context, id string, change func(*Round) error) (*Round, error)
	// LeaseRound takes the round that is due at now and has waited longest, and moves its Due to now+ttl; nil when none is. A Due
	// later than now+ttl of a round that is drawing, inviting or closing is no lease: a clock was wrong. It writes only when there
	// is one.
	LeaseRound(ctx context.Context, now time.Time, ttl time.Duration) (*Round, error)
}

// CaseStore keeps what the frame knows.
type CaseStore interface {
	// PutCase writes a case unless a newer fact (Changed) of the report was written.
	PutCase(ctx context.Context, c Case) error
	// OverdueCases are those whose Due is before now, the oldest first, at most limit.
	OverdueCases(ctx context.Context, now time.Time, limit int) ([]Case, error)
	// ForgetDue sets Due of the case to zero if it is still that one.
	ForgetDue(ctx context.Context, report string, due time.Time) error
	// People gives everybody with a case received in [from, to) that fits the frame, once, in ascending order of their ids. Memory
	// does not grow with their number. An error of visit ends it and is returned. The person is valid during the call only.
	People(ctx context.Context, frame Frame, from, to time.Time, visit func(*FramePerson) error) error
	// FirstReceived is when the oldest of a citizen's cases was received, zero without one.
	FirstReceived(ctx context.Context, citizen string) (time.Time, error)
	// InvitedSince gives those whose last invitation of any programme was sent at since or later, or is planned or drawn, but for
	// the invitations of one round; in ascending order of their ids.
	InvitedSince(ctx context.Context, since time.Time, except string, visit func(citizen string) error) error
}

// InvitationStore keeps invitations. A change may give one that has no round a round, and changes neither that nor its person
// otherwise.
type InvitationStore interface {
	// AddInvitations keeps those whose ids are new, and tells how many were. Those that are there stay as they are.
	AddInvitations(ctx context.Context, all []Invitation) (int, error)
	// DropDrawn removes the invitations of a round that are in the state drawn and whose Rev is below one: those drawn have that of
	// the round under whose lease they were drawn, so whoever slept over the end of theirs drops nothing of a later one.
	DropDrawn(ctx context.Context, round string, below int64) error
	// Invitation reads one; fault.NotFound.
	Invitation(ctx context.Context, id string) (*Invitation, error)
	// InvitationsOf a citizen that were sent and whose Until is after now, newest first; answered and refused ones as well.
	InvitationsOf(ctx context.Context, citizen string, now time.Time) ([]*Invitation, error)
	// LastInvited is when the citizen was last invited to any programme, zero for never.
	LastInvited(ctx context.Context, citizen string) (time.Time, error)
	// RoundInvitations of a round in one of the states, by id after one, at most limit.
	RoundInvitations(ctx context.Context, round string, states []InvitationState, after string, limit int) ([]*Invitation, error)
	// DueInvitations are those whose Due is at now or before, the oldest first, at most limit.
	DueInvitations(ctx context.Context, now time.Time, limit int) ([]*Invitation, error)
	// UpdateInvitation changes one and writes the facts in the same atomic write. change runs again on a lost race; its error changes
	// nothing and is returned.
	UpdateInvitation(ctx context.Context, id string, change func(*Invitation) ([]event.Event, error)) (*Invitation, error)
	// UpdateInvitations is the same for a batch; each is an atomic write by itself, one that change refuses stays as it is and
	// hinders no other. It is one commit where the backend can.
	UpdateInvitations(ctx context.Context, ids []string, change func(*Invitation) ([]event.Event, error)) error
	// CountInvitations of a round by state.
	CountInvitations(ctx context.Context, round string) (map[InvitationState]int, error)
}

// ResponseStore keeps answers.
type ResponseStore interface {
	// Respond changes an invitation and writes the response that change makes of it, both or neither: a response of that id is
	// replaced. old is the response whose id is derived from the invitation (ResponseID), nil when there is none, as always with
	// an anonymous one. change runs again on a lost race; its error changes nothing and is returned. row is what ScanResponses
	// gives of the response, which leaves it out when that is empty. words are its answers in words.
	Respond(ctx context.Context, invitation string,
		change func(i *Invitation, old *Response) (r *Response, row []byte, words []Verbatim, err error)) error
	// Response reads one; fault.NotFound.
	Response(ctx context.Context, id string) (*Response, error)
	// ScanResponses gives the row of every response of a round, in no order. The bytes are valid during the call only.
	ScanResponses(ctx context.Context, round string, visit func(row []byte) error) error
	// Touched counts the changes of a round's responses ever: it grows with each.
	Touched(ctx context.Context, round string) (int64, error)
	// PutTally keeps what the responses of a round were counted to (a document), and at which Touched.
	PutTally(ctx context.Context, round string, touched int64, tally []byte) error
	// TallyOf gives it; nil when there is none.
	TallyOf(ctx context.Context, round string) (touched int64, tally []byte, err error)
	// Verbatims of a round, the newest day first and then by id.
	Verbatims(ctx context.Context, q VerbatimQuery) ([]Verbatim, error)
	// UpdateVerbatim changes one; fault.NotFound.
	UpdateVerbatim(ctx context.Context, id string, change func(*Verbatim) error) (*Verbatim, error)
}

// Verbatim is an answer in words.
type Verbatim struct {
	ID       string   `json:"id"` // derived from response and question
	Round    string   `json:"round,omitempty"`
	Response string   `json:"response"`
	Question string   `json:"question"`
	Text     string   `json:"text"`
	Language string   `json:"language,omitempty"`
	Day      string   `json:"day"`   // 2006-01-02, of the answer
	State    string   `json:"state"` // VerbatimNew …
	By       string   `json:"by,omitempty"`
	Snapshot Snapshot `json:"snapshot"`
	Folded   string   `json:"-"` // Text as it is searched (see VerbatimQuery), for Respond alone: it is not read back
}

// Whether a verbatim may be shown: nobody but moderators sees one that was not approved.
const (
	VerbatimNew      = "new"
	VerbatimApproved = "approved"
	VerbatimHidden   = "hidden"
)

// VerbatimQuery asks for a page of verbatims. Empty fields do not narrow it.
type VerbatimQuery struct {
	Round    string
	Question string
	States   []string
	Terms    []string // folded words (see Fold): all must be found, each as a beginning of a word
	By       Dimension
	Value    string // of By
	After    string // id of the last one of the page before
	Limit    int
}
