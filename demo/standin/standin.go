// Package standin stands in for Firebase Cloud Messaging on a machine without a network: it takes what the Firebase Admin
// SDK sends, checks it as FCM v1 would, keeps it for the phones of the demo, and fails on demand for the tests. It stands in for
// Firebase App Check as well: it publishes keys and issues tokens.
//
// It runs as a process of its own and knows nothing of Balagh. Tokens decide by their beginning what FCM would know of
// them: "dead-" is no longer registered, "foreign-" belongs to another project, "bad-" never was a token, "busy-" gets more
// than one device may.
package standin

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	perToken  = 50     // messages kept for one phone, the newest
	maxTokens = 20_000 // phones that messages are kept for, the newest
	maxBody   = 64 << 10
	stopTime  = time.Second // that requests under way have when it stops
)

// Options of the stand-in.
type Options struct {
	Latency time.Duration // before each answer
	Journal string        // file to which every accepted message is appended as a line of JSON before it is answered
	Out     io.Writer     // gets one line, "listening on http://ADDRESS", when it is ready
}

// Message that was accepted: a line of the journal, and what GET /received answers with.
type Message struct {
	Name         string            `json:"name"`
	Token        string            `json:"token,omitempty"`
	Topic        string            `json:"topic,omitempty"`
	Data         map[string]string `json:"data,omitempty"`
	Notification map[string]any    `json:"notification,omitempty"`
	At           time.Time         `json:"at"`
}

// Stats counts since the start.
type Stats struct {
	Requests   int            `json:"requests"`
	Accepted   int            `json:"accepted"`
	Unique     int            `json:"unique"`     // accepted with a data.notification_id that this token or topic had not had
	Duplicates int            `json:"duplicates"` // accepted with one that it had had
	Answers    map[string]int `json:"answers"`    // by what was answered: "200", "404 UNREGISTERED", "fault 503" …
}

// Server is the stand-in.
type Server struct {
	journal *os.File
	key     func() (*rsa.PrivateKey, error) // of App Check, made when it is first needed
	seed    maphash.Seed

	mu      sync.Mutex
	latency time.Duration
	fault   Fault
	until   time.Time
	left    int
	seq     int
	stats   Stats
	seen    map[uint64]struct{} // hashes of target and notification_id: 16 MB for a million
	byToken map[string][][]byte // lines of the journal
	tokens  []string
}

// New is a stand-in; Close it when it has a journal.
func New(o Options) (*Server, error) {
	s := &Server{latency: o.Latency, key: sync.OnceValues(newKey), seed: maphash.MakeSeed(), seen: map[uint64]struct{}{},
		byToken: map[string][][]byte{}, stats: Stats{Answers: map[string]int{}}}
	if o.Journal != "" {
		f, err := os.OpenFile(o.Journal, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open the journal: %w", err)
		}
		s.journal = f
	}
	return s, nil
}

// Close closes the journal.
func (s *Server) Close() error {
	if s.journal == nil {
		return nil
	}
	return s.journal.Close()
}

// Run serves on addr until ctx ends.
func Run(ctx context.Context, addr string, o Options) error {
	s, err := New(o)
	if err != nil {
		return err
	}
	defer s.Close()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if o.Out != nil {
		fmt.Fprintf(o.Out, "listening on http://%s\n", l.Addr())
	}
	srv := &fasthttp.Server{Handler: s.serve, ErrorHandler: s.unreadable, MaxRequestBodySize: maxBody, NoDefaultServerHeader: true,
		Logger: silent{}}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		_ = srv.ShutdownWithContext(limit)
	})
	err = srv.Serve(l)
	if !stop() {
		<-stopped
		return nil
	}
	return err
}

type silent struct{}

func (silent) Printf(string, ...any) {} // connections that clients cut are what it is for

// serve answers as FCM does, and to the demo and the tests.
func (s *Server) serve(ctx *fasthttp.RequestCtx) {
	path, post, get := string(ctx.Path()), ctx.IsPost(), ctx.IsGet()
	switch {
	case post && strings.HasPrefix(path, "/v1/projects/"):
		if project, call, ok := strings.Cut(path[len("/v1/projects/"):], "/"); ok && project != "" && !strings.Contains(call, "/") {
			s.send(ctx, project, call)
			return
		}
		ctx.Error("404 page not found", http.StatusNotFound)
	case post && path == "/control":
		s.control(ctx)
	case get && path == "/received":
		s.received(ctx)
	case get && path == "/stats":
		s.statistics(ctx)
	case get && path == "/v1/jwks":
		s.keys(ctx)
	case post && path == "/appcheck/token":
		s.issue(ctx)
	default:
		ctx.Error("404 page not found", http.StatusNotFound)
	}
}

// unreadable answers what is no HTTP, or too long.
func (s *Server) unreadable(ctx *fasthttp.RequestCtx, _ error) {
	s.refuse(ctx, invalid("", "Request payload size exceeds the limit."))
}

func (s *Server) send(ctx *fasthttp.RequestCtx, project, call string) {
	if call != "messages:send" {
		s.refuse(ctx, refusal{http.StatusNotFound, "NOT_FOUND", "", "Requested entity was not found.", ""})
		return
	}
	f, latency := s.begin()
	if latency > 0 {
		time.Sleep(latency)
	}
	if f.active() {
		s.fail(ctx, f)
		return
	}
	m, bad := parse(ctx.PostBody())
	if bad == nil {
		bad = tokenRefusal(m.token)
	}
	if bad != nil {
		s.refuse(ctx, *bad)
		return
	}
	name, err := s.accept(project, m)
	if err != nil {
		s.refuse(ctx, refusal{http.StatusInternalServerError, "INTERNAL", "INTERNAL", "The journal cannot be written.", ""})
		return
	}
	ctx.SetContentType("application/json; charset=UTF-8")
	ctx.Response.AppendBodyString(`{"name":`)
	ctx.Response.AppendBody(name)
	ctx.Response.AppendBodyString("}\n")
}

// accept gives a message its name, as JSON, and notes it.
func (s *Server) accept(project string, m *sent) (name []byte, err error) {
	now := time.Now().UTC()
	s.mu.Lock()
	s.seq++
	seq := s.seq
	s.mu.Unlock()
	name, err = json.Marshal(fmt.Sprintf("projects/%s/messages/0:%019d%%%08x", project, now.UnixMicro(), seq))
	if err != nil {
		return nil, err
	}
	var line []byte
	if !m.validateOnly {
		if line, err = m.line(name, now); err != nil {
			return nil, err
		}
		if s.journal != nil {
			if _, err := s.journal.Write(line); err != nil { // one write: lines of two requests do not mix
				return nil, err
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Answers["200"]++
	if m.validateOnly {
		return name, nil
	}
	s.stats.Accepted++
	s.compare(m)
	s.keep(m.token, line)
	return name, nil
}

// line is the message as a line of the journal.
func (m *sent) line(name []byte, at time.Time) ([]byte, error) {
	line := make([]byte, 0, len(m.rawToken)+len(m.rawTopic)+len(m.data)+len(m.notification)+len(name)+128)
	line = append(append(line, `{"name":`...), name...)
	for _, part := range []struct {
		name  string
		value []byte
	}{{"token", m.rawToken}, {"topic", m.rawTopic}, {"data", m.data}, {"notification", m.notification}} {
		if !absent(part.value) {
			line = append(append(append(append(line, `,"`...), part.name...), `":`...), part.value...)
		}
	}
	line = append(line, `,"at":"`...)
	line = append(at.AppendFormat(line, time.RFC3339Nano), `"}`...)
	if bytes.IndexByte(line, '\n') >= 0 || bytes.IndexByte(line, '\r') >= 0 {
		var one bytes.Buffer
		if err := json.Compact(&one, line); err != nil {
			return nil, err
		}
		line = one.Bytes()
	}
	return append(line, '\n'), nil
}

// compare counts what has come before. The caller holds the lock.
func (s *Server) compare(m *sent) {
	if m.notificationID == "" {
		return
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, part := range []string{m.token, m.topic, m.notificationID} {
		_, _ = h.WriteString(part)
		_ = h.WriteByte(0)
	}
	if _, ok := s.seen[h.Sum64()]; ok {
		s.stats.Duplicates++
		return
	}
	s.seen[h.Sum64()] = struct{}{}
	s.stats.Unique++
}

// keep keeps a line for the phone. The caller holds the lock.
func (s *Server) keep(token string, line []byte) {
	if token == "" {
		return
	}
	kept, ok := s.byToken[token]
	if !ok {
		s.tokens = append(s.tokens, token)
		if len(s.tokens) > maxTokens {
			delete(s.byToken, s.tokens[0])
			s.tokens = s.tokens[1:]
		}
	}
	kept = append(kept, line)
	s.byToken[token] = kept[max(0, len(kept)-perToken):]
}

func (s *Server) count(what string) {
	s.mu.Lock()
	s.stats.Answers[what]++
	s.mu.Unlock()
}

func (s *Server) refuse(ctx *fasthttp.RequestCtx, f refusal) {
	s.count(strings.TrimSpace(strconv.Itoa(f.http) + " " + f.code))
	write(ctx, f)
}

func answer(ctx *fasthttp.RequestCtx, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		ctx.Error(err.Error(), http.StatusInternalServerError)
		return
	}
	ctx.SetContentType("application/json; charset=UTF-8")
	ctx.SetStatusCode(status)
	ctx.SetBody(append(b, '\n'))
}
