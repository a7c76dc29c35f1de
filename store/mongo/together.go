package mongo

import (
	"context"
	"slices"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/photos"
)

// Together lets what a request writes beside its main write wait for that one and go with it: the rows of a report's photos travel in
// the report's document. When the main write never comes, nothing of it does.
func Together(ctx context.Context) context.Context {
	return context.WithValue(ctx, companyKey{}, &company{owned: map[album]int{}})
}

type companyKey struct{}

// company are writes that wait for the main one.
type company struct {
	mu    sync.Mutex
	then  []follow
	owned map[album]int // photos that wait
}

// accompany collects photos with a report where a main write is to come, and says whether one is. The report is new, so that no other
// photo of it is there to count.
func accompany(ctx context.Context, ps []*photos.Photo, limit int) (bool, error) {
	c, ok := ctx.Value(companyKey{}).(*company)
	if !ok {
		return false, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var then []follow
	counted := map[album]int{}
	for _, p := range ps {
		of := album{p.Report, p.Owner}
		if counted[of]++; limit > 0 && c.owned[of]+counted[of] > limit {
			return true, fault.At("photos", fault.TooMany)
		}
		d, err := pictures.fresh(p, effects{})
		if err != nil {
			return true, err
		}
		then = append(then, follow{In: pictures.in, Filter: d[:1], Update: bson.D{{Key: "$setOnInsert", Value: d[1:]}}})
	}
	for of, n := range counted {
		c.owned[of] += n
	}
	c.then = append(c.then, then...)
	c.then = append(c.then, reservations(ps)...)
	return true, nil
}

// accompanied is what is to follow the main write of the request.
func accompanied(ctx context.Context) []follow {
	c, ok := ctx.Value(companyKey{}).(*company)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.then)
}
