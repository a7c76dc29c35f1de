package mongo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/balagh/balagh/surveys"
)

// A day is marked in two steps, of which the first is part of the write that changes an occasion:
//
//	occasions:    mark: the rev that its days were not marked for yet; absent once they were
//	rating_marks: {_id: day, token}: the day is to be counted; a new token with each marking
//	rating_days:  {_id: day, fence, groups: [{centre, …, eligible, n1 … n5, flagged}, …]}: its counts
//
// settle brings the marks of occasions to their days, and everything here that looks at marks settles before. It looks for the other
// days of a device after the occasion was written: of two ratings at the same moment at least the later one finds the other. A process
// that dies between two writes leaves the occasion its mark, or the day its own, and at worst a day is counted once more.

const (
	settleBatch = 1_000
	deviceBatch = 500
)

// settle marks the days of every occasion that was written before it began.
func (db *DB) settle(ctx context.Context) error {
	for try := 0; ; try++ {
		found, err := db.settleSome(ctx)
		if clashed(err) && try < clashes { // with somebody who settles the same
			pause(ctx, try+1)
			continue
		}
		if err != nil {
			return fmt.Errorf("mark days: %w", err)
		}
		if found < settleBatch {
			return nil
		}
	}
}

// marked finds the occasions with a mark: without a range the index of marks would not be used.
var marked = bson.D{{Key: "mark", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$gte", Value: 0}}}}

func (db *DB) settleSome(ctx context.Context) (found int, err error) {
	ids, days, rated := map[int64][]string{}, map[string]bool{}, map[rating]bool{}
	err = db.scan(ctx, occasions.in, marked, func(raw bson.Raw) error {
		found++
		mark := numberIn(raw, "mark")
		ids[mark] = append(ids[mark], textIn(raw, "_id"))
		days[textIn(raw, "day")] = true
		if r := ratingOf(raw); r.device != "" {
			rated[r] = true
		}
		return nil
	}, options.Find().SetProjection(bson.D{{Key: "mark", Value: 1}, {Key: "day", Value: 1}, {Key: "device", Value: 1}, {Key: "rated", Value: 1}}).SetLimit(settleBatch))
	if err != nil || found == 0 {
		return found, err
	}
	if err := db.eachRated(ctx, rated, bson.E{Key: "day", Value: "$day"}, func(_ rating, raw bson.Raw) { days[textIn(raw, "_id", "day")] = true }); err != nil {
		return found, err
	}
	if err := db.markDays(ctx, days); err != nil {
		return found, err
	}
	for mark, some := range ids { // one that was written meanwhile has another mark
		slices.Sort(some) // in one order, as the days: who waits for another is waited for by none
		_, err := db.in(occasions.in).UpdateMany(ctx, bson.D{{Key: "_id", Value: among(some)}, {Key: "mark", Value: mark}},
			bson.D{{Key: "$unset", Value: bson.D{{Key: "mark", Value: ""}}}})
		if err != nil {
			return found, failed(ctx, err)
		}
	}
	return found, nil
}

// markDays gives each day a mark that is unlike the one that it may have.
func (db *DB) markDays(ctx context.Context, days map[string]bool) error {
	var models []driver.WriteModel
	for _, day := range slices.Sorted(maps.Keys(days)) {
		models = append(models, driver.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: day}}).SetUpsert(true).
			SetUpdate(bson.D{{Key: "$set", Value: bson.D{{Key: "v", Value: docVersion}, {Key: "token", Value: rand.Int64()}}}}))
	}
	for {
		_, err := db.in("rating_marks").BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
		if !taken(err) { // else somebody made one at the same time
			return failed(ctx, err)
		}
	}
}

// rating is from which device one came, and on which day.
type rating struct{ device, rated string }

func ratingOf(raw bson.Raw) rating { return rating{textIn(raw, "device"), textIn(raw, "rated")} }

// eachRated visits the groups of the occasions that were rated so: by device, day of the rating and what else is said.
func (db *DB) eachRated(ctx context.Context, ratings map[rating]bool, also bson.E, visit func(rating, bson.Raw)) error {
	byDay := map[string][]string{}
	for r := range ratings {
		byDay[r.rated] = append(byDay[r.rated], r.device)
	}
	by := bson.D{{Key: "device", Value: "$device"}, {Key: "rated", Value: "$rated"}}
	if also.Key != "" {
		by = append(by, also)
	}
	for day, devices := range byDay {
		for some := range slices.Chunk(devices, deviceBatch) {
			in := append(bson.D{{Key: "$exists", Value: true}}, among(some)...)
			cursor, err := db.in(occasions.in).Aggregate(ctx, driver.Pipeline{{{Key: "$match", Value: bson.D{{Key: "device", Value: in}, {Key: "rated", Value: day}}}},
				{{Key: "$group", Value: bson.D{{Key: "_id", Value: by}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}}})
			err = scanned(ctx, cursor, err, func(raw bson.Raw) error {
				visit(rating{textIn(raw, "_id", "device"), textIn(raw, "_id", "rated")}, raw)
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// MarkedDays reads the marks.
func (db *DB) MarkedDays(ctx context.Context) ([]string, error) {
	if err := db.settle(ctx); err != nil {
		return nil, err
	}
	return db.daysIn(ctx, "rating_marks")
}

// daysIn are the ids of a collection of which each is a day: all of them.
func (db *DB) daysIn(ctx context.Context, in string) (days []string, err error) {
	err = db.scan(ctx, in, bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: ""}}}}, func(raw bson.Raw) error {
		days = append(days, textIn(raw, "_id"))
		return nil
	}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}).SetSort(bson.D{{Key: "_id", Value: 1}}))
	return days, err
}

// CountedDays steps from day to day of the occasions by their index, without reading what lies between. An occasion that did not mark
// its day yet is one of that day.
func (db *DB) CountedDays(ctx context.Context) ([]string, error) {
	kept, err := db.daysIn(ctx, "rating_days")
	if err != nil {
		return nil, err
	}
	open, err := db.daysIn(ctx, "rating_marks")
	if err != nil {
		return nil, err
	}
	days := append(kept, open...)
	for after := (bson.D{{Key: "$gte", Value: ""}}); after != nil; {
		from := after
		after = nil
		err := db.scan(ctx, occasions.in, bson.D{{Key: "day", Value: from}}, func(raw bson.Raw) error {
			days = append(days, textIn(raw, "day"))
			after = bson.D{{Key: "$gt", Value: textIn(raw, "day")}}
			return nil
		}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 0}, {Key: "day", Value: 1}}).SetSort(bson.D{{Key: "day", Value: 1}}).SetLimit(1))
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(days)
	return slices.Compact(days), nil
}

// dayState is a state with what lets nobody overwrite a later one.
type dayState struct {
	surveys.DayState
	token int64 // of the mark; 0 without one
	fence int64 // of the counts; 0 without any
}

// DayState reads one part after the other. What changed meanwhile marked the day, or its counts were replaced: then it counts as marked.
func (db *DB) DayState(ctx context.Context, day string) (*surveys.DayState, error) {
	state, err := db.dayState(ctx, day)
	if err != nil {
		return nil, err
	}
	if !state.Marked {
		after := &dayState{}
		if err := db.keptDay(ctx, day, after); err != nil {
			return nil, err
		}
		state.Marked = after.Marked || after.fence != state.fence
	}
	return &state.DayState, nil
}

// dayState reads the mark first and the occasions last: they are of the moment of the mark or later.
func (db *DB) dayState(ctx context.Context, day string) (*dayState, error) {
	state := &dayState{}
	if err := db.keptDay(ctx, day, state); err != nil {
		return nil, err
	}
	var err error
	state.Raw, err = db.rawDay(ctx, day)
	return state, err
}

// keptDay reads the mark and the counts of a day.
func (db *DB) keptDay(ctx context.Context, day string, state *dayState) error {
	if err := db.settle(ctx); err != nil {
		return err
	}
	err := db.scan(ctx, "rating_marks", bson.D{{Key: "_id", Value: day}}, func(raw bson.Raw) error {
		state.Marked, state.token = true, numberIn(raw, "token")
		return nil
	})
	if err != nil {
		return err
	}
	return db.scan(ctx, "rating_days", bson.D{{Key: "_id", Value: day}}, func(raw bson.Raw) error {
		state.fence = numberIn(raw, "fence")
		return eachGroup(raw, func(c *surveys.DayCount) { state.Kept = append(state.Kept, *c) })
	})
}

// eachGroup visits the counts of a day, each of which is valid during the call only. Each element is read once: there are very many.
func eachGroup(raw bson.Raw, visit func(*surveys.DayCount)) error {
	groups, _ := raw.Lookup("groups").ArrayOK()
	values, err := groups.Values()
	if err != nil {
		return fmt.Errorf("the counts of a day: %w", err)
	}
	for _, v := range values {
		elements, err := bsoncore.Document(v.Value).Elements()
		if err != nil {
			return fmt.Errorf("a count of a day: %w", err)
		}
		var c surveys.DayCount
		for _, e := range elements {
			v := e.Value()
			text, _ := v.StringValueOK()
			n, _ := v.AsInt64OK()
			switch key := e.Key(); key {
			case "centre":
				c.Centre = text
			case "department":
				c.Department = text
			case "category":
				c.Category = text
			case "employee":
				c.Employee = text
			case "eligible":
				c.Eligible = n
			case "flagged":
				c.Flagged = n
			default:
				if level := slices.Index(levelNames[:], key); level >= 0 {
					c.Counts[level] = n
				}
			}
		}
		visit(&c)
	}
	return nil
}

func dayKeyOf(raw bson.Raw) surveys.DayKey {
	return surveys.DayKey{Centre: textIn(raw, "centre"), Department: textIn(raw, "department"), Category: textIn(raw, "category"), Employee: textIn(raw, "employee")}
}

// rawDay counts the occasions of a day.
func (db *DB) rawDay(ctx context.Context, day string) ([]surveys.DayCount, error) {
	groups, ratings := map[surveys.DayKey]*surveys.DayCount{}, map[rating]bool{}
	type counted struct {
		rating
		in *surveys.DayCount
	}
	var fromDevices []counted
	err := db.scan(ctx, occasions.in, bson.D{{Key: "day", Value: day}}, func(raw bson.Raw) error {
		k := dayKeyOf(raw)
		c, ok := groups[k]
		if !ok {
			c = &surveys.DayCount{DayKey: k}
			groups[k] = c
		}
		c.Eligible++
		if level := numberIn(raw, "level"); level >= 1 && level <= surveys.Levels {
			c.Counts[level-1]++
		}
		if r := ratingOf(raw); r.device != "" {
			ratings[r] = true
			fromDevices = append(fromDevices, counted{r, c})
		}
		return nil
	}, options.Find().SetProjection(dayFields).SetBatchSize(dayBatch))
	if err != nil {
		return nil, fmt.Errorf("count a day: %w", err)
	}
	many := map[rating]bool{}
	err = db.eachRated(ctx, ratings, bson.E{}, func(r rating, raw bson.Raw) { many[r] = numberIn(raw, "n") >= surveys.ManyRatings })
	if err != nil {
		return nil, fmt.Errorf("count the ratings of devices: %w", err)
	}
	for _, c := range fromDevices {
		if many[c.rating] {
			c.in.Flagged++
		}
	}
	var all []surveys.DayCount
	for _, c := range groups {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b surveys.DayCount) int { return compareDayKeys(a.DayKey, b.DayKey) })
	return all, nil
}

const dayBatch = 10_000

var dayFields = bson.D{{Key: "_id", Value: 0}, {Key: "centre", Value: 1}, {Key: "department", Value: 1}, {Key: "category", Value: 1}, {Key: "employee", Value: 1},
	{Key: "level", Value: 1}, {Key: "device", Value: 1}, {Key: "rated", Value: 1}}

func compareDayKeys(a, b surveys.DayKey) int {
	return cmp.Or(cmp.Compare(a.Centre, b.Centre), cmp.Compare(a.Department, b.Department), cmp.Compare(a.Category, b.Category), cmp.Compare(a.Employee, b.Employee))
}

// RecountDay counts without holding up those who write: nobody else must have written the counts meanwhile, or it begins again. The
// mark goes when it is still the one from before the occasions were counted.
func (db *DB) RecountDay(ctx context.Context, day string) error {
	for try := 0; ; try++ {
		state, err := db.dayState(ctx, day)
		if err != nil {
			return err
		}
		if !state.Marked && len(surveys.Differences(day, &state.DayState)) == 0 {
			return nil
		}
		if done, err := db.keepDay(ctx, day, state); done || err != nil && (!clashed(err) || try >= clashes) {
			return err
		}
		pause(ctx, try+1)
	}
}

func (db *DB) keepDay(ctx context.Context, day string, state *dayState) (done bool, err error) {
	if done, err = db.keepCounts(ctx, day, state); err != nil || !done || !state.Marked {
		return done, err
	}
	_, err = db.in("rating_marks").DeleteOne(ctx, bson.D{{Key: "_id", Value: day}, {Key: "token", Value: state.token}})
	return true, failed(ctx, err)
}

// keepCounts replaces the counts of a day if they are still those that were read.
func (db *DB) keepCounts(ctx context.Context, day string, state *dayState) (done bool, err error) {
	there := bson.D{{Key: "_id", Value: day}, {Key: "fence", Value: state.fence}}
	switch {
	case len(state.Raw) == 0 && state.fence == 0:
		return true, nil
	case len(state.Raw) == 0:
		r, err := db.in("rating_days").DeleteOne(ctx, there)
		return err == nil && r.DeletedCount == 1, failed(ctx, err)
	}
	groups := make(bson.A, len(state.Raw))
	for i, c := range state.Raw {
		d := bson.D{{Key: "centre", Value: c.Centre}, {Key: "department", Value: c.Department}, {Key: "category", Value: c.Category}, {Key: "employee", Value: c.Employee},
			{Key: "eligible", Value: c.Eligible}, {Key: "flagged", Value: c.Flagged}}
		for level, name := range levelNames {
			d = append(d, bson.E{Key: name, Value: c.Counts[level]})
		}
		groups[i] = d
	}
	// A fence that is random is unlike every other, also when the counts were removed and made anew.
	d := bson.D{{Key: "v", Value: docVersion}, {Key: "fence", Value: 1 + rand.Int64N(1<<62)}, {Key: "groups", Value: groups}}
	if state.fence == 0 {
		_, err := db.in("rating_days").InsertOne(ctx, append(bson.D{{Key: "_id", Value: day}}, d...))
		if taken(err) {
			return false, nil
		}
		return err == nil, failed(ctx, err)
	}
	r, err := db.in("rating_days").UpdateOne(ctx, there, bson.D{{Key: "$set", Value: d}})
	return err == nil && r.MatchedCount == 1, failed(ctx, err)
}

// ratedPage is of how many days the counts are read at once. There are some thousand groups in a day of the whole country.
const ratedPage = 16

// RatedDays adds up a range of days. A server takes several times as long to take their groups apart as to hand them over.
func (db *DB) RatedDays(ctx context.Context, f surveys.DayFilter) ([]surveys.DayTally, error) {
	value, ok := ratedValues[f.By]
	if !ok {
		return nil, fmt.Errorf("no such dimension: %q", f.By)
	}
	sums := map[string]*surveys.DayTally{}
	add := func(c *surveys.DayCount) {
		if f.Centres != nil && !slices.Contains(f.Centres, c.Centre) || f.Departments != nil && !slices.Contains(f.Departments, c.Department) {
			return
		}
		key := value(&c.DayKey)
		t, ok := sums[key]
		if !ok {
			t = &surveys.DayTally{Tally: surveys.Tally{Key: key}}
			sums[key] = t
		}
		t.Eligible += c.Eligible
		t.Flagged += c.Flagged
		for level, n := range c.Counts {
			t.Counts[level] += n
		}
	}
	days, from, last := bson.D{{Key: "$gte", Value: f.From}, {Key: "$lte", Value: f.To}}, "", ratedPage
	for last == ratedPage {
		last = 0
		err := db.scan(ctx, "rating_days", bson.D{{Key: "_id", Value: days}}, func(raw bson.Raw) error {
			last++
			from = textIn(raw, "_id")
			return eachGroup(raw, add)
		}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(ratedPage))
		if err != nil {
			return nil, fmt.Errorf("add up days: %w", err)
		}
		days[0] = bson.E{Key: "$gt", Value: from}
	}
	var all []surveys.DayTally
	for _, t := range sums {
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b surveys.DayTally) int { return cmp.Compare(a.Key, b.Key) })
	return all, nil
}

var ratedValues = map[surveys.Dimension]func(*surveys.DayKey) string{
	surveys.ByCentre:     func(k *surveys.DayKey) string { return k.Centre },
	surveys.ByDepartment: func(k *surveys.DayKey) string { return k.Department },
	surveys.ByCategory:   func(k *surveys.DayKey) string { return k.Category },
	surveys.ByEmployee:   func(k *surveys.DayKey) string { return k.Employee },
}
