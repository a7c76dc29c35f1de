package push

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// TemplateChannels are the channels with texts of their own, which are those that a step of a chain may name. Web Push shows the
// texts of ChannelPush.
var TemplateChannels = []string{ChannelPush, ChannelSMS, ChannelEmail}

// Template is what a channel says of a kind, with {number} for the number of the report, {title} and {link} for what a
// survey is called and where it is answered (see variablesOf), and {{ and }} for braces.
type Template struct {
	Kind    Kind            `json:"kind"`
	Channel string          `json:"channel"` // of TemplateChannels
	Version int             `json:"version"` // 0: comes with the program
	Texts   map[string]Text `json:"texts"`   // by language: a title and a body; an SMS has no title
	By      string          `json:"by,omitempty"`
	At      time.Time       `json:"at,omitzero"`
}

// Preview is a text as one person would get it.
type Preview struct {
	Language string
	Text
	Segments int    // with an SMS, when that is known: how many it is sent as
	Encoding string // likewise
	Bytes    int    // of title and body, in UTF-8
}

// TextStore keeps the templates and policies that administrators wrote: every version, for ever.
type TextStore interface {
	// Templates are the newest versions, by kind and channel.
	Templates(ctx context.Context) ([]Template, error)
	// TemplateVersions are all versions for a kind and channel, newest first.
	TemplateVersions(ctx context.Context, k Kind, channel string) ([]Template, error)
	// AddTemplate writes a version; fault.PreconditionFailed when it is there already.
	AddTemplate(ctx context.Context, t Template) error
	// Policies are those of the highest rev, by kind.
	Policies(ctx context.Context) ([]Policy, error)
	// AddPolicy writes a policy of a new rev; fault.PreconditionFailed when it is there already.
	AddPolicy(ctx context.Context, p Policy) error
}

// Templates are the present ones, of every kind but announcements and every channel. Managers and administrators read them.
func (s *Service) Templates(ctx context.Context, a actor.Actor) ([]Template, error) {
	if err := allowed(a, actor.Manager, actor.Admin); err != nil {
		return nil, err
	}
	stored, err := s.Store.Templates(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the templates: %w", err)
	}
	var all []Template
	for _, k := range Kinds {
		for _, c := range TemplateChannels {
			if k != Announcement {
				all = append(all, newest(stored, k, c))
			}
		}
	}
	return all, nil
}

// TemplateVersions are all versions, newest first; the last is the one that comes with the program.
func (s *Service) TemplateVersions(ctx context.Context, a actor.Actor, k Kind, channel string) ([]Template, error) {
	if err := allowed(a, actor.Manager, actor.Admin); err != nil {
		return nil, err
	}
	if builtIn[k][channel] == nil {
		return nil, fault.New(fault.NotFound)
	}
	all, err := s.Store.TemplateVersions(ctx, k, channel)
	if err != nil {
		return nil, fmt.Errorf("read the versions of a template: %w", err)
	}
	return append(all, newest(nil, k, channel)), nil
}

// PutTemplate writes t as the next version and answers it; its Version, By and At are set here. With version, that must be the
// present one: fault.PreconditionFailed otherwise, and when two write at once for one of them. A dry run does everything but
// write. A fault of a single character has its place after the path of the text, in code points from 0: "texts/ar/body/17".
// Putting the texts of an old version brings them back. Only administrators may.
func (s *Service) PutTemplate(ctx context.Context, a actor.Actor, t Template, version *int, dryRun bool) (Template, error) {
	if err := allowedForAll(a); err != nil {
		return Template{}, err
	}
	if _, err := t.check(); err != nil {
		return Template{}, err
	}
	stored, err := s.Store.Templates(ctx)
	if err != nil {
		return Template{}, fmt.Errorf("read the templates: %w", err)
	}
	present := newest(stored, t.Kind, t.Channel).Version
	if version != nil && *version != present {
		return Template{}, fault.New(fault.PreconditionFailed)
	}
	t.Version, t.By, t.At = present+1, a.ID, s.now()
	if dryRun {
		return t, nil
	}
	if err := s.Store.AddTemplate(ctx, t); err != nil {
		return Template{}, fmt.Errorf("write a template: %w", err)
	}
	s.rewrote(ctx)
	return t, nil
}

// PreviewTemplate shows t, by language, as it would be sent for a report of that number, or of SampleNumber. Its faults are those
// of PutTemplate. Managers and administrators may.
func (s *Service) PreviewTemplate(_ context.Context, a actor.Actor, t Template, number string) ([]Preview, error) {
	if err := allowed(a, actor.Manager, actor.Admin); err != nil {
		return nil, err
	}
	if number == "" {
		number = SampleNumber
	}
	if !tenDigits(number) {
		return nil, fault.At("number", fault.WrongFormat)
	}
	phrases, err := t.check()
	if err != nil {
		return nil, err
	}
	all := make([]Preview, len(Languages))
	for i, l := range Languages {
		x := phrases[l].render(sample(number, l))
		all[i] = Preview{Language: l, Text: x, Bytes: len(x.Title) + len(x.Body)}
		if t.Channel == ChannelSMS && s.Segments != nil {
			all[i].Segments, all[i].Encoding = s.Segments(x.Body)
		}
	}
	return all, nil
}

// newest of the stored templates for a kind and channel, or the one that comes with the program.
func newest(stored []Template, k Kind, channel string) Template {
	if i := slices.IndexFunc(stored, func(t Template) bool { return t.Kind == k && t.Channel == channel }); i >= 0 {
		return stored[i]
	}
	return Template{Kind: k, Channel: channel, Texts: maps.Clone(builtIn[k][channel])}
}

func tenDigits(number string) bool {
	for _, r := range number {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(number) == 10
}

// allowed refuses who is not staff with one of the roles.
// allowedForAll lets administrators of every centre in: texts and policies are everybody's.
func allowedForAll(a actor.Actor) error {
	if err := allowed(a, actor.Admin); err != nil {
		return err
	}
	if !slices.Contains(a.Centres, actor.All) {
		return fault.New(fault.Forbidden)
	}
	return nil
}

func allowed(a actor.Actor, roles ...actor.Role) error {
	switch {
	case a.Kind == actor.Nobody:
		return fault.New(fault.Unauthenticated)
	case !a.Is(roles...):
		return fault.New(fault.Forbidden)
	}
	return nil
}
