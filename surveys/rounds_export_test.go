package surveys

import "context"

// RoundsOnce and InvitationsOnce are what the runners do between two looks at the clock.
func (p *Programmes) RoundsOnce(ctx context.Context) (more bool, err error) {
	return safely(ctx, p.roundsOnce)
}

// InvitationsOnce is the other runner's.
func (p *Programmes) InvitationsOnce(ctx context.Context) (more bool, err error) {
	return safely(ctx, p.invitationsOnce)
}
