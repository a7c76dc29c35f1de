package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// BenchmarkDrawRound lets the runner of rounds draw a stratified sample of 10,000 out of 5,000,000 people with 6,250,000 cases: the frame
// is read, the sample drawn and kept. Asked: less than 10 s and 200 MB, of the whole process.
func BenchmarkDrawRound(b *testing.B) {
	const people, sample, most = 5_000_000, 10_000, 10 * time.Second
	path := filepath.Join(b.TempDir(), "balagh.db")
	open := func() *DB {
		db, err := Open(b.Context(), path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		return db
	}
	db := open()
	began := time.Now()
	benchCases(b, db, people)
	b.Logf("filled in %s", time.Since(began).Round(time.Second))
	if err := db.Close(); err != nil { // which copies the write-ahead log into the file
		b.Fatal(err)
	}
	db = open()
	defer db.Close()
	n := 0
	for b.Loop() {
		n++
		now := time.Now()
		r := &surveys.Round{ID: event.Derive("round", fmt.Sprint(n)), State: surveys.RoundDrawing, Seed: strings.Repeat("5a", 32),
			From: moment(1), To: now, Closes: now.AddDate(0, 1, 0), Due: now}
		r.Programme = surveys.Programme{Code: fmt.Sprint("programme-", n), OpenDays: 30, QuarantineDays: 30, Channels: []string{"push"}}
		r.Programme.Sample = surveys.Sample{Method: surveys.DrawStratified, By: []surveys.Dimension{surveys.ByCentre},
			Allocation: surveys.Proportional, Size: sample}
		if err := db.CreateRound(b.Context(), r); err != nil {
			b.Fatal(err)
		}
		debug.FreeOSMemory() // what writing the cases took is not what drawing takes
		began, cpu := time.Now(), processors(b)
		memory := drawn(b, db, r.ID)
		took, used := time.Since(began), processors(b)-cpu
		r, err := db.Round(b.Context(), r.ID)
		if err != nil || r.Drawn.Population != people || r.Drawn.Sampled != sample || len(r.Drawn.Strata) != 20 {
			b.Fatalf("%d of %d in %d strata, %v", r.Drawn.Sampled, r.Drawn.Population, len(r.Drawn.Strata), err)
		}
		b.ReportMetric(took.Seconds(), "s/draw-of-10")
		b.ReportMetric(used.Seconds(), "cpu-s/draw")
		b.ReportMetric(float64(memory)/1e6, "MB-of-200")
		if took > most {
			b.Logf("MISSED: %s", took)
		}
	}
}

// drawn waits until the runner has drawn a round, and gives the most memory that the process held meanwhile.
func drawn(b *testing.B, db *DB, round string) (most int) {
	b.Helper()
	p := &surveys.Programmes{Store: db, Now: time.Now, NewID: uuid.NewString, Rand: rand.Reader, Zone: time.UTC,
		Log: slog.New(slog.DiscardHandler), Secret: []byte("secret"), PublicURL: "https://balagh.example"}
	ended := make(chan error)
	ctx, stop := context.WithCancel(b.Context())
	go func() { ended <- p.RunRounds(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}()
	for range time.Tick(20 * time.Millisecond) {
		most = max(most, resident(b))
		var drawing bool
		if err := db.row(ctx, `SELECT doc->>'state' = 'drawing' FROM rounds WHERE id = ?`, key(round)).Scan(&drawing); err != nil {
			b.Fatal(err)
		}
		if !drawing {
			break
		}
	}
	return most
}

// resident is what the process holds of the memory, in bytes: SQLite's is not of Go's heap.
func resident(b *testing.B) int {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("it takes Linux to say how much memory is held")
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	var kilobytes int
	if _, err := fmt.Sscanf(string(rest), "%d kB", &kilobytes); err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}
