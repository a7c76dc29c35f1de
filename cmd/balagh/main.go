// Command balagh is the whole product in one program: the server, its demo, and the tools of those who run it. It wires and
// configures; the rules are in the domains.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a container has no zones of its own

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "development"

// cli are the commands. Each option can be set as BALAGH_… in the environment as well.
type cli struct {
	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Demo    demoCommand    `cmd:"" help:"Run a server with a contact centre in it and let 300 citizens use it."`
	Admin   adminCommand   `cmd:"" help:"Create staff, rotate keys."`
	Push    pushCommand    `cmd:"" help:"Try the channels that reach people."`
	Config  configCommand  `cmd:"" help:"Print what is configured, secrets masked."`
	Surveys surveysCommand `cmd:"" help:"Prove the counts of ratings."`
	Store   storeCommand   `cmd:"" help:"Bring a store up to date, or look whether it is whole."`
	Backup  backupCommand  `cmd:"" help:"Copy a running installation, or bring a copy back."`
	Health  healthCommand  `cmd:"" help:"Ask a running server whether it is ready; the exit status tells."`
	Version versionCommand `cmd:"" help:"Print the version."`
	Standin standinCommand `cmd:"" hidden:"" help:"Run the stand-in for Firebase Cloud Messaging that the demo uses."`
}

// stdio is where commands write: out is for what was asked, err for the log and what went wrong.
type stdio struct{ out, err io.Writer }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], stdio{os.Stdout, os.Stderr}); err != nil {
		fmt.Fprintln(os.Stderr, "balagh:", err)
		os.Exit(1)
	}
}

// run is the program without the process around it.
func run(ctx context.Context, args []string, std stdio) error {
	var c cli
	parser, err := kong.New(&c, kong.Name("balagh"), kong.Description("Citizen reports: filed from a phone, followed to their end, and rated."),
		kong.UsageOnError(), kong.DefaultEnvars("BALAGH"), kong.Writers(std.out, std.err), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return err
	}
	k, err := parser.Parse(args)
	if err != nil {
		return err
	}
	k.BindTo(ctx, (*context.Context)(nil))
	return k.Run(std, k)
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(std stdio) error {
	_, err := fmt.Fprintln(std.out, "balagh", version)
	return err
}
