package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/demo"
	"github.com/balagh/balagh/demo/standin"
	"github.com/balagh/balagh/fault"
)

// demoCommand runs a server for development with everything around it. Its store has a variable of its own: whoever sets
// BALAGH_STORE for a server does not want citizens played into it.
type demoCommand struct {
	Address  string `default:"127.0.0.1:8080" help:"Where to listen."`
	Store    string `env:"BALAGH_DEMO_STORE" placeholder:"URI" help:"Where reports are kept: sqlite:PATH or mongodb://…. Default: ./data/demo/balagh.db, or ./data/scenario-NAME/balagh.db."`
	Photos   string `env:"BALAGH_PHOTOS,PHOTOS" placeholder:"FOLDER" help:"Photos that the citizens send. Default: pictures that are made."`
	Citizens int    `default:"300" help:"How many citizens play."`
	Seed     uint64 `default:"1933" help:"The same seed plays the same citizens."`
	Scenario string `placeholder:"NAME" help:"Load a published account instead of a play: 1933 or reception."`
	Exit     bool   `help:"End after the summary."`

	environment []string // besides this process's, for the stand-in
	beside      string   // see storage, for tests
	factor      int      // by which the figures of a scenario are divided, for tests; 0 for none
}

// standinCommand is the process that the demo's pushes go to.
type standinCommand struct {
	Address string        `default:"127.0.0.1:9099" help:"Where to listen."`
	Journal string        `placeholder:"FILE" help:"File to which every accepted message is appended."`
	Latency time.Duration `help:"How long to wait before each answer."`
}

// Run stands in until ctx ends. Its first line says where.
func (c *standinCommand) Run(ctx context.Context, std stdio) error {
	return standin.Run(ctx, c.Address, standin.Options{Latency: c.Latency, Journal: c.Journal, Out: std.out})
}

// Run plays, and then stays up.
func (c *demoCommand) Run(ctx context.Context, std stdio) (err error) {
	if c.Scenario != "" {
		return c.account(ctx, std)
	}
	c.Store = cmp.Or(c.Store, "sqlite:./data/demo/balagh.db")
	if err := demo.CheckPhotos(c.Photos); err != nil {
		return err
	}
	s, err := c.settings("data/demo")
	if err != nil {
		return err
	}
	log, err := s.demoLog()
	if err != nil {
		return err
	}
	defer log.Close()
	fcm, stop, err := c.startStandin(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	s.FcmProject, s.FcmEndpoint = "demo", fcm+"/v1"
	p, err := s.assemble(ctx, s.logger(log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := employAdministrator(ctx, p.server.Accounts); err != nil {
		return err
	}
	clock := hurried(time.Now())
	p.server.Programmes.Now = clock
	return c.serve(ctx, p, s, func(serving context.Context, url string) error {
		return c.play(serving, std, demo.Options{URL: url, StandinURL: fcm, Clock: clock}, log.Name())
	})
}

const (
	playedDay = 600 * time.Millisecond // how long a day of a questionnaire's round takes
	hurryTime = time.Hour              // longer than any play; a clock that went on would soon be in another century
)

// hurried is a clock that begins at start and goes fast for a while, so that a round which takes weeks begins, reminds, closes and publishes
// while somebody looks on. Only rounds go by it: everything else has the time of the day.
func hurried(start time.Time) func() time.Time {
	return func() time.Time {
		gone := time.Since(start)
		return start.Add(gone + min(gone, hurryTime)*(24*time.Hour/playedDay-1))
	}
}

// serve lets do work with the server while it is up.
func (c *demoCommand) serve(ctx context.Context, p *parts, s *settings, do func(ctx context.Context, url string) error) error {
	serving, end := context.WithCancel(ctx)
	defer end()
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- p.serve(serving, s, func(addr string) { ready <- addr })
		end()
	}()
	select {
	case addr := <-ready:
		err := do(serving, "http://"+addr)
		end()
		return errors.Join(err, <-done)
	case err := <-done:
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%s is taken: stop what listens there, or choose another port, such as make demo PORT=8081", c.Address)
		}
		return err
	}
}

// settings are those of a server for development, whatever the environment says of another one, with room for hundreds of
// phones that share an address. What does not go into its store goes beside it, or into folder.
func (c *demoCommand) settings(folder string) (*settings, error) {
	var s settings
	parser, err := kong.New(&s, kong.Name("balagh"))
	if err != nil {
		return nil, err
	}
	if _, err := parser.Parse(nil); err != nil {
		return nil, err
	}
	s.Store, s.Address, s.Dev, s.beside = c.Store, c.Address, true, cmp.Or(c.beside, folder)
	s.CodesPerClient, s.AnonPerClient = 1_000_000, 1_000_000
	return &s, nil
}

func (s *storage) demoLog() (*os.File, error) {
	folder, err := s.folder()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the demo: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(folder, "demo.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of the demo: %w", err)
	}
	return log, nil
}

// play lets the citizens play, and keeps the server up until ctx ends unless it is to exit.
func (c *demoCommand) play(ctx context.Context, std stdio, o demo.Options, log string) error {
	fmt.Fprintf(std.out, "The server listens on %s, its log is %s.\n", o.URL, log)
	admin := administrator()
	o.AdminEmail, o.AdminPassword = admin.Email, admin.Password
	o.Citizens, o.Seed, o.PhotosFolder, o.Out = c.Citizens, c.Seed, c.Photos, std.out
	summary, err := demo.Play(ctx, o)
	if ctx.Err() != nil {
		return nil // somebody has seen enough
	}
	if summary == nil {
		return err
	}
	fmt.Fprintf(std.out, "\n%s\n%s", summary, links(o.URL))
	if c.Exit {
		return err
	}
	if err != nil {
		fmt.Fprintln(std.err, "balagh:", err)
	}
	fmt.Fprintln(std.out, "\nIt stays up until Ctrl-C.")
	<-ctx.Done()
	return nil
}

// startStandin runs this program once more as the stand-in for FCM, and gives its address and how to end it.
func (c *demoCommand) startStandin(ctx context.Context, log io.Writer) (url string, stop func() error, err error) {
	program, err := os.Executable()
	if err != nil {
		return "", nil, fmt.Errorf("find this program: %w", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the last push
	cmd := exec.CommandContext(ctx, program, "standin", "--address=127.0.0.1:0")
	cmd.Env = append(os.Environ(), c.environment...)
	cmd.Stderr = log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	dieWithParent(cmd)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return "", nil, fmt.Errorf("start the stand-in for FCM: %w", err)
	}
	stop = func() error {
		cancel()
		if err := cmd.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("the stand-in for FCM: %w", err)
		}
		return nil
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		return "", nil, errors.Join(errors.New("the stand-in for FCM did not start"), stop())
	}
	return url, stop, nil
}

// administrator is the one of the demonstration's staff with whom everything begins.
func administrator() demo.Staff {
	for _, x := range demo.Load().Staff {
		if x.Role == string(actor.Admin) {
			return x
		}
	}
	panic("the demonstration has no administrator")
}

func employAdministrator(ctx context.Context, people *accounts.Service) error {
	x := administrator()
	_, err := people.CreateStaff(ctx, actor.Actor{Kind: actor.System}, accounts.NewStaff{Email: x.Email, Name: x.Name, Password: x.Password,
		Role: actor.Role(x.Role), Centres: x.Centres, Departments: x.Departments, Language: x.Language})
	if fault.CodeOf(err) == fault.Exists { // since an earlier demo
		return nil
	}
	return err
}

// links are where to look next, and who to be. More links, in pairs of a name and a path, come first.
func links(url string, more ...[2]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "In a browser, with the staff below:\n")
	for _, l := range append(more, [][2]string{{"management", "/manage"}, {"desk", "/desk"}, {"administration", "/admin"}}...) {
		fmt.Fprintf(&b, "  %-14s %s%s\n", l[0], url, l[1])
	}
	b.WriteString("\n")
	for _, l := range [][2]string{{"API", "/docs"}, {"contract", "/openapi.yaml"}, {"text messages", "/dev/outbox"}, {"results", "/v1/insights/rounds"},
		{"metrics", "/metrics"}, {"readiness", "/readyz"}} {
		fmt.Fprintf(&b, "  %-14s %s%s\n", l[0], url, l[1])
	}
	fmt.Fprintf(&b, "\nStaff, password %s:\n", demo.Password)
	shown := map[string]bool{}
	for _, x := range demo.Load().Staff {
		if !shown[x.Role] {
			shown[x.Role] = true
			fmt.Fprintf(&b, "  %-14s %s\n", x.Role, x.Email)
		}
	}
	fmt.Fprintf(&b, `
A citizen, such as +966501933000:
  curl -s %[1]s/v1/auth/otp -H 'Content-Type: application/json' -d '{"phone":"+966501933000"}'
  curl -s '%[1]s/dev/outbox?to=%%2B966501933000'
  curl -s %[1]s/v1/auth/token -H 'Content-Type: application/json' -d '{"grant_type":"otp","phone":"+966501933000","code":"THE CODE"}'

What was answered to a questionnaire, as a manager reads it; also /v1/insights/rounds/ID, and there results.xlsx and methods.csv:
  curl -s %[1]s/v1/auth/token -H 'Content-Type: application/json' -d '{"grant_type":"password","email":"manager@demo.balagh.example","password":"%[2]s"}'
  curl -s %[1]s/v1/insights/rounds -H 'Authorization: Bearer THE TOKEN'
`, url, demo.Password)
	return b.String()
}
