package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// figureNamed is the figure of a name.
func figureNamed(t *testing.T, all []figure, what string) figure {
	t.Helper()
	for _, f := range all {
		if f.what == what {
			return f
		}
	}
	t.Fatalf("no figure %q in %v", what, all)
	return figure{}
}

func TestDrained(t *testing.T) {
	t.Parallel()
	began := time.Now()
	q := queue{messages: 50_000, late: 1, before: stats{Accepted: 100, Unique: 100}}
	var looks []look
	for i := range 101 { // ten seconds: half as fast in the first and in the last, 500 in each tenth between; one comes much later
		at := began.Add(time.Duration(i) * 100 * time.Millisecond)
		n := min(250*i, 2500) + max(0, min(i, 90)-10)*500 + max(0, i-90)*250
		looks = append(looks, look{stats: stats{Accepted: 100 + n, Unique: 100 + n, at: at}, memory: int64(100+i) << 20,
			server: time.Duration(i) * 50 * time.Millisecond})
	}
	q.messages = looks[len(looks)-1].Accepted - 100 + 1
	last := looks[len(looks)-1]
	last.at, last.Accepted, last.Unique, last.Duplicates = last.at.Add(30*time.Second), last.Accepted+2, last.Unique+1, 1
	all, err := drained(append(looks, last), q)
	if err != nil {
		t.Fatal(err)
	}
	if f := figureNamed(t, all, "sustained at FCM"); f.got != "5000/s over 7.9 s" || !strings.HasPrefix(f.verdict, "MISSED") {
		t.Errorf("%+v", f)
	}
	if f := figureNamed(t, all, "lost"); f.verdict != "met" {
		t.Errorf("%+v", f)
	}
	if f := figureNamed(t, all, "sent twice"); f.got != "1" || f.verdict != "MISSED" {
		t.Errorf("%+v", f)
	}
	if f := figureNamed(t, all, "memory of the server"); f.verdict == "met" {
		t.Errorf("it grew by a quarter: %+v", f)
	}
}

func TestLatencies(t *testing.T) {
	t.Parallel()
	began := time.Now()
	at := map[string]time.Time{}
	var changes []change
	for i := range 100 {
		sent := began.Add(time.Duration(i) * 10 * time.Millisecond)
		changes = append(changes, change{report: string(rune('a' + i)), due: sent, sent: sent, answered: sent.Add(5 * time.Millisecond)})
		at[changes[i].report] = sent.Add(25 * time.Millisecond)
	}
	at["a"] = began.Add(400 * time.Millisecond)
	delete(at, "b")
	all := latencies(changes, at, time.Second)
	if f := figureNamed(t, all, "answer to FCM, p50"); f.got != "20.0 ms" || f.verdict != "met" {
		t.Errorf("%+v", f)
	}
	if f := figureNamed(t, all, "request to FCM, answer included"); !strings.HasSuffix(f.got, "most 400.0 ms") {
		t.Errorf("%+v", f)
	}
	if f := figureNamed(t, all, "not arrived"); f.got != "1" || f.verdict != "MISSED" {
		t.Errorf("%+v", f)
	}
}

func TestStandin_arrivals(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "fcm.jsonl")
	whole := `{"data":{"report_id":"r"},"at":"2026-11-22T00:00:00.25Z"}` + "\n"
	if err := os.WriteFile(file, []byte(whole+whole+`{"data":`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := standin{journal: file}
	n := 0
	next, err := s.arrivals(int64(len(whole)), func(a arrived) {
		n++
		if a.Data["report_id"] != "r" || a.At.Nanosecond() != 250_000_000 {
			t.Errorf("%+v", a)
		}
	})
	if err != nil || n != 1 || next != int64(2*len(whole)) {
		t.Errorf("%d lines, next %d, %v", n, next, err)
	}
}

func TestStandin_watch(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"accepted": min(asked.Add(1), 5), "answers": map[string]int{"200": 3, "fault 503": 4}})
	}))
	defer s.Close()
	fcm := standin{process: &process{address: strings.TrimPrefix(s.URL, "http://")}}
	var last stats
	err := fcm.watch(context.Background(), time.Microsecond, time.Minute, func(x stats) bool { last = x; return x.Accepted == 4 })
	if err != nil || last.Accepted != 4 || last.answered() != 7 {
		t.Errorf("%+v, %v", last, err)
	}
	if err := fcm.watch(context.Background(), time.Microsecond, 20*time.Millisecond, func(stats) bool { return false }); err != nil {
		t.Errorf("patience: %v", err)
	}
}

func TestMove(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ To string }
		if json.NewDecoder(r.Body).Decode(&body) != nil || body.To != "in_progress" || !strings.HasSuffix(r.URL.Path, "/transitions") {
			http.Error(w, "no", http.StatusBadRequest)
		}
		n.Add(1)
	}))
	defer s.Close()
	changes := make([]change, 20)
	for i := range changes {
		changes[i].report = "r"
	}
	if err := move(context.Background(), strings.TrimPrefix(s.URL, "http://"), "token", changes); err != nil || n.Load() != 20 {
		t.Fatalf("%d changes, %v", n.Load(), err)
	}
	for i, x := range changes {
		if x.sent.Before(x.due) || i > 0 && x.due.Sub(changes[i-1].due) != time.Second/changeRate || !x.answered.After(x.sent) {
			t.Errorf("change %d: %+v", i, x)
		}
	}
}

func TestChainTable_print(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	(&chainTable{title: "the queue drains", before: "0.10", after: "2.00", figures: []figure{told("queued", "%d", 9), none("lost", 2)}}).print(&b)
	for _, want := range []string{"load average 0.10 before, 2.00 after", "queued  9", "MISSED"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
