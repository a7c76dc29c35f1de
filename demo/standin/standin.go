// Package standin stands in for Firebase Cloud Messaging on a machine without a network: it takes what the Firebase Admin
// SDK sends, checks it as FCM v1 would, keeps it for the phones of the demo, and fails on demand for the tests.
//
// It runs as a process of its own and knows nothing of Balagh. Tokens decide by their beginning what FCM would know of
// them: "dead-" is no longer registered, "foreign-" belongs to another project, "bad-" never was a token.
package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	perToken  = 50     // messages kept for one phone, the newest
	maxTokens = 20_000 // phones that messages are kept for, the newest
	maxBody   = 64 << 10
)

// Options of the stand-in.
type Options struct {
	Latency time.Duration // before each answer
	Journal string        // file to which every accepted message is appended as a line of JSON before it is answered
	Out     io.Writer     // gets one line, "listening on http://ADDRESS", when it is ready
}

// Message that was accepted.
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
	Requests int            `json:"requests"`
	Accepted int            `json:"accepted"`
	Answers  map[string]int `json:"answers"` // by what was answered: "200", "404 UNREGISTERED", "fault 503" …
}

// Fault is what POST /control sets: what every send gets until it is over. The zero Fault ends one.
type Fault struct {
	Status     int    `json:"status"`      // answer with this, in Google's form
	RetryAfter string `json:"retry_after"` // header, as it is
	Mode       string `json:"mode"`        // instead of a status: hang, cut (the connection), garbage (200, no JSON)
	For        string `json:"for"`         // how long, such as 10s; until further notice when empty
	Count      int    `json:"count"`       // how many sends; all when 0
	Latency    string `json:"latency"`     // changes the latency of the stand-in from now on
}

func (f Fault) active() bool { return f.Status != 0 || f.Mode != "" }

// Server is the stand-in.
type Server struct {
	mux     *http.ServeMux
	journal *os.File

	mu      sync.Mutex
	latency time.Duration
	fault   Fault
	until   time.Time
	left    int
	seq     int
	stats   Stats
	byToken map[string][]Message
	tokens  []string
}

// New is a stand-in; Close it when it has a journal.
func New(o Options) (*Server, error) {
	s := &Server{mux: http.NewServeMux(), latency: o.Latency, byToken: map[string][]Message{}, stats: Stats{Answers: map[string]int{}}}
	if o.Journal != "" {
		f, err := os.OpenFile(o.Journal, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open the journal: %w", err)
		}
		s.journal = f
	}
	s.mux.HandleFunc("POST /v1/projects/{project}/{call}", s.send)
	s.mux.HandleFunc("POST /control", s.control)
	s.mux.HandleFunc("GET /received", s.received)
	s.mux.HandleFunc("GET /stats", s.statistics)
	return s, nil
}

// ServeHTTP answers as FCM does, and to the demo and the tests.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

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
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("call") != "messages:send" {
		s.refuse(w, refusal{http.StatusNotFound, "NOT_FOUND", "", "Requested entity was not found."})
		return
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.refuse(w, invalid("", "Request payload size exceeds the limit."))
		return
	}
	f, latency := s.begin()
	select {
	case <-time.After(latency):
	case <-r.Context().Done():
		return
	}
	if f.active() {
		s.fail(w, r, f)
		return
	}
	m, validateOnly, bad := parse(b)
	if bad == nil {
		bad = tokenRefusal(m.Token)
	}
	if bad != nil {
		s.refuse(w, *bad)
		return
	}
	if err := s.accept(r.PathValue("project"), &m, validateOnly); err != nil {
		s.refuse(w, refusal{http.StatusInternalServerError, "INTERNAL", "INTERNAL", "The journal cannot be written."})
		return
	}
	answer(w, http.StatusOK, map[string]string{"name": m.Name})
}

// begin counts a request and says what is to happen to it.
func (s *Server) begin() (Fault, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Requests++
	f := s.fault
	if !f.active() || !s.until.IsZero() && time.Now().After(s.until) || f.Count > 0 && s.left == 0 {
		s.fault = Fault{}
		return Fault{}, s.latency
	}
	s.left--
	return f, s.latency
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, f Fault) {
	s.count("fault " + f.Mode + strconv.Itoa(f.Status))
	switch f.Mode {
	case "hang":
		<-r.Context().Done()
		return
	case "cut":
		panic(http.ErrAbortHandler)
	case "garbage":
		_, _ = w.Write([]byte("<html>hello"))
		return
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	status, code := "UNKNOWN", ""
	switch f.Status {
	case http.StatusTooManyRequests:
		status, code = "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"
	case http.StatusInternalServerError:
		status, code = "INTERNAL", "INTERNAL"
	case http.StatusServiceUnavailable:
		status, code = "UNAVAILABLE", "UNAVAILABLE"
	}
	write(w, refusal{f.Status, status, code, "A fault that was asked for."})
}

func (s *Server) accept(project string, m *Message, validateOnly bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	m.Name = fmt.Sprintf("projects/%s/messages/0:%019d%%%08x", project, time.Now().UnixMicro(), s.seq)
	m.At = time.Now().UTC()
	s.stats.Answers["200"]++
	if validateOnly {
		return nil
	}
	if s.journal != nil {
		line, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if _, err := s.journal.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	s.stats.Accepted++
	if m.Token == "" {
		return nil
	}
	if _, ok := s.byToken[m.Token]; !ok {
		s.tokens = append(s.tokens, m.Token)
		if len(s.tokens) > maxTokens {
			delete(s.byToken, s.tokens[0])
			s.tokens = s.tokens[1:]
		}
	}
	kept := append(s.byToken[m.Token], *m)
	s.byToken[m.Token] = kept[max(0, len(kept)-perToken):]
	return nil
}

func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	var f Fault
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	duration, err := optional(f.For)
	latency, err2 := optional(f.Latency)
	modes := map[string]bool{"": true, "hang": true, "cut": true, "garbage": true}
	if err := errors.Join(err, err2); err != nil || !modes[f.Mode] || f.Count < 0 || f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		http.Error(w, "status 400-599, mode hang|cut|garbage, for and latency such as 10s, count from 0", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.left, s.until = f, f.Count, time.Time{}
	if duration > 0 {
		s.until = time.Now().Add(duration)
	}
	if f.Latency != "" {
		s.latency = latency
	}
	w.WriteHeader(http.StatusNoContent)
}

func optional(d string) (time.Duration, error) {
	if d == "" {
		return 0, nil
	}
	return time.ParseDuration(d)
}

// received is what the phone with a token got, oldest first; with after=N without the first N of those kept.
func (s *Server) received(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	s.mu.Lock()
	kept := s.byToken[r.URL.Query().Get("token")]
	ms := append([]Message{}, kept[min(max(after, 0), len(kept)):]...)
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"messages": ms})
}

func (s *Server) statistics(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	b, err := json.Marshal(s.stats)
	s.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}

func (s *Server) count(what string) {
	s.mu.Lock()
	s.stats.Answers[what]++
	s.mu.Unlock()
}

func (s *Server) refuse(w http.ResponseWriter, f refusal) {
	s.count(strings.TrimSpace(strconv.Itoa(f.http) + " " + f.code))
	write(w, f)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
