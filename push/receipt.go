package push

import (
	"context"
	"fmt"

	"github.com/balagh/balagh/fault"
)

// Receive takes what a gateway says later of what it accepted. A call that was made before is no longer believed: fault.Unauthenticated.
// fault.NotFound when nothing is known to have been accepted under that name, which may still change: a gateway can be faster than the
// write that keeps its answer.
func (s *Service) Receive(ctx context.Context, r Receipt) error {
	err := s.Store.Receive(ctx, r)
	switch fault.CodeOf(err) {
	case "":
		if r.State == Failed {
			signal(s.poke) // the chain of its message goes on
		}
		return nil
	case fault.Exists:
		return fault.Newf(fault.Unauthenticated, "a call-back that was made before")
	case fault.NotFound:
		return fault.New(fault.NotFound)
	}
	return fmt.Errorf("note what a gateway says: %w", err)
}
