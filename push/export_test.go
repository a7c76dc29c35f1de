package push

import "context"

// Chains looks at one batch, as RunChains does again and again.
func (s *Service) Chains(ctx context.Context) (int, error) { return s.chains(ctx) }
