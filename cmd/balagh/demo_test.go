//go:build !race

// What is raced here are processes: the race detector sees nothing of it, and takes minutes to see it.

package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/store/teststore"
)

func testDemo(t *testing.T) *demoCommand {
	t.Helper()
	store := teststore.URI(t)
	if path, ok := strings.CutSuffix(store, ".db"); ok { // in a folder that is not there yet
		store = path + "/demo/balagh.db"
	}
	return &demoCommand{Address: "127.0.0.1:0", Store: store, beside: filepath.Join(t.TempDir(), "demo"), Citizens: 12, Seed: 7, Exit: true,
		environment: []string{asProgram + "=1"}}
}

// chainShown is what the summary of every play tells of the chain: a dozen citizens have among them whom it takes for all of it.
var chainShown = []string{`push +[1-9]\d* accepted .* → [1-9]\d* delivered .* → [1-9]\d* read`, `not sent: .*unregistered [1-9]`, `sms +[1-9]\d* accepted`,
	`[1-9]\d* messages held for [1-9]`, `SMS: [1-9]\d* at once, .* [1-9]\d* after a push`, `broadcast +[1-9]\d* people counted, [1-9]\d* told · [1-9]\d* accepted`,
	`unreached .*not_acknowledged [1-9]`, `unreached .*no_channel [1-9]`, `no_channel +\w+ +\d{10} +\p{L}`, ` 2 dead tokens dropped`,
	`The questionnaire`, `asked +[1-9]\d* of [1-9]\d* people, .* [1-9]\d* reminded`, `answered +[1-9]\d*, \d+ in part.* · \d+ refused`, `RR1 [1-9]`,
	`/v1/insights/rounds/[0-9a-f-]{36}`}

// TestDemo_Run plays a small day, with one report by telephone, and then another one into the same store, after which it stays
// up until it is stopped.
func TestDemo_Run(t *testing.T) {
	t.Parallel()
	if teststore.OnMongoDB() {
		t.Log("CI plays the whole demo on MongoDB, and compares its summary with that on SQLite")
		return
	}
	c := testDemo(t)
	first := &logBuffer{}
	if err := c.Run(t.Context(), stdio{first, first}); err != nil {
		t.Fatalf("%v\n%s", err, first.String())
	}
	c.Exit = false
	ctx, stop := context.WithCancel(t.Context())
	second := &logBuffer{}
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, stdio{second, second}) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(second.String(), "stays up") {
		select {
		case err := <-done:
			t.Fatalf("it ended: %v\n%s", err, second.String())
		case <-tick.C:
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for reports, out := range map[string]string{"13 reports": first.String(), "26 reports": second.String()} {
		for _, want := range []string{"12 citizens · " + reports + " ·", "Reports by category", "مركز الاتصال الموحد 1933", "/docs", "curl", "admin@"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing in\n%s", want, out)
			}
		}
		for _, want := range chainShown {
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("nothing like %q in\n%s", want, out)
			}
		}
		if rested := regexp.MustCompile(`[1-9]\d* left out in quarantine`).MatchString(out); rested != strings.HasPrefix(reports, "26") {
			t.Errorf("those who were asked in the first play rest in the second, and nobody else: %v in\n%s", rested, out)
		}
		if strings.Contains(out, "went wrong") {
			t.Errorf("something went wrong:\n%s", out)
		}
	}
	folder, err := (&storage{Store: c.Store, beside: c.beside}).folder()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(folder, "demo.log"))
	if err != nil || !bytes.Contains(log, []byte("stopped")) {
		t.Errorf("the log: %v", err)
	}
	if bytes.Contains(log, []byte(`"level":"ERROR"`)) {
		t.Errorf("errors in the log:\n%s", log)
	}
}

func TestHurried(t *testing.T) {
	t.Parallel()
	clock := func(gone time.Duration) time.Duration { // how far it is when so much time has gone
		start := time.Now().Add(-gone)
		return hurried(start)().Sub(start)
	}
	const days, slack = 24 * time.Hour, 365 * 24 * time.Hour // slack: it runs on while the test does
	for gone, want := range map[time.Duration]time.Duration{0: 0, 6 * time.Second: 10 * days, time.Hour: 6000 * days, 1000 * time.Hour: 6000*days + 999*time.Hour} {
		if got := clock(gone); got < want || got > want+slack {
			t.Errorf("after %v it shows %v, want %v", gone, got, want)
		}
	}
}

func TestDemo_Run_refuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for want, change := range map[string]func(*demoCommand){
		"is taken":       func(c *demoCommand) { c.Address = taken.Addr().String() },
		"cannot be read": func(c *demoCommand) { c.Photos = filepath.Join(t.TempDir(), "nowhere") },
		"no photos":      func(c *demoCommand) { c.Photos = t.TempDir() },
		"is not known":   func(c *demoCommand) { c.Store = "postgres://x" },
	} {
		c := testDemo(t)
		change(c)
		var out bytes.Buffer
		if err := c.Run(t.Context(), stdio{&out, &out}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
