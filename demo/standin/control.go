package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// Fault is what POST /control sets: what every send gets until it is over. The zero Fault ends one.
type Fault struct {
	Status     int     `json:"status"`      // answer with this, in Google's form
	RetryAfter string  `json:"retry_after"` // header, as it is
	Mode       string  `json:"mode"`        // instead of a status: hang, cut (the connection), garbage (200, no JSON)
	For        string  `json:"for"`         // how long, such as 10s; until further notice when empty
	Count      int     `json:"count"`       // how many sends; all when 0
	Share      float64 `json:"share"`       // of the sends that get it, such as 0.1; all when 0
	Latency    string  `json:"latency"`     // changes the latency of the stand-in from now on
}

func (f Fault) active() bool { return f.Status != 0 || f.Mode != "" }

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
	if f.Share > 0 && rand.Float64() >= f.Share {
		return Fault{}, s.latency
	}
	s.left--
	return f, s.latency
}

func (s *Server) fail(ctx *fasthttp.RequestCtx, f Fault) {
	s.count("fault " + f.Mode + strconv.Itoa(f.Status))
	switch f.Mode {
	case "hang": // until the client has enough
		ctx.HijackSetNoResponse(true)
		ctx.Hijack(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		return
	case "cut":
		ctx.HijackSetNoResponse(true)
		ctx.Hijack(func(net.Conn) {})
		return
	case "garbage":
		ctx.SetContentType("text/html; charset=utf-8")
		ctx.SetBodyString("<html>hello")
		return
	}
	if f.RetryAfter != "" {
		ctx.Response.Header.Set("Retry-After", f.RetryAfter)
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
	write(ctx, refusal{f.Status, status, code, "A fault that was asked for.", ""})
}

func (s *Server) control(ctx *fasthttp.RequestCtx) {
	var f Fault
	if err := decode(ctx, &f); err != nil {
		ctx.Error(err.Error(), http.StatusBadRequest)
		return
	}
	duration, err := optional(f.For)
	latency, err2 := optional(f.Latency)
	modes := map[string]bool{"": true, "hang": true, "cut": true, "garbage": true}
	if err := errors.Join(err, err2); err != nil || !modes[f.Mode] || f.Count < 0 || f.Share < 0 || f.Share > 1 ||
		f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		ctx.Error("status 400-599, mode hang|cut|garbage, for and latency such as 10s, count from 0, share from 0 to 1", http.StatusBadRequest)
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
	ctx.SetStatusCode(http.StatusNoContent)
}

func decode(ctx *fasthttp.RequestCtx, v any) error {
	d := json.NewDecoder(bytes.NewReader(ctx.PostBody()))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

func optional(d string) (time.Duration, error) {
	if d == "" {
		return 0, nil
	}
	return time.ParseDuration(d)
}

// received is what the phone with a token got, oldest first; with after=N without the first N of those kept.
func (s *Server) received(ctx *fasthttp.RequestCtx) {
	after, _ := strconv.Atoi(string(ctx.QueryArgs().Peek("after")))
	s.mu.Lock()
	kept := s.byToken[string(ctx.QueryArgs().Peek("token"))]
	lines := bytes.Join(kept[min(max(after, 0), len(kept)):], []byte(","))
	s.mu.Unlock()
	ctx.SetContentType("application/json; charset=UTF-8")
	ctx.Response.AppendBodyString(`{"messages":[`)
	ctx.Response.AppendBody(lines)
	ctx.Response.AppendBodyString("]}\n")
}

func (s *Server) statistics(ctx *fasthttp.RequestCtx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(ctx, http.StatusOK, s.stats)
}
