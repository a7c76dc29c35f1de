package reports

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

// clockSkew is how far a phone's clock may be ahead.
const clockSkew = 5 * time.Minute

// NewReport is what a reporter, or a clerk for a caller, sends.
type NewReport struct {
	ID          string // UUIDv7 by the phone; "" for none
	DerivedID   string // by the server, for when there is no ID: of the Idempotency-Key, or fresh; "" for a fresh one
	Asked       string // hash of what was sent, by which another report with the same id is told apart; "" for none
	Channel     Channel
	Category    string
	Attributes  map[string]any
	Description string
	Language    string     // "" for Arabic
	Place       *Place     // required of citizens
	Photos      []string   // that were uploaded before
	Attached    []PhotoRef // that came with the report and are bound to its id already
	ObservedAt  time.Time
	Contact     *Contact // of anonymous reporters only
	Reporter    Reporter // who it is from, as the caller has looked it up; Company as it was said
	Citizen     string   // desk only: account id of the caller, "" when there is none
	Centre      string   // desk only: "" for the place's, and without a place for the clerk's only one
	Took        int      // desk only: seconds of the registration
}

const longestRegistration = 24 * 60 * 60 // seconds

// File takes a report from a citizen, from staff for themselves, or from nobody where the category allows it. The same id
// again from the same actor is the same report, then existing is true; with something else in it, it is fault.KeyReused.
func (s *Service) File(ctx context.Context, a actor.Actor, n NewReport) (r *Report, existing bool, err error) {
	n, faults, err := s.filing(a, n)
	if err != nil {
		return nil, false, err
	}
	return s.file(ctx, a, n, faults)
}

// filing is what File takes, with what is wrong with it at the first look.
func (s *Service) filing(a actor.Actor, n NewReport) (NewReport, fault.Fields, error) {
	n.Citizen, n.Centre, n.Took = "", "", 0
	if a.Kind == actor.Citizen {
		n.Citizen = a.ID
	}
	var faults fault.Fields
	if n.Channel != App && n.Channel != Web {
		faults.Add("channel", fault.NotAllowed)
	}
	if n.Place == nil {
		faults.Add("place", fault.Required)
	}
	if n.Contact != nil && a.Kind != actor.Nobody {
		faults.Add("contact", fault.NotAllowed)
	}
	return n, faults, nil
}

// Register takes a report that staff write down for somebody who called, wrote or came.
func (s *Service) Register(ctx context.Context, a actor.Actor, n NewReport) (r *Report, existing bool, err error) {
	n, faults, err := s.registering(a, n)
	if err != nil {
		return nil, false, err
	}
	return s.file(ctx, a, n, faults)
}

// registering is what Register takes, with what is wrong with it at the first look.
func (s *Service) registering(a actor.Actor, n NewReport) (NewReport, fault.Fields, error) {
	if err := works(a); err != nil {
		return n, nil, err
	}
	var faults fault.Fields
	if !slices.Contains([]Channel{Phone, Email, Telegram, Visit}, n.Channel) {
		faults.Add("channel", fault.NotAllowed)
	}
	if n.Contact != nil && n.Citizen != "" {
		faults.Add("contact", fault.Contradicted)
	}
	if n.Centre == "" && n.Place == nil && len(a.Centres) == 1 && a.Centres[0] != actor.All {
		n.Centre = a.Centres[0]
	}
	if n.Centre != "" && n.Place != nil {
		faults.Add("centre", fault.Contradicted)
	}
	if n.Took < 0 || n.Took > longestRegistration {
		faults.Add("registration_seconds", fault.OutOfRange)
	}
	return n, faults, nil
}

func (s *Service) file(ctx context.Context, a actor.Actor, n NewReport, faults fault.Fields) (*Report, bool, error) {
	r, err := s.draft(a, n, faults, s.now())
	if id := cmp.Or(n.ID, n.DerivedID); id != "" && (err != nil || len(n.Photos) > 0) {
		// A phone that tries again must get what it filed, whatever has changed since, and photos of a report that is there
		// already must not be touched.
		if old, err := s.filed(ctx, a, id, n.Asked); err != nil || old != nil {
			return old, old != nil, err
		}
	}
	if err != nil {
		return nil, false, err
	}
	if len(n.Photos) > 0 {
		if r.Photos, err = s.Photos.Attach(ctx, a, n.Photos, r.ID); err != nil {
			return nil, false, fmt.Errorf("attach photos: %w", err)
		}
	}
	r.Photos = append(r.Photos, n.Attached...)
	err = s.create(ctx, r, []event.Event{s.event(r, event.ReportReceived, r.Timeline[0])})
	switch {
	case fault.CodeOf(err) == fault.Exists:
		old, err := s.filed(ctx, a, r.ID, n.Asked)
		if old == nil && err == nil {
			err = fault.New(fault.Conflict) // it was there a moment ago
		}
		return old, old != nil, err
	case err != nil:
		return nil, false, fmt.Errorf("create a report: %w", err)
	}
	return r, false, nil
}

// create writes a new report and its facts, with a number that no other has.
func (s *Service) create(ctx context.Context, r *Report, events []event.Event) (err error) {
	for try := 0; ; try++ {
		if r.Number, err = NewNumber(s.Rand); err != nil {
			return fmt.Errorf("draw a number: %w", err)
		}
		for _, e := range events {
			e.Report.Number = r.Number
		}
		if err = s.Store.CreateReport(ctx, r, events); !errors.Is(err, ErrNumberTaken) || try == 9 {
			return err
		}
	}
}

// filed is the report with that id if a filed it, nil if there is none. Whose it is otherwise is not told.
func (s *Service) filed(ctx context.Context, a actor.Actor, id, asked string) (*Report, error) {
	r, err := s.Store.Report(ctx, id)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a report: %w", err)
	}
	registrar, citizen := "", ""
	if a.Kind == actor.Staff {
		registrar, citizen = a.ID, r.Citizen
	} else {
		citizen = a.ID
	}
	if r.RegisteredBy != registrar || r.Citizen != citizen {
		return nil, fault.New(fault.Conflict)
	}
	if asked != "" && r.Asked != "" && asked != r.Asked {
		return nil, fault.New(fault.KeyReused)
	}
	return r, nil
}

// AsFiled is the report as it was when it had just been filed: what whoever filed it was answered.
func (r *Report) AsFiled() *Report {
	f := *r
	f.Status, f.UpdatedAt, f.Timeline, f.Supports = Received, r.ReceivedAt, r.Timeline[:1], 0
	f.Centre, f.Department, f.Assignee = cmp.Or(f.Timeline[0].Centre, r.Centre), cmp.Or(f.Timeline[0].Department, r.Department), ""
	f.FirstAnswer, f.ResolvedAt, f.ClosedAt, f.Closure, f.DuplicateOf, f.Merged = time.Time{}, time.Time{}, time.Time{}, 0, nil, nil
	f.Photos = slices.DeleteFunc(slices.Clone(r.Photos), func(p PhotoRef) bool { // those that came later are on the timeline
		return slices.ContainsFunc(r.Timeline, func(e Entry) bool { return e.Photo == p.ID })
	})
	return &f
}

// draft makes a report of what was sent at that moment, or tells everything that is wrong with it.
func (s *Service) draft(a actor.Actor, n NewReport, faults fault.Fields, now time.Time) (*Report, error) {
	r := &Report{ID: cmp.Or(n.DerivedID, n.ID), Status: Received, Citizen: n.Citizen, Channel: n.Channel, Category: n.Category, Language: n.Language,
		Place: n.Place, ObservedAt: n.ObservedAt.UTC(), ReceivedAt: now, UpdatedAt: now, Day: now.In(s.Zone).Format(time.DateOnly), Contact: n.Contact, Reporter: n.Reporter, Asked: n.Asked}
	if n.ID != "" {
		r.ID = validID(&faults, n.ID, now)
	}
	if r.ID == "" {
		r.ID = s.NewID()
	}
	cat := s.Catalogue()
	category, ok := cat.Category(n.Category)
	switch {
	case !ok:
		faults.Add("category", missing(n.Category))
	case !category.Active:
		faults.Add("category", fault.NotAllowed)
	case a.Kind == actor.Nobody && !category.Anonymous:
		return nil, fault.New(fault.Unauthenticated)
	default:
		attributes, err := ValidateAttributes(category.Attributes, n.Attributes)
		if err := gather(&faults, err); err != nil {
			return nil, err
		}
		r.Attributes, r.Department = attributes, category.Department
	}
	r.Description = validText(&faults, "description", n.Description, MaxDescription)
	validCircumstances(&faults, r, now)
	validPhotos(&faults, n.Photos)
	if err := s.route(&faults, cat, r, n.Centre); err != nil {
		return nil, err
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	r.Due = Due{FirstAnswer: cat.Calendar.DueAfter(now, category.FirstAnswerDays, s.Zone),
		Resolution: cat.Calendar.DueAfter(now, category.ResolutionDays, s.Zone)}
	if a.Kind == actor.Staff {
		r.RegisteredBy, r.Took = a.ID, n.Took
		r.SelfFiled = n.Channel == App || n.Channel == Web
	}
	r.Timeline = []Entry{{ID: s.NewID(), At: now, Kind: EntryReceived, To: Received, By: r.by(a), Centre: r.Centre, Department: r.Department}}
	return r, nil
}

// route finds the centre that serves the place. A place that none serves is refused, whatever else is said.
func (s *Service) route(faults *fault.Fields, cat *Catalogue, r *Report, centre string) error {
	if r.Place != nil {
		p := *r.Place
		var wrong fault.Fields
		if err := gather(&wrong, p.Point().Validate()); err != nil {
			return err
		}
		if !(p.Accuracy >= 0 && p.Accuracy <= 1e6) { // NaN too
			wrong.Add("place/accuracy_m", fault.OutOfRange)
		}
		if !slices.Contains([]string{"", FromGPS, FromMap, FromPhoto, FromAddress}, p.Source) {
			wrong.Add("place/source", fault.Unknown)
		}
		var clean bool
		if p.Address, clean = cleanText(p.Address, false); !clean {
			wrong.Add("place/address", fault.WrongFormat)
		} else if utf8.RuneCountInString(p.Address) > MaxAddress {
			wrong.Add("place/address", fault.TooLong)
		}
		if len(wrong) > 0 {
			*faults = append(*faults, wrong...)
			return nil
		}
		r.Place = &p
		var served bool
		if r.Centre, served = cat.index.Find(p.Point()); !served {
			if len(*faults) > 0 {
				return nil // the other faults are told first
			}
			return fault.New(fault.OutsideArea)
		}
	}
	if centre != "" {
		r.Centre = centre
		if c, ok := cat.Centre(centre); !ok || !c.Active {
			faults.Add("centre", fault.Unknown)
		}
	}
	if r.Centre == "" && r.Place == nil && !slices.Contains(*faults, fault.Field{Path: "place", Reason: fault.Required}) {
		faults.Add("centre", fault.Required)
	}
	return nil
}

// validID is the id in its one form. A phone's clock may be wrong, but not by more than a day ahead.
func validID(faults *fault.Fields, id string, now time.Time) string {
	u, err := uuid.Parse(id)
	if err != nil || len(id) != 36 || u.Version() != 7 || u.Variant() != uuid.RFC4122 {
		faults.Add("id", fault.WrongFormat)
		return id
	}
	ms := int64(u[0])<<40 | int64(u[1])<<32 | int64(u[2])<<24 | int64(u[3])<<16 | int64(u[4])<<8 | int64(u[5])
	if ms > now.Add(24*time.Hour).UnixMilli() {
		faults.Add("id", fault.OutOfRange)
	}
	return u.String()
}

func validCircumstances(faults *fault.Fields, r *Report, now time.Time) {
	if r.Language == "" {
		r.Language = languages[0]
	}
	if !slices.Contains(languages, r.Language) {
		faults.Add("language", fault.Unknown)
	}
	if r.ObservedAt.After(now.Add(clockSkew)) {
		faults.Add("observed_at", fault.OutOfRange)
	}
	if r.Contact == nil {
		return
	}
	if *r.Contact == (Contact{}) {
		r.Contact = nil
		return
	}
	if p := r.Contact.Phone; p != "" && !phoneLike(p) {
		faults.Add("contact/phone", fault.WrongFormat)
	}
	if e := r.Contact.Email; e != "" {
		if parsed, err := mail.ParseAddress(e); err != nil || parsed.Address != e || len(e) > 254 {
			faults.Add("contact/email", fault.WrongFormat)
		}
	}
}

// phoneLike reports whether p may be a phone number in its international form.
func phoneLike(p string) bool {
	digits := strings.TrimPrefix(p, "+")
	return len(p) > len(digits) && len(digits) >= 8 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}

func validPhotos(faults *fault.Fields, photos []string) {
	if len(photos) > MaxPhotos {
		faults.Add("photos", fault.TooMany)
		return
	}
	for i, p := range photos {
		if slices.Contains(photos[:i], p) {
			faults.Add(fmt.Sprintf("photos/%d", i), fault.Duplicate)
		}
	}
}

// validText is a required text with its ends trimmed; its length is counted in characters.
func validText(faults *fault.Fields, path, text string, most int) string {
	clean, ok := cleanText(text, true)
	switch {
	case !ok:
		faults.Add(path, fault.WrongFormat)
	case clean == "":
		faults.Add(path, fault.Required)
	case utf8.RuneCountInString(clean) > most:
		faults.Add(path, fault.TooLong)
	}
	return clean
}

// by is a as it stands on the timeline of r.
func (r *Report) by(a actor.Actor) By {
	b := By{Kind: a.Kind, ID: a.ID}
	if a.Kind == actor.Nobody {
		b.Kind = actor.Citizen
	}
	if a.Kind == actor.Staff {
		b.Department = r.Department
	}
	return b
}

// event is the fact that the entry tells of.
func (s *Service) event(r *Report, t event.Type, e Entry) event.Event {
	employee := r.Assignee
	if employee == "" {
		employee = r.ResolvedBy
	}
	centre, _ := s.Catalogue().Centre(r.Centre)
	return event.Event{ID: s.NewID(), Type: t, Subject: "report/" + r.ID, At: e.At, Report: &event.Report{ID: r.ID, Number: r.Number, Citizen: r.Citizen,
		Centre: r.Centre, Department: r.Department, Category: r.Category, Channel: string(r.Channel), Employee: employee, From: string(e.From),
		To: string(r.Status), Step: e.ID, ByCitizen: e.By.Kind == actor.Citizen, Closure: r.Closure, SelfFiled: r.SelfFiled,
		Region: centre.Region, Gender: r.Reporter.Gender, Residency: r.Reporter.Residency, Company: r.Reporter.Company,
		Received: r.ReceivedAt, Due: r.Deadline()}}
}
