package api

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

const (
	mostStreams     = 400 // in this process
	streamsEach     = 10  // of one member of staff: as many windows
	streamHeartbeat = 15 * time.Second
	streamSession   = 2 * time.Second // between two looks whether the session has ended
	streamStuck     = time.Minute     // for which a browser may take nothing
)

// streams counts those that are open.
type streams struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by staff id
}

// take counts one more; what it gives counts it off again.
func (x *streams) take(staff string) (done func(), err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.of[staff] >= streamsEach:
		return nil, fault.Later(fault.TooManyRequests, 30*time.Second)
	case x.all >= mostStreams:
		return nil, fault.Later(fault.Unavailable, 30*time.Second)
	}
	if x.of == nil {
		x.of = map[string]int{}
	}
	x.all++
	x.of[staff]++
	return sync.OnceFunc(func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.all--
		if x.of[staff]--; x.of[staff] == 0 {
			delete(x.of, staff)
		}
	}), nil
}

// DeskEvents streams the reports that are written within the scope of the caller. The stream outlives the handler, and nothing of the
// request but its connection.
func (s *Server) DeskEvents(c *fiber.Ctx) error {
	ctx, who := c.UserContext(), actorOf(c.UserContext())
	after, err := strconv.ParseInt(c.Get("Last-Event-ID", "0"), 10, 64)
	if err != nil {
		return fault.At("Last-Event-ID", fault.OutOfRange)
	}
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // what proxies know as: hand on at once
	if c.Method() == fiber.MethodHead {
		return nil
	}
	done, err := s.streams.take(who.ID)
	if err != nil {
		return err
	}
	l, err := s.Feed.Listen(ctx, who, after)
	if err != nil {
		done()
		return err
	}
	token, _ := strings.CutPrefix(c.Get(fiber.HeaderAuthorization), "Bearer ")
	x := &stream{listener: l, position: after, token: token, accounts: s.Accounts, heartbeat: cmp.Or(s.Heartbeat, streamHeartbeat)}
	if c.Context().ConnRequestNum() > 0 { // a request of the program to itself has none
		x.conn = c.Context().Conn()
	}
	c.Context().SetConnectionClose() // nothing comes after it, and a server that stops waits for nobody
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer done()
		defer l.Close()
		x.run(w)
	})
	return nil
}

// stream is one that is open.
type stream struct {
	listener *reports.Listener
	position int64 // of what was sent last
	token    string
	accounts *accounts.Service
	conn     net.Conn

	heartbeat time.Duration
}

// run writes until the browser goes, the session or the token ends, or the server does.
func (x *stream) run(w *bufio.Writer) {
	heartbeat, look := time.NewTicker(x.heartbeat), time.NewTicker(streamSession)
	defer heartbeat.Stop()
	defer look.Stop()
	_, _ = fmt.Fprint(w, "retry: 2000\n")
	x.tell(w, x.listener.First)
	for x.beat(w) == nil {
	wait:
		for {
			select {
			case n, open := <-x.listener.News:
				if !open {
					return
				}
				if x.tell(w, n) && x.flush(w) != nil {
					return
				}
			case <-look.C:
				if !x.alive() {
					return
				}
			case <-heartbeat.C:
				break wait
			}
		}
	}
}

// alive says whether the token is as good as at the beginning.
func (x *stream) alive() bool {
	if x.token == "" { // of a request of the program to itself, which ends it
		return true
	}
	return x.accounts.Alive(x.token)
}

// beat says that the stream is open, and up to where it has told everything.
func (x *stream) beat(w *bufio.Writer) error {
	_, _ = fmt.Fprintf(w, ": \nid: %d\n\n", x.position)
	return x.flush(w)
}

// flush waits for the browser, but not for ever. It moves the end that the server sets to the writing of an answer, which for this one would
// come after minutes.
func (x *stream) flush(w *bufio.Writer) error {
	if x.conn != nil {
		if err := x.conn.SetWriteDeadline(time.Now().Add(streamStuck)); err != nil {
			return err
		}
	}
	return w.Flush()
}

// tell writes what is new, and says whether it was anything. A browser keeps the id of the last event: none is smaller than one before.
func (x *stream) tell(w *bufio.Writer, n reports.News) (some bool) {
	for _, c := range n.Changes {
		x.position = max(x.position, c.Position)
		b, _ := json.Marshal(gen.ReportEvent{Id: c.ID, Number: c.Number, Status: gen.Status(c.Status), Rev: c.Rev, Change: gen.ReportEventChange(c.Change)}) // texts and a number
		_, _ = fmt.Fprintf(w, "id: %d\nevent: report\ndata: %s\n\n", x.position, b)
	}
	x.position = n.Position
	if n.Lost {
		_, _ = fmt.Fprintf(w, "id: %d\nevent: reload\ndata: {}\n\n", x.position)
	}
	return n.Lost || len(n.Changes) > 0
}
