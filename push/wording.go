package push

// Vars are what a text may name.
type Vars struct {
	Number string // {number}: of the report
}

// Wording is an immutable snapshot of all texts and policies.
type Wording struct{}

// Policy of a kind.
func (w *Wording) Policy(k Kind) Policy { return defaultPolicy(k) }

// Text of a kind for a channel, in a language.
func (w *Wording) Text(k Kind, _, lang string, v Vars) Text { return Render(k, lang, v.Number) }

// Wording as it is now.
func (s *Service) Wording() *Wording { return &Wording{} }
