package mongo

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
)

// plannedFor is a message with a push, as a reply to a report makes it.
func plannedFor(now time.Time, n int) push.Planned {
	m := push.Message{ID: event.Derive(uuid.Must(uuid.NewV7()).String(), "inbox"), Citizen: fmt.Sprintf("01936f0e-1111-7c3e-9d0e-%012d", n%5000), Kind: push.Reply,
		Report: "01936f0e-2222-7c3e-9d0e-000000000000", Number: "1234567890", Centre: []string{"riyadh", "jeddah", "makkah"}[n%3], At: now}
	d := push.Delivery{ID: event.Derive(m.ID, push.ChannelPush, "phone"), Message: m.ID, Citizen: m.Citizen, Target: "phone", Channel: push.ChannelPush, Kind: m.Kind,
		Report: m.Report, Number: m.Number, Centre: m.Centre, At: now, Planned: now, Deadline: now.Add(24 * time.Hour), Day: now.Format(time.DateOnly), State: push.Queued, Due: now}
	return push.Planned{Message: m, Plan: push.Plan{Deliveries: []push.Delivery{d}, Since: now, Due: now.Add(10 * time.Minute)}}
}

// BenchmarkPush brings b.N messages through what becomes of one: planned, leased, settled, acknowledged and counted.
func BenchmarkPush(b *testing.B) {
	db := fresh(b)
	ctx, now := b.Context(), time.Now().UTC().Truncate(time.Millisecond)
	var all []push.Planned
	for i := range b.N {
		all = append(all, plannedFor(now, i))
	}
	b.ResetTimer()
	stage := func(name string, n int, do func()) {
		began := time.Now()
		do()
		b.ReportMetric(float64(n)/time.Since(began).Seconds(), name+"/s")
	}
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	stage("plan", b.N, func() {
		for i := 0; i < len(all); i += 64 {
			_, err := db.PlanMessages(ctx, all[i:min(len(all), i+64)])
			check(err)
		}
	})
	var leased []push.Delivery
	stage("lease", b.N, func() {
		for len(leased) < b.N {
			some, err := db.LeaseDeliveries(ctx, push.ChannelPush, now, time.Hour, 256, true)
			check(err)
			leased = append(leased, some...)
		}
	})
	stage("settle", b.N, func() {
		for i := 0; i < len(leased); i += 256 {
			var rs []push.Result
			for _, d := range leased[i:min(len(leased), i+256)] {
				rs = append(rs, push.Result{Delivery: d, State: push.Accepted, Ref: "projects/balagh/messages/0:1500415314455276%31bd1c9631bd1c96", At: now.Add(time.Second)})
			}
			check(db.SettleDeliveries(ctx, rs))
		}
	})
	stage("ack", b.N/10, func() {
		for _, p := range all[:b.N/10] {
			_, err := db.AcknowledgeMessages(ctx, p.Message.Citizen, []string{p.Message.ID}, "phone", now.Add(2*time.Second), false)
			check(err)
		}
	})
	stage("count", b.N, func() {
		for more := true; more; {
			var err error
			more, err = db.countBatch(ctx, moment(never))
			check(err)
		}
	})
}
