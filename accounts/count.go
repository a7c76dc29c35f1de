package accounts

import "context"

// Count counts one use of what a client address may do so often, for example a report without an account, or is
// fault.TooManyRequests. Addresses are kept only as an HMAC.
func (s *Service) Count(ctx context.Context, purpose, address string, l Limit) error {
	return s.take(ctx, Quota{Key: s.masked(purpose, address), Limit: l})
}
