// Command bench measures Balagh beside a bare Fiber handler, on this machine and in the same run, and prints a table.
//
//	make bench
//	go run ./bench -only list,nearby -d 4s -c 16
//
// It starts the real server as a process of its own with the embedded, durable store, loads it with reports over HTTP, and
// then lets the same clients send the same bytes to a bare handler and to Balagh in turn. The bare handler does what no
// server can leave out: it parses the request, writes a photo to the disk and answers. Only the ratios travel to another
// machine.
//
// The delivery chain is measured with a stand-in for FCM as a third process: how fast a full queue drains, how soon a change of status is
// on its way, what failures lose, and what planning a broadcast costs those who read. Last, a round of a
// survey is answered at a pace while management looks at it. The command knows nothing of Balagh but its API, and writes nothing but a folder in ./data that it removes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type options struct {
	duration    time.Duration
	clients     int
	reports     int
	citizens    int
	rounds      int
	queued      int
	people      int
	respondents int
	only        []string
	library     bool
	server      string
	store       string
}

func main() {
	o, bare := parse()
	if bare != nil {
		fail(bare.run())
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fail(run(ctx, o))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse() (options, *bare) {
	var o options
	var only, mode, address, dir string
	var raw bool
	flag.DurationVar(&o.duration, "d", 8*time.Second, "time of load for each work and each server")
	flag.IntVar(&o.clients, "c", 32, "clients, each on one connection")
	flag.IntVar(&o.reports, "n", 20_000, "reports that are there before the load")
	flag.IntVar(&o.citizens, "citizens", 8, "accounts that the clients share: each has thousands of reports")
	flag.IntVar(&o.rounds, "rounds", 2, "turns into which the time is cut, bare and Balagh after each other")
	flag.IntVar(&o.queued, "queued", 100_000, "messages that are queued before the drain; the faults take 20,000 of them")
	flag.IntVar(&o.people, "people", 20_000, "people whom the broadcast goes to")
	flag.IntVar(&o.respondents, "respondents", 20_000, "people whom the round asks; 20,000 of them answer at the pace, the others before")
	flag.StringVar(&only, "only", "", "works to measure, with commas: "+strings.Join(names(), ", "))
	flag.BoolVar(&raw, "raw", false, "send prepared bytes instead of net/http requests: the load takes less, so the bare handler does far more")
	flag.StringVar(&o.server, "server", "", "program to measure; built from this checkout when empty")
	flag.StringVar(&o.store, "store", "", "a MongoDB server, mongodb://HOST:PORT, to measure the works on instead of SQLite; the database bench_PID stays there")
	flag.StringVar(&mode, "bare", "", "internal: be the bare handler, sync or nosync")
	flag.StringVar(&address, "address", "", "internal: where the bare handler listens")
	flag.StringVar(&dir, "dir", "", "internal: where the bare handler keeps photos")
	flag.Parse()
	o.library = !raw
	if mode != "" {
		return o, &bare{address: address, dir: dir, sync: mode == "sync"}
	}
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(names(), name) {
			fail(fmt.Errorf("-only %s: there are %s", name, strings.Join(names(), ", ")))
		}
	}
	if flag.NArg() > 0 || o.clients < 1 || o.citizens < 1 || o.rounds < 1 || o.duration <= 0 || o.queued < 1 || o.people < 1 || o.respondents < 1 {
		flag.Usage()
		os.Exit(2)
	}
	return o, nil
}

func run(ctx context.Context, o options) (err error) {
	if err := os.MkdirAll("data", 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("data", "bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if o.server == "" {
		o.server = filepath.Join(dir, "balagh")
		if err := build(ctx, o.server); err != nil {
			return err
		}
	}
	if o.store != "" {
		return compareAll(ctx, o, dir)
	}
	return errors.Join(compareAll(ctx, o, dir), chainAll(ctx, o, dir))
}

func (o *options) wants(name string) bool { return len(o.only) == 0 || slices.Contains(o.only, name) }

// compareAll measures the works beside the bare handler.
func compareAll(ctx context.Context, o options, dir string) error {
	if !slices.ContainsFunc(works, func(w work) bool { return o.wants(w.name) }) {
		return nil
	}
	var more []string
	if o.store != "" {
		more = []string{fmt.Sprintf("BALAGH_STORE=%s/bench_%d", o.store, os.Getpid()), "BALAGH_BUCKET=file://" + filepath.Join(dir, "photos")}
	}
	balagh, err := startBalagh(ctx, o.server, dir, more...)
	if err != nil {
		return err
	}
	defer func() { balagh.stop() }()
	tokens, err := prepare(ctx, o, balagh)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, balagh.lastWords())
	}
	t := table{options: o}
	for _, w := range works {
		if !o.wants(w.name) {
			continue
		}
		if err := compare(ctx, o, w, dir, balagh, tokens, &t); err != nil {
			return fmt.Errorf("%s: %w\n%s", w.name, err, balagh.lastWords())
		}
	}
	if err := rest(ctx, o, dir, &balagh, &t); err != nil {
		return err
	}
	t.print(os.Stdout)
	if t.failed() {
		return errors.New("some requests were not answered as they should; the figures do not count")
	}
	return nil
}

// chainAll measures the delivery chain, each work in an installation of its own.
func chainAll(ctx context.Context, o options, dir string) error {
	for _, w := range chainWorks {
		if !o.wants(w.name) {
			continue
		}
		t := chainTable{title: w.title, before: load()}
		here := filepath.Join(dir, w.name)
		c, err := startChain(ctx, o, here, w.journal)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		t.figures, err = w.measure(ctx, c)
		if err != nil {
			err = fmt.Errorf("%s: %w\n%s", w.name, err, c.balagh.lastWords())
		}
		c.stop()
		if err := errors.Join(err, os.RemoveAll(here)); err != nil {
			return err
		}
		t.after = load()
		t.print(os.Stdout)
	}
	return nil
}

func build(ctx context.Context, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", to, "./cmd/balagh")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the server: %w", err)
	}
	return nil
}

// prepare sets up an organisation and loads the reports. It returns a token of each citizen.
func prepare(ctx context.Context, o options, balagh *process) ([]string, error) {
	api := client{base: "http://" + balagh.address}
	if err := api.organise(ctx, balagh); err != nil {
		return nil, fmt.Errorf("set up the organisation: %w", err)
	}
	var tokens []string
	for i := range o.citizens {
		token, err := api.signIn(ctx, fmt.Sprintf("+9665500%05d", i))
		if err != nil {
			return nil, fmt.Errorf("sign in: %w", err)
		}
		tokens = append(tokens, token)
	}
	file, _ := workNamed("file")
	bar := progress{of: o.reports, what: "reports loaded"}
	got, err := drive(ctx, balagh.address, file, tokens, o.clients, limit{requests: o.reports, each: bar.step})
	bar.end()
	if err != nil {
		return nil, err
	}
	if got.failed > 0 {
		return nil, fmt.Errorf("loading: %d of %d reports were refused, the first with %s", got.failed, o.reports, got.refusal)
	}
	return tokens, nil
}

// compare lets the clients do one work against the bare handler and Balagh in turn.
func compare(ctx context.Context, o options, w work, dir string, balagh *process, tokens []string, t *table) error {
	for _, mode := range w.bare {
		bare, err := startBare(ctx, mode, filepath.Join(dir, "bare"))
		if err != nil {
			return err
		}
		row := row{work: w, mode: mode}
		for range o.rounds {
			for _, side := range []struct {
				p   *process
				got *result
			}{{bare, &row.bare}, {balagh, &row.ours}} {
				got, err := measure(ctx, o, w, side.p, tokens)
				if err != nil {
					bare.stop()
					return err
				}
				side.got.add(got)
			}
		}
		bare.stop()
		if err := os.RemoveAll(filepath.Join(dir, "bare")); err != nil {
			return err
		}
		t.rows = append(t.rows, row)
		fmt.Fprintf(os.Stderr, "%s beside %s: %.0f of %.0f a second\n", w.title, mode, row.ours.rate(), row.bare.rate())
	}
	return nil
}

func measure(ctx context.Context, o options, w work, p *process, tokens []string) (result, error) {
	syscall.Sync() // what the turn before left to the disk is not this turn's to wait for
	if err := p.settle(ctx); err != nil {
		return result{}, err
	}
	warm := limit{time: o.duration / time.Duration(10*o.rounds), library: o.library}
	if _, err := drive(ctx, p.address, w, tokens, o.clients, warm); err != nil {
		return result{}, err
	}
	before, err := p.cost()
	if err != nil {
		return result{}, err
	}
	got, err := drive(ctx, p.address, w, tokens, o.clients, limit{time: o.duration / time.Duration(o.rounds), library: o.library})
	if err != nil {
		return result{}, err
	}
	if got.cost, err = p.cost(); err != nil {
		return result{}, err
	}
	got.cost.add(before, -1)
	return got, p.settle(ctx) // background work of this turn is not the next one's to bear
}

// rest restarts the server over all that was filed, and measures the start and the memory at rest.
func rest(ctx context.Context, o options, dir string, balagh **process, t *table) error {
	t.busy = (*balagh).memory()
	began := time.Now()
	(*balagh).stop()
	t.stopped = time.Since(began)
	p, err := startBalagh(ctx, o.server, dir)
	if err != nil {
		return fmt.Errorf("start again: %w", err)
	}
	*balagh = p
	if err := p.settle(ctx); err != nil {
		return err
	}
	t.cold, t.idle = p.started, p.memory()
	return nil
}
