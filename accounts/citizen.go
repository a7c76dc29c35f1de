package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// Languages that people can be spoken to in.
var Languages = []string{"ar", "en", "ur"}

// Genders and residencies that a person may have told. Nobody needs to tell them.
var (
	Genders     = []string{"male", "female"}
	Residencies = []string{"citizen", "resident"}
)

// Citizen is a person who files reports, known by a phone number.
type Citizen struct {
	ID          string      `json:"id"`
	Rev         int64       `json:"rev"`
	Phone       string      `json:"phone"` // E.164
	Name        string      `json:"name,omitempty"`
	Email       string      `json:"email,omitempty"`
	Language    string      `json:"language"`
	Gender      string      `json:"gender,omitempty"`    // of Genders; "" when it was not told
	Residency   string      `json:"residency,omitempty"` // of Residencies; "" when it was not told
	Preferences Preferences `json:"preferences"`
	Created     time.Time   `json:"created"`
}

// Preferences say how a person wants to be told.
type Preferences struct {
	Push      bool   `json:"push"`
	SMS       bool   `json:"sms"`
	Email     bool   `json:"email"`
	QuietFrom string `json:"quiet_from,omitempty"` // "22:00" in TimeZone; both or none
	QuietTo   string `json:"quiet_to,omitempty"`
	TimeZone  string `json:"time_zone,omitempty"` // "Asia/Riyadh" when empty
}

// CitizenPatch changes what is not nil; an empty text removes it, except the language.
type CitizenPatch struct {
	Name      *string
	Email     *string
	Language  *string
	Gender    *string
	Residency *string
}

// Caller is somebody for whom staff register a report. Only the phone is required.
type Caller struct {
	Phone     string
	Name      string
	Language  string // "" for Arabic
	Gender    string
	Residency string
}

// Contact is where and how a citizen can be told something.
type Contact struct {
	ID          string
	Name        string
	Phone       string
	Email       string
	Language    string
	Preferences Preferences
	Devices     []*Device // only those with a push token, last seen first
}

// Me is the caller's own account.
func (s *Service) Me(ctx context.Context, a actor.Actor) (*Citizen, error) {
	if err := citizen(a); err != nil {
		return nil, err
	}
	return s.store.Citizen(ctx, a.ID)
}

// UpdateMe changes the caller's own account; with rev it must still be the version that the caller has seen, else
// PreconditionFailed.
func (s *Service) UpdateMe(ctx context.Context, a actor.Actor, rev *int64, p CitizenPatch) (*Citizen, error) {
	if err := citizen(a); err != nil {
		return nil, err
	}
	var wrong fault.Fields
	name := checkName(&wrong, "name", p.Name, false)
	email := checkEmail(&wrong, "email", p.Email, false)
	if p.Language != nil {
		checkLanguage(&wrong, *p.Language)
	}
	checkTold(&wrong, "gender", p.Gender, Genders)
	checkTold(&wrong, "residency", p.Residency, Residencies)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return s.store.UpdateCitizen(ctx, a.ID, func(c *Citizen) error {
		if rev != nil && *rev != c.Rev {
			return fault.New(fault.PreconditionFailed)
		}
		replace(&c.Name, name)
		replace(&c.Email, email)
		replace(&c.Language, p.Language)
		replace(&c.Gender, p.Gender)
		replace(&c.Residency, p.Residency)
		return nil
	})
}

// PutPreferences replaces the caller's preferences.
func (s *Service) PutPreferences(ctx context.Context, a actor.Actor, p Preferences) (*Citizen, error) {
	if err := citizen(a); err != nil {
		return nil, err
	}
	var wrong fault.Fields
	for path, clock := range map[string]string{"quiet_from": p.QuietFrom, "quiet_to": p.QuietTo} {
		if clock != "" && !isClock(clock) {
			wrong.Add(path, fault.WrongFormat)
		}
	}
	switch {
	case p.QuietFrom != "" && p.QuietTo == "":
		wrong.Add("quiet_to", fault.Required)
	case p.QuietTo != "" && p.QuietFrom == "":
		wrong.Add("quiet_from", fault.Required)
	}
	if p.TimeZone != "" {
		if _, err := time.LoadLocation(p.TimeZone); err != nil || p.TimeZone == "Local" || len(p.TimeZone) > 64 {
			wrong.Add("time_zone", fault.Unknown)
		}
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return s.store.UpdateCitizen(ctx, a.ID, func(c *Citizen) error {
		c.Preferences = p
		return nil
	})
}

func isClock(s string) bool {
	_, err := time.Parse("15:04", s)
	return err == nil && len(s) == 5
}

// EnsureCitizen gives the account of a number, for staff who register a report; a number without one gets one. What the account
// of a person says already stays as the person wants it; of gender and residency, what it does not say is filled in.
func (s *Service) EnsureCitizen(ctx context.Context, a actor.Actor, n Caller) (*Citizen, error) {
	if a.Kind != actor.System && !a.Is(actor.Clerk, actor.Officer, actor.Supervisor) {
		return nil, fault.New(fault.Forbidden)
	}
	var wrong fault.Fields
	var ok bool
	if n.Phone, ok = ParsePhone(n.Phone); !ok {
		wrong.Add("citizen_phone", fault.WrongFormat)
	}
	n.Name = *checkName(&wrong, "citizen_name", &n.Name, false)
	n.Language = orArabic(n.Language)
	checkLanguage(&wrong, n.Language)
	checkTold(&wrong, "citizen_gender", &n.Gender, Genders)
	checkTold(&wrong, "citizen_residency", &n.Residency, Residencies)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	c, _, err := s.ensureCitizen(ctx, n)
	if err != nil || !c.lacks(n) {
		return c, err
	}
	return s.store.UpdateCitizen(ctx, c.ID, func(c *Citizen) error {
		c.Gender, c.Residency = cmp.Or(c.Gender, n.Gender), cmp.Or(c.Residency, n.Residency)
		return nil
	})
}

// lacks tells whether n knows of the person what the account does not say.
func (c *Citizen) lacks(n Caller) bool {
	return c.Gender == "" && n.Gender != "" || c.Residency == "" && n.Residency != ""
}

func (s *Service) ensureCitizen(ctx context.Context, n Caller) (_ *Citizen, isNew bool, err error) {
	c, err := s.store.CitizenByPhone(ctx, n.Phone)
	if err == nil || !errors.Is(err, fault.New(fault.NotFound)) {
		return c, false, err
	}
	c = &Citizen{ID: s.NewID(), Rev: 1, Phone: n.Phone, Name: n.Name, Language: n.Language, Gender: n.Gender, Residency: n.Residency, Created: s.Now().UTC(),
		Preferences: Preferences{Push: true, SMS: true, Email: true, TimeZone: "Asia/Riyadh"}}
	switch err := s.store.AddCitizen(ctx, c); {
	case errors.Is(err, fault.New(fault.Exists)): // another request was first
		c, err = s.store.CitizenByPhone(ctx, n.Phone)
		return c, false, err
	case err != nil:
		return nil, false, fmt.Errorf("add a citizen: %w", err)
	}
	return c, true, nil
}

// Contacts are those of citizens, by id; one without an account is left out. They are for the one who delivers messages; it needs no
// actor because nobody else can reach it.
func (s *Service) Contacts(ctx context.Context, ids []string) (map[string]*Contact, error) {
	citizens, err := s.store.Citizens(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("citizens: %w", err)
	}
	all := make(map[string]*Contact, len(citizens))
	for _, c := range citizens {
		all[c.ID] = &Contact{ID: c.ID, Name: c.Name, Phone: c.Phone, Email: c.Email, Language: c.Language, Preferences: c.Preferences}
	}
	devices, err := s.store.PushDevices(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("devices of citizens: %w", err)
	}
	for _, d := range devices {
		if c := all[d.Citizen]; c != nil && (d.Aside.IsZero() || s.Now().Sub(d.Aside) > asideFor) {
			c.Devices = append(c.Devices, d)
		}
	}
	return all, nil
}

func replace(field *string, with *string) {
	if with != nil {
		*field = *with
	}
}

func orArabic(language string) string {
	if language == "" {
		return "ar"
	}
	return language
}

func checkLanguage(wrong *fault.Fields, language string) {
	if !slices.Contains(Languages, language) {
		wrong.Add("language", fault.Unknown)
	}
}

// checkTold refuses what is neither missing, nor empty, nor one of the values.
func checkTold(wrong *fault.Fields, path string, told *string, values []string) {
	if told != nil && *told != "" && !slices.Contains(values, *told) {
		wrong.Add(path, fault.Unknown)
	}
}

// checkName trims a name and refuses one of more than 100 characters or with control characters.
func checkName(wrong *fault.Fields, path string, name *string, required bool) *string {
	if name == nil {
		return nil
	}
	n := strings.TrimSpace(*name)
	switch {
	case n == "" && required:
		wrong.Add(path, fault.Required)
	case utf8.RuneCountInString(n) > 100:
		wrong.Add(path, fault.TooLong)
	case !utf8.ValidString(n) || strings.ContainsFunc(n, unicode.IsControl):
		wrong.Add(path, fault.WrongFormat)
	}
	return &n
}

// checkEmail trims an address and refuses what is none.
func checkEmail(wrong *fault.Fields, path string, email *string, required bool) *string {
	if email == nil {
		return nil
	}
	e := strings.TrimSpace(*email)
	if e == "" && !required {
		return &e
	}
	parsed, err := mail.ParseAddress(e)
	switch {
	case e == "":
		wrong.Add(path, fault.Required)
	case len(e) > 254:
		wrong.Add(path, fault.TooLong)
	case err != nil || parsed.Address != e || !strings.Contains(e[strings.LastIndexByte(e, '@')+1:], "."):
		wrong.Add(path, fault.WrongFormat)
	}
	return &e
}

// checkDevice gives the canonical form of the id of a device, which may be missing.
func checkDevice(wrong *fault.Fields, path, id string) string {
	if id == "" {
		return ""
	}
	u, err := uuid.Parse(id)
	if err != nil || len(id) != 36 {
		wrong.Add(path, fault.WrongFormat)
		return ""
	}
	return u.String()
}
