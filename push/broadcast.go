package push

import (
	"context"

	"github.com/balagh/balagh/fault"
)

// Broadcast is a notice to many.
type Broadcast struct {
	ID    string
	Texts map[string]Text // by language
}

// announcement is a broadcast as it is now, or was a second ago.
func (s *Service) announcement(context.Context, string) (*Broadcast, error) {
	return nil, fault.New(fault.NotFound)
}

// halted says whether deliveries of the broadcast must not go now, or never.
func (b *Broadcast) halted() (paused, stopped bool) { return false, false }
