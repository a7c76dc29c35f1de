package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

// SurveysStore is what the suite of surveys needs: the facts are looked for in the outbox.
type SurveysStore interface {
	surveys.Store
	event.Outbox
}

// TestSurveys is what every backend must do for surveys.
func TestSurveys(t *testing.T, open func(t *testing.T) SurveysStore) {
	t.Run("AddOccasion/keeps every field", func(t *testing.T) { t.Parallel(); addOccasion(t, open(t)) })
	t.Run("AddOccasion/the first one stays", func(t *testing.T) { t.Parallel(); addOccasionTwice(t, open(t)) })
	t.Run("OccasionsOf/latest closure first", func(t *testing.T) { t.Parallel(); occasionsOf(t, open(t)) })
	t.Run("UpdateOccasion/change and facts or neither", func(t *testing.T) { t.Parallel(); updateOccasion(t, open(t)) })
	t.Run("UpdateOccasion/no change is lost", func(t *testing.T) { t.Parallel(); updateOccasionRace(t, open(t)) })
	t.Run("Rate/a hundred at once, one counts", func(t *testing.T) { t.Parallel(); rateOccasionRace(t, open(t)) })
}

var occasionOpened = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func anOccasion(report string, closure int) *surveys.Occasion {
	return &surveys.Occasion{ID: event.Derive("rating", report, fmt.Sprint(closure)), Report: report, Closure: closure,
		Citizen: "citizen-1",
		Centre:  "SA-01", Department: "maintenance", Category: "loudspeakers", Channel: "app", Employee: "staff-1",
		Opened: occasionOpened, Until: occasionOpened.AddDate(0, 0, 14), ReopenUntil: occasionOpened.AddDate(0, 0, 7)}
}

func addOccasions(t *testing.T, s surveys.Store, all ...*surveys.Occasion) {
	t.Helper()
	for _, o := range all {
		if err := s.AddOccasion(t.Context(), o); err != nil {
			t.Fatalf("AddOccasion: %v", err)
		}
	}
}

func occasionsRead(t *testing.T, s surveys.Store, report string) []*surveys.Occasion {
	t.Helper()
	all, err := s.OccasionsOf(t.Context(), report)
	if err != nil {
		t.Fatalf("OccasionsOf: %v", err)
	}
	return all
}

func surveyFacts(t *testing.T, s event.Outbox) []event.Leased {
	t.Helper()
	leased, err := s.Lease(t.Context(), time.Now().Add(time.Hour), time.Minute, 1000)
	if err != nil {
		t.Fatalf("Lease: %v", err)
	}
	return leased
}

func addOccasion(t *testing.T, s SurveysStore) {
	o := anOccasion("report-1", 1)
	o.Ended = occasionOpened.Add(time.Hour)
	o.Given = &surveys.Given{Answer: surveys.Answer{Level: 2, Reasons: []surveys.Reason{surveys.Slow}, Comment: "تأخر الرد كثيرًا"},
		At: occasionOpened.Add(time.Minute)}
	addOccasions(t, s, o)
	if got := occasionsRead(t, s, "report-1"); len(got) != 1 || !reflect.DeepEqual(got[0], o) {
		t.Errorf("read %+v, want %+v", got, o)
	}
	if got := occasionsRead(t, s, "another"); len(got) != 0 {
		t.Errorf("another report has %d occasions", len(got))
	}
}

func addOccasionTwice(t *testing.T, s SurveysStore) {
	first, second := anOccasion("report-1", 1), anOccasion("report-1", 1)
	second.Centre, second.Opened = "SA-02", occasionOpened.Add(time.Hour)
	addOccasions(t, s, first, second)
	if got := occasionsRead(t, s, "report-1"); len(got) != 1 || !reflect.DeepEqual(got[0], first) {
		t.Errorf("read %+v, want the first alone", got)
	}
}

func occasionsOf(t *testing.T, s SurveysStore) {
	addOccasions(t, s, anOccasion("report-1", 2), anOccasion("report-1", 10), anOccasion("report-1", 1), anOccasion("report-2", 3))
	var closures []int
	for _, o := range occasionsRead(t, s, "report-1") {
		closures = append(closures, o.Closure)
	}
	if fmt.Sprint(closures) != "[10 2 1]" {
		t.Errorf("closures %v", closures)
	}
}

func updateOccasion(t *testing.T, s SurveysStore) {
	o := anOccasion("report-1", 1)
	addOccasions(t, s, o)
	refusal := errors.New("refused")
	if _, err := s.UpdateOccasion(t.Context(), o.ID, func(o *surveys.Occasion) ([]event.Event, error) {
		o.Citizen = "somebody else"
		return []event.Event{{ID: uuid.NewString(), Subject: "report/report-1"}}, refusal
	}); !errors.Is(err, refusal) {
		t.Errorf("a refused change: %v", err)
	}
	if got := occasionsRead(t, s, "report-1"); !reflect.DeepEqual(got[0], o) {
		t.Errorf("a refused change left %+v", got[0])
	}
	if got := surveyFacts(t, s); len(got) != 0 {
		t.Errorf("a refused change left %d facts", len(got))
	}
	updated, err := s.UpdateOccasion(t.Context(), o.ID, func(o *surveys.Occasion) ([]event.Event, error) {
		o.Ended = occasionOpened
		return []event.Event{{ID: uuid.NewString(), Type: event.ReportRated, Subject: "report/report-1"}}, nil
	})
	if err != nil {
		t.Fatalf("UpdateOccasion: %v", err)
	}
	if got := occasionsRead(t, s, "report-1"); !got[0].Ended.Equal(occasionOpened) || got[0].Rev != o.Rev+1 ||
		!reflect.DeepEqual(got[0], updated) {
		t.Errorf("stored %+v, returned %+v", got[0], updated)
	}
	if got := surveyFacts(t, s); len(got) != 1 || got[0].Type != event.ReportRated {
		t.Errorf("facts %+v", got)
	}
	if _, err := s.UpdateOccasion(t.Context(), "absent",
		func(*surveys.Occasion) ([]event.Event, error) { return nil, nil }); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("an absent occasion: %v", err)
	}
}

func updateOccasionRace(t *testing.T, s SurveysStore) {
	o := anOccasion("report-1", 1)
	addOccasions(t, s, o)
	const n = 40
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := s.UpdateOccasion(t.Context(), o.ID, func(o *surveys.Occasion) ([]event.Event, error) {
				o.Closure++
				return nil, nil
			}); err != nil {
				t.Errorf("UpdateOccasion: %v", err)
			}
		})
	}
	wg.Wait()
	if got := occasionsRead(t, s, "report-1"); got[0].Closure != o.Closure+n || got[0].Rev != o.Rev+n {
		t.Errorf("closure %d at rev %d after %d changes", got[0].Closure, got[0].Rev, n)
	}
}

func rateOccasionRace(t *testing.T, s SurveysStore) {
	o := anOccasion("report-1", 1)
	addOccasions(t, s, o)
	service := &surveys.Service{Store: s, Now: func() time.Time { return occasionOpened.Add(time.Hour) }, NewID: uuid.NewString}
	var won, refused atomic.Int64
	var level atomic.Int64
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			r, err := service.Rate(t.Context(), actor.Actor{Kind: actor.Citizen, ID: o.Citizen}, o.Report,
				surveys.Answer{Level: 1 + i%5, Solved: true})
			switch {
			case err == nil:
				won.Add(1)
				level.Store(int64(r.Level))
			case fault.CodeOf(err) == fault.Exists:
				refused.Add(1)
			default:
				t.Errorf("Rate: %v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || refused.Load() != 99 {
		t.Errorf("%d counted, %d were refused", won.Load(), refused.Load())
	}
	if got := occasionsRead(t, s, o.Report); got[0].Given == nil || int64(got[0].Given.Level) != level.Load() {
		t.Errorf("stored %+v, answered level %d", got[0].Given, level.Load())
	}
	if got := surveyFacts(t, s); len(got) != 1 || got[0].Rating == nil || int64(got[0].Rating.Level) != level.Load() {
		t.Errorf("facts %+v", got)
	}
}
