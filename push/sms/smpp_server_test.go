package sms

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"github.com/balagh/balagh/push"
)

const patience = 10 * time.Second

// centre is an SMS centre at the far end of a real socket. What it does is set before open, or before connect, which opens it.
type centre struct {
	t       *testing.T
	address string
	wrap    func(net.Conn) net.Conn // such as into TLS
	// submit answers a submission, perhaps later and elsewhere; nil takes it, under the name "1", "2", …
	submit func(l *line, m *pdu.SubmitSM)
	other  func(l *line, p pdu.PDU) // gets what is neither bind nor submission; nil answers
	bind   data.CommandStatusType

	mu       sync.Mutex
	listener net.Listener
	lines    map[*line]bool
	running  sync.WaitGroup
	names    int

	binds     chan *pdu.BindRequest
	submitted chan *pdu.SubmitSM
	answers   chan *pdu.DeliverSMResp
}

// line is one connection of the centre.
type line struct {
	net.Conn
	writing sync.Mutex
}

func (l *line) write(p pdu.PDU) {
	b := pdu.NewBuffer(nil)
	p.Marshal(b)
	l.writing.Lock()
	defer l.writing.Unlock()
	_, _ = l.Write(b.Bytes())
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	c := &centre{t: t, address: "127.0.0.1:0", lines: map[*line]bool{}, binds: make(chan *pdu.BindRequest, 1000),
		submitted: make(chan *pdu.SubmitSM, 1000), answers: make(chan *pdu.DeliverSMResp, 1000)}
	t.Cleanup(c.close)
	return c
}

// open listens, where it did before if it did.
func (c *centre) open() {
	c.t.Helper()
	l, err := net.Listen("tcp", c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.address, c.listener = l.Addr().String(), l
	c.mu.Unlock()
	c.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if c.wrap != nil {
				conn = c.wrap(conn)
			}
			at := &line{Conn: conn}
			c.mu.Lock()
			c.lines[at] = true
			c.mu.Unlock()
			c.running.Go(func() { c.serve(at) })
		}
	})
}

// cut ends the connections that are there.
func (c *centre) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.lines {
		_ = l.Close()
	}
}

func (c *centre) close() {
	if c.listener != nil {
		_ = c.listener.Close()
	}
	c.cut()
	c.running.Wait()
}

func (c *centre) serve(l *line) {
	defer func() {
		c.mu.Lock()
		delete(c.lines, l)
		c.mu.Unlock()
		_ = l.Close()
	}()
	for {
		p, err := pdu.Parse(l)
		if err != nil {
			return
		}
		switch r := p.(type) {
		case *pdu.BindRequest:
			answer := r.GetResponse().(*pdu.BindResp)
			answer.CommandStatus = c.bind
			l.write(answer)
			c.binds <- r
		case *pdu.SubmitSM:
			c.mu.Lock()
			submit := c.submit
			c.mu.Unlock()
			if submit == nil {
				submit = c.take
			}
			submit(l, r)
			c.submitted <- r
		case *pdu.DeliverSMResp:
			c.answers <- r
		default:
			if c.other != nil {
				c.other(l, p)
			} else if p.CanResponse() {
				l.write(p.GetResponse())
			}
		}
	}
}

// take answers a submission with the next name.
func (c *centre) take(l *line, m *pdu.SubmitSM) {
	c.mu.Lock()
	c.names++
	name := c.names
	c.mu.Unlock()
	r := m.GetResponse().(*pdu.SubmitSMResp)
	r.MessageID = string(rune('0' + name%10))
	l.write(r)
}

// onSubmit: from now on submissions are answered so.
func (c *centre) onSubmit(f func(l *line, m *pdu.SubmitSM)) {
	c.mu.Lock()
	c.submit = f
	c.mu.Unlock()
}

// refuse answers a submission.
func refuse(l *line, m *pdu.SubmitSM, status data.CommandStatusType) {
	r := m.GetResponse().(*pdu.SubmitSMResp)
	r.CommandStatus = status
	l.write(r)
}

// send writes to the one that is bound.
func (c *centre) send(p pdu.PDU) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.lines {
		l.write(p)
	}
}

// connect is a client whose Run is under way until the test ends.
func connect(t *testing.T, c *centre, config SMPPConfig) *SMPP {
	t.Helper()
	if c.listener == nil {
		c.open()
	}
	config.Address, config.SystemID, config.Password = c.address, "balagh", "secret"
	if config.Sender == "" {
		config.Sender = "Balagh"
	}
	p, err := NewSMPP(config)
	if err != nil {
		t.Fatal(err)
	}
	p.wait = func(ctx context.Context, _ time.Duration) error { return pause(ctx, time.Millisecond) }
	run(t, p)
	return p
}

func run(t *testing.T, p *SMPP) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// await looks again and again whether something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !so(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("in vain: %s", what)
		}
	}
}

func get[T any](t *testing.T, c chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func bound(t *testing.T, p *SMPP) {
	t.Helper()
	await(t, "a session", p.Bound)
}

// sent is the outcome of a notice.
func sent(t *testing.T, p *SMPP, text string) push.Outcome {
	t.Helper()
	n := notice
	n.Text.Body = text
	return p.Send(t.Context(), n)
}
