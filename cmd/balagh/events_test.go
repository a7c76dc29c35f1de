package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/reports"
)

// sse is one event of a stream.
type sse struct{ id, event, data string }

// listening is an open stream of events.
type listening struct {
	t      testing.TB
	events chan sse // heartbeats have no event; closed with the stream
	stop   context.CancelFunc
}

// listen opens a stream and waits until it is open.
func (c *client) listen(lastID string) (*listening, *http.Response) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", c.i.url+"/v1/desk/events", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	l := &listening{c.t, make(chan sse, 100), cancel}
	go func() {
		defer close(l.events)
		defer res.Body.Close()
		var e sse
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ":"); name {
			case "id":
				e.id = strings.TrimSpace(value)
			case "event":
				e.event = strings.TrimSpace(value)
			case "data":
				e.data = strings.TrimSpace(value)
			case "":
				if lines.Text() == "" && e.id != "" {
					l.events <- e
					e = sse{}
				}
			}
		}
	}()
	return l, res
}

// next is the next event that is no heartbeat; false when the stream has ended.
func (l *listening) next() (sse, bool) {
	l.t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case e, open := <-l.events:
			if !open || e.event != "" {
				return e, open
			}
		case <-late:
			l.t.Fatal("no event came")
		}
	}
}

// report waits for the next event, which must be of that report.
func (l *listening) report(id, change string) sse {
	l.t.Helper()
	e, open := l.next()
	var data struct{ ID, Number, Status, Change string }
	if err := json.Unmarshal([]byte(e.data), &data); !open || err != nil || e.event != "report" || data.ID != id || data.Change != change || data.Number == "" || data.Status == "" || e.id == "" {
		l.t.Fatalf("%+v, want %s of %s", e, change, id)
	}
	return e
}

const farSpeakers = `{"category":"loudspeakers","description":"مكبر","place":{"latitude":24.5,"longitude":43.5,"source":"map"},"attributes":{"mosque_name":"م"}}`

// TestEvents: who works with a report hears of it, nobody else, and who comes back misses nothing.
func TestEvents(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen, riyadh, qassim := i.citizen("+966500000071"), i.staff(actor.Clerk, "riyadh", "*"), i.staff(actor.Clerk, "qassim", "*")
	here, res := riyadh.listen("")
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	there, _ := qassim.listen("")
	id := citizen.do("POST", "/v1/reports", speakers).want(201).str("id")
	filed := time.Now()
	first := here.report(id, "received")
	if took := time.Since(filed); took > 10*time.Second { // about a second; a busy machine takes longer
		t.Errorf("the event came after %v", took)
	}
	riyadh.do("POST", "/v1/desk/reports/"+id+"/notes", map[string]any{"text": "ملاحظة"}).want(201)
	here.report(id, "note")
	far := citizen.do("POST", "/v1/reports", farSpeakers).want(201).str("id")
	there.report(far, "received") // and not of the one before

	here.stop()
	riyadh.do("POST", "/v1/desk/reports/"+id+"/replies", map[string]any{"text": "رد"}).want(201)
	again, _ := riyadh.listen(first.id)
	for {
		e, _ := again.next()
		if strings.Contains(e.data, far) {
			t.Fatal("a report of another centre")
		}
		if strings.Contains(e.data, `"reply"`) {
			break
		}
	}
	strange, _ := riyadh.listen("9223372036854775807")
	if e, _ := strange.next(); e.event != "reload" {
		t.Errorf("after a position that nobody had: %+v", e)
	}
	riyadh.do("GET", "/v1/desk/events", nil, "Last-Event-ID", "9999999999999999999").refused(422, "validation_failed")
	riyadh.do("GET", "/v1/desk/events", nil, "Last-Event-ID", "x").refused(422, "validation_failed")
}

// TestEvents_AnotherProcess: a write that did not come through this process is told as well.
func TestEvents_AnotherProcess(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen, clerk := i.citizen("+966500000072"), i.staff(actor.Clerk, "riyadh", "*")
	id := citizen.do("POST", "/v1/reports", speakers).want(201).str("id")
	l, _ := clerk.listen("")
	if _, err := i.parts.store.UpdateReport(t.Context(), id, func(r *reports.Report) ([]event.Event, error) {
		r.Timeline = append(r.Timeline, reports.Entry{ID: "elsewhere", Kind: reports.EntryNote, Internal: true})
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	for e, open := l.next(); !strings.Contains(e.data, `"note"`); e, open = l.next() { // on MongoDB the filing may come too
		if !open {
			t.Fatal("the stream ended")
		}
	}
}

// TestEvents_End: a stream ends with the session and with the server, which waits for none.
func TestEvents_End(t *testing.T) {
	t.Parallel()
	i := install(t)
	leaving, staying := i.staff(actor.Officer, "*", "*"), i.staff(actor.Manager, "*", "*")
	gone, _ := leaving.listen("")
	stays, _ := staying.listen("")
	leaving.do("POST", "/v1/auth/logout", `{}`).want(204)
	if e, open := gone.next(); open {
		t.Errorf("after signing out: %+v", e)
	}
	began := time.Now()
	i.stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if e, open := stays.next(); open {
		t.Errorf("after the server stopped: %+v", e)
	}
}

func TestEvents_TooMany(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.parts.server.Heartbeat = time.Hour // the server learns that a browser is gone without writing
	clerk := i.staff(actor.Clerk, "*", "*")
	var open []*listening
	for range 10 {
		l, res := clerk.listen("")
		if res.StatusCode != 200 {
			t.Fatal(res.Status)
		}
		open = append(open, l)
	}
	a := clerk.do("GET", "/v1/desk/events", nil).refused(429, "too_many_requests")
	if a.header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	(&client{i: i, t: t}).do("GET", "/v1/desk/events", nil).refused(401, "unauthenticated")
	open[0].stop()
	eventually(t, "the place of a window that was closed", func() bool {
		l, res := clerk.listen("")
		defer l.stop()
		return res.StatusCode == 200
	})
}
