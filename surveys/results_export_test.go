package surveys

import "context"

// What the tests of results need of the inside.
var PackRow = packRow

func (p *Programmes) SettleFigures(ctx context.Context, r *Round) error {
	_, err := p.settleFigures(ctx, r)
	return err
}
