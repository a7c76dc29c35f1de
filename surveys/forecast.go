package surveys

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

const (
	forecastNext  = 5
	often         = 28 * 24 * time.Hour // everybody, as often as this or more often, is too much
	restDays      = 30                  // a shorter quarantine is warned of
	caseFrameDays = 30                  // how far back the frame of a programme after cases is looked at, for want of a window
)

// Forecast says what a round of the programme that began now would do; of a programme after cases, who would have been asked in
// 30 days if each had a case that came to its point. For managers and administrators.
func (p *Programmes) Forecast(ctx context.Context, a actor.Actor, code string) (*Forecast, error) {
	x, err := p.Programme(ctx, a, code)
	if err != nil {
		return nil, err
	}
	return p.forecast(ctx, x)
}

// forecast reads the frame as a draw does, and keeps nobody.
func (p *Programmes) forecast(ctx context.Context, x *Programme) (*Forecast, error) {
	now, window, sample := p.instant(), caseFrameDays, x.Sample
	if x.Every != nil {
		window = x.Every.WindowDays
	} else {
		sample = Sample{Method: DrawAll}
	}
	shown := *x
	shown.Sample = sample
	d := newDrawing(&shown, nil)
	if err := p.readFrame(ctx, framing{programme: &shown, from: p.daysBefore(now, window), to: now}, d.take); err != nil {
		return nil, fmt.Errorf("forecast: %w", err)
	}
	drawn, _ := d.drawn()
	f := &Forecast{Population: drawn.Population, Excluded: drawn.Excluded, Eligible: drawn.Eligible, Invitations: drawn.Sampled,
		Strata:   drawn.Strata,
		Expected: int(math.Round(float64(drawn.Sampled) * sample.ExpectedRate)), Warnings: []string{}, Next: []time.Time{}}
	if x.Every != nil {
		f.Next = append(f.Next, x.Every.occurrences(p.Zone, now, forecastNext)...)
	}
	f.Warnings = append(f.Warnings, warnings(x, f)...)
	if p.HasChannel != nil && slices.ContainsFunc(x.Channels, func(c string) bool { return !p.HasChannel(c) }) {
		f.Warnings = append(f.Warnings, WarnNoChannel)
	}
	return f, nil
}

func warnings(x *Programme, f *Forecast) (all []string) {
	if f.Eligible == 0 || f.Invitations == 0 {
		all = append(all, WarnNobody)
	}
	if x.Every != nil && f.Invitations == f.Eligible && f.Eligible > 0 && gap(f.Next) <= often {
		all = append(all, WarnEverybody)
	}
	if x.QuarantineDays < restDays {
		all = append(all, WarnNoQuarantine)
	}
	if x.Every != nil && f.Population > 0 && f.Invitations < x.Sample.needed(f.Population) {
		all = append(all, WarnTooFew)
	}
	return all
}

// confirm refuses warnings that nobody confirmed, and names them.
func (f *Forecast) confirm(confirmed []string) error {
	open := slices.DeleteFunc(slices.Clone(f.Warnings), func(w string) bool { return slices.Contains(confirmed, w) })
	if len(open) > 0 {
		return &fault.Error{Code: fault.Conflict, Allowed: open}
	}
	return nil
}
