package surveys

import "context"

// What the tests of results need of the inside.
var PackRow = packRow

func (p *Programmes) SettleFigures(ctx context.Context, r *Round) error {
	return p.settleFigures(ctx, r)
}
