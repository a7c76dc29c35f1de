package photos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balagh/balagh/fault"
)

// looseFor is how long a photo may wait for its report, and bytes for their row.
const looseFor = 24 * time.Hour

const sweepPage = 100

// Sweep removes photos that waited more than a day for a report, and bytes as old that no row names. Call it every hour:
// each call looks through one of the bucket's 256 folders, a different one in every hour, so that its cost stays small in a
// bucket of any size. It says how many photos and objects it removed.
func (s *Service) Sweep(ctx context.Context, now time.Time) (int, error) {
	before := now.Add(-looseFor)
	loose, err := s.sweepLoose(ctx, before)
	if err != nil {
		return loose, fmt.Errorf("sweep photos: %w", err)
	}
	lost := 0
	for _, kind := range []string{originals, served} {
		n, err := s.sweepFolder(ctx, sweptAt(kind, int(now.Unix()/3600)), before)
		lost += n
		if err != nil {
			return loose + lost, fmt.Errorf("sweep the bucket: %w", err)
		}
	}
	return loose + lost, nil
}

// sweptAt is the folder whose turn it is in an hour.
func sweptAt(kind string, hour int) string { return fmt.Sprintf("%s/%02x/", kind, hour%256) }

func (s *Service) sweepLoose(ctx context.Context, before time.Time) (removed int, err error) {
	after := ""
	for {
		ps, err := s.Store.LoosePhotos(ctx, before, after, sweepPage)
		if err != nil {
			return removed, err
		}
		for _, p := range ps {
			after = p.ID
			switch err := s.remove(ctx, p); {
			case err == nil:
				removed++
			case !errors.Is(err, fault.New(fault.Conflict)): // attached in this very moment: it stays
				return removed, err
			}
		}
		if len(ps) < sweepPage {
			return removed, nil
		}
	}
}

func (s *Service) sweepFolder(ctx context.Context, prefix string, before time.Time) (removed int, err error) {
	for o, err := range s.Bucket.Keys(ctx, prefix) {
		if err != nil {
			return removed, err
		}
		if !o.ModTime.Before(before) {
			continue
		}
		p, err := s.Store.Photo(ctx, photoOf(o.Key))
		switch {
		case errors.Is(err, fault.New(fault.NotFound)):
		case err != nil:
			return removed, err
		case o.Key == p.originalKey() || o.Key == p.servedKey(Full) || o.Key == p.servedKey(Thumb):
			continue
		}
		if err := s.Bucket.remove(ctx, o.Key); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}
