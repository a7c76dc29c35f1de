package push

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Wording is an immutable snapshot of all texts and policies.
type Wording struct {
	phrases  map[place]phrase
	policies map[Kind]Policy
}

// place of a phrase.
type place struct {
	kind              Kind
	channel, language string
}

// wordings holds the present snapshot. The one that comes with the program is used until the first refresh.
type wordings struct {
	present   atomic.Pointer[Wording]
	refreshes sync.Mutex // so that what was read later is not overtaken by what was read before
}

// Policy of a kind.
func (w *Wording) Policy(k Kind) Policy {
	if p, there := w.policies[k]; there {
		return p
	}
	return defaultPolicy(k)
}

// Text of a kind for a channel, in a language; empty for an announcement, whose text is the broadcast's.
func (w *Wording) Text(k Kind, channel, lang string, v Vars) Text {
	if channel == ChannelWeb {
		channel = ChannelPush
	}
	p, there := w.phrases[place{k, channel, language(lang)}]
	if !there {
		return Text{}
	}
	return p.render(v)
}

// supplied is what comes with the program.
var supplied = func() *Wording {
	w := &Wording{phrases: map[place]phrase{}}
	for k, channels := range builtIn {
		for c, texts := range channels {
			if err := w.use(Template{Kind: k, Channel: c, Texts: texts}); err != nil {
				panic(fmt.Sprintf("push/texts.json: %s, %s: %v", k, c, err))
			}
		}
	}
	return w
}()

// use puts a template into a snapshot that nobody has seen yet.
func (w *Wording) use(t Template) error {
	phrases, err := t.check()
	if err != nil {
		return err
	}
	for l, p := range phrases {
		w.phrases[place{t.Kind, t.Channel, l}] = p
	}
	return nil
}

// Wording as it is now, or was at the last refresh.
func (s *Service) Wording() *Wording {
	if w := s.wording.present.Load(); w != nil {
		return w
	}
	return supplied
}

// RefreshWording takes over what administrators wrote, here or in another process. When it fails, the texts stay as they were.
func (s *Service) RefreshWording(ctx context.Context) error {
	s.wording.refreshes.Lock()
	defer s.wording.refreshes.Unlock()
	templates, err := s.Store.Templates(ctx)
	if err != nil {
		return fmt.Errorf("read the templates: %w", err)
	}
	policies, err := s.Store.Policies(ctx)
	if err != nil {
		return fmt.Errorf("read the policies: %w", err)
	}
	w := &Wording{phrases: make(map[place]phrase, len(supplied.phrases)), policies: make(map[Kind]Policy, len(policies))}
	for at, p := range supplied.phrases {
		w.phrases[at] = p
	}
	for _, t := range templates {
		if err := w.use(t); err != nil { // another release wrote it, by other rules: the supplied text does the service
			s.Log.Error("a stored template cannot be used", "kind", t.Kind, "channel", t.Channel, "version", t.Version, "error", err)
		}
	}
	for _, p := range policies {
		w.policies[p.Kind] = p
	}
	s.wording.present.Store(w)
	return nil
}

// rewrote shows at once, in this process, what was just written. It is written whatever becomes of this.
func (s *Service) rewrote(ctx context.Context) {
	if err := s.RefreshWording(context.WithoutCancel(ctx)); err != nil {
		s.Log.Error("take over the new wording", "error", err)
	}
}
