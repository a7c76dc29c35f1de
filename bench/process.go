package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that runs beside this one.
type process struct {
	cmd     *exec.Cmd
	address string
	env     []string
	log     string        // file with what it said
	started time.Duration // from exec to ready
	ended   chan error
}

// startBalagh starts the server as it comes out of the box, in development mode, with what more is set.
func startBalagh(ctx context.Context, program, dir string, more ...string) (*process, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	env := append([]string{"BALAGH_DEV=true", "BALAGH_ADDRESS=" + address, "BALAGH_STORE=sqlite:" + filepath.Join(dir, "store", "balagh.db")}, more...)
	return start(ctx, address, "/readyz", filepath.Join(dir, "balagh.log"), env, program, "serve")
}

func startBare(ctx context.Context, mode, dir string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	log := filepath.Join(filepath.Dir(dir), "bare.log")
	return start(ctx, address, "/readyz", log, nil, self, "-bare", mode, "-address", address, "-dir", dir)
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// start runs a program and waits until it answers at the path ready.
func start(ctx context.Context, address, ready, log string, env []string, program string, args ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(environment(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	p := &process{cmd: cmd, address: address, env: env, log: log, ended: make(chan error, 1)}
	go func() { p.ended <- cmd.Wait() }()
	for time.Since(began) < 30*time.Second {
		if r, err := http.Get("http://" + address + ready); err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				p.started = time.Since(began)
				return p, nil
			}
		}
		select {
		case err := <-p.ended:
			p.ended <- err
			return nil, fmt.Errorf("%s ended before it was ready: %w\n%s", filepath.Base(program), err, p.lastWords())
		case <-time.After(2 * time.Millisecond):
		}
	}
	p.stop()
	return nil, fmt.Errorf("%s is not ready after 30 s\n%s", filepath.Base(program), p.lastWords())
}

// environment is that of this process without what configures a Balagh that runs elsewhere.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "BALAGH_") })
}

// stop ends the process the way an operator does, and waits until it is gone.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	err := <-p.ended
	p.ended <- err
}

// kill ends the process as a loss of power does, and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	err := <-p.ended
	p.ended <- err
}

// settle waits until the process has nothing left to do: relay, deliveries, checkpoints.
func (p *process) settle(ctx context.Context) error {
	const look, idle = 250 * time.Millisecond, 10 * time.Millisecond
	deadline := time.Now().Add(2 * time.Minute)
	before, err := p.processor()
	if err != nil {
		return err
	}
	for time.Now().Before(deadline) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
		now, err := p.processor()
		if err != nil {
			return err
		}
		if now-before <= idle {
			return nil
		}
		before = now
	}
	return errors.New("the server is still busy two minutes after the last request")
}

// processor is the time that the process has used, from Linux's /proc in ticks of 10 ms.
func (p *process) processor() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("the server is gone: %w", err)
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] { // user and system
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// memory is the resident size in bytes, 0 when it cannot be read.
func (p *process) memory() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	line, _, _ := strings.Cut(rest, "kB")
	n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// lastWords is the end of what the process said.
func (p *process) lastWords() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	return string(b[max(0, len(b)-2000):])
}
