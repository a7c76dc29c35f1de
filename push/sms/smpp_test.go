package sms

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"github.com/balagh/balagh/push"
)

func TestSMPP_Send(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	p := connect(t, c, SMPPConfig{SystemType: "vma"})
	bound(t, p)
	b := get(t, c.binds)
	if b.SystemID != "balagh" || b.Password != "secret" || b.SystemType != "vma" || b.CommandID != data.BIND_TRANSCEIVER || b.InterfaceVersion != data.SMPP_V34 {
		t.Errorf("bound as %+v", b)
	}
	if o := sent(t, p, "Hello {€}"); o != (push.Outcome{Answer: push.Taken, Ref: "1"}) {
		t.Errorf("%+v", o)
	}
	m := get(t, c.submitted)
	got, err := m.Message.GetMessage()
	if err != nil || got != "Hello {€}" || m.Message.Encoding().DataCoding() != 0 || m.RegisteredDelivery != 1 || m.EsmClass != 0 {
		t.Errorf("%q, %v, %+v", got, err, m)
	}
	if m.SourceAddr.Address() != "Balagh" || m.SourceAddr.Ton() != 5 || m.SourceAddr.Npi() != 0 ||
		m.DestAddr.Address() != "966512345678" || m.DestAddr.Ton() != 1 || m.DestAddr.Npi() != 1 {
		t.Errorf("from %+v to %+v", m.SourceAddr, m.DestAddr)
	}
	if o := p.Send(t.Context(), push.Notice{To: "0512345678", Text: push.Text{Body: "x"}}); o.Answer != push.Refused || o.Reason != "bad_number" {
		t.Errorf("%+v", o)
	}
	for _, s := range []string{"", strings.Repeat("a", 153*255+1)} {
		if o := sent(t, p, s); o.Answer != push.Refused || o.Reason != "bad_text" {
			t.Errorf("%d characters: %+v", len(s), o)
		}
	}
}

// What a phone shows after a text in several segments is the text.
func TestSMPP_Send_concatenated(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("بلاغكم رقم ١٢٣ قيد المعالجة. ", 12) + "🕌",
		strings.Repeat("آپ کی شکایت موصول ہوئی۔ ", 10),
		strings.Repeat("Report {12} costs 5€ [paid]. ", 20),
	} {
		c := newCentre(t)
		p := connect(t, c, SMPPConfig{})
		bound(t, p)
		n, _ := Segments(text)
		for range 2 { // an attempt after one that was cut short has the same reference
			if o := sent(t, p, text); o.Answer != push.Taken {
				t.Fatalf("%+v", o)
			}
		}
		var shown strings.Builder
		var refs []byte
		for i := range 2 * n {
			m := get(t, c.submitted)
			total, part, ref, ok := m.Message.UDH().GetConcatInfo()
			s, err := m.Message.GetMessage()
			last := i%n == n-1
			if !ok || err != nil || int(total) != n || int(part) != i%n+1 || m.EsmClass != data.SM_UDH_GSM || (m.RegisteredDelivery == 1) != last {
				t.Fatalf("part %d: %d of %d, %v, %+v", i, part, total, err, m)
			}
			b, _ := m.Message.GetMessageData()
			if m.Message.Encoding().DataCoding() == data.UCS2Coding && len(b)+6 > 140 || len(b)+6 > 160 {
				t.Errorf("part %d has %d octets", i, len(b))
			}
			refs = append(refs, ref)
			if i < n {
				shown.WriteString(s)
			}
		}
		if shown.String() != text || bytes.Count(refs, refs[:1]) != len(refs) {
			t.Errorf("shown is %q, want %q; references %v", shown.String(), text, refs)
		}
	}
}

// A part that is refused ends the attempt: what follows would never be put together.
func TestSMPP_Send_stopsAtRefusedPart(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	var n atomic.Int32
	c.submit = func(l *line, m *pdu.SubmitSM) {
		if n.Add(1) == 2 {
			refuse(l, m, data.ESME_RTHROTTLED)
			return
		}
		c.take(l, m)
	}
	p := connect(t, c, SMPPConfig{})
	bound(t, p)
	if o := sent(t, p, strings.Repeat("ب", 200)); o.Answer != push.Throttled || n.Load() != 2 {
		t.Errorf("%+v after %d", o, n.Load())
	}
}

func TestSMPP_Send_refused(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	var status atomic.Int32
	c.submit = func(l *line, m *pdu.SubmitSM) { refuse(l, m, data.CommandStatusType(status.Load())) }
	p := connect(t, c, SMPPConfig{})
	for s, want := range map[data.CommandStatusType]push.Outcome{
		data.ESME_RTHROTTLED:    {Answer: push.Throttled, Reason: "throttled"},
		data.ESME_RMSGQFUL:      {Reason: "unavailable"},
		data.ESME_RINVDSTADR:    {Answer: push.Refused, Reason: "bad_number"},
		data.ESME_RINVMSGLEN:    {Answer: push.Refused, Reason: "bad_text"},
		data.ESME_RSYSERR:       {Reason: "unavailable"},
		data.ESME_RINVSRCADR:    {Reason: "unauthorized"},
		0x0400:                  {Reason: "unavailable"}, // a vendor's own
		data.ESME_RPROVNOTALLWD: {Reason: "unauthorized"},
	} {
		bound(t, p)
		status.Store(int32(s))
		if o := sent(t, p, "x"); o != want {
			t.Errorf("%v: %+v, want %+v", s, o, want)
		}
	}
	get(t, c.binds)
	status.Store(int32(data.ESME_RINVBNDSTS))
	if o := sent(t, p, "x"); o != (push.Outcome{Reason: "not_bound"}) {
		t.Errorf("%+v", o)
	}
	get(t, c.binds) // it binds anew
}

func TestSMPP_Send_nack(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.submit = func(l *line, m *pdu.SubmitSM) {
		n := pdu.NewGenericNack().(*pdu.GenericNack)
		n.CommandStatus = data.ESME_RINVCMDLEN
		n.SetSequenceNumber(m.GetSequenceNumber())
		l.write(n)
	}
	p := connect(t, c, SMPPConfig{})
	bound(t, p)
	if o := sent(t, p, "x"); o != (push.Outcome{Reason: "unavailable"}) {
		t.Errorf("%+v", o)
	}
}

// What the centre says of itself is numbered by the centre: it is no answer to the request of that number.
func TestSMPP_Send_sameNumber(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.submit = func(l *line, m *pdu.SubmitSM) {
		alert := pdu.NewAlertNotification()
		alert.SetSequenceNumber(m.GetSequenceNumber())
		l.write(alert)
		c.take(l, m)
	}
	p := connect(t, c, SMPPConfig{})
	bound(t, p)
	if o := sent(t, p, "x"); o.Answer != push.Taken {
		t.Errorf("%+v", o)
	}
}

// Answers belong to their requests, in whatever order they come.
func TestSMPP_Send_window(t *testing.T) {
	t.Parallel()
	const window = 5
	c := newCentre(t)
	var mu sync.Mutex
	var held []*pdu.SubmitSM
	c.submit = func(l *line, m *pdu.SubmitSM) {
		mu.Lock()
		defer mu.Unlock()
		if held = append(held, m); len(held) < window {
			return
		}
		for i := len(held) - 1; i >= 0; i-- {
			r := held[i].GetResponse().(*pdu.SubmitSMResp)
			r.MessageID, _ = held[i].Message.GetMessage()
			l.write(r)
		}
		held = nil
	}
	p := connect(t, c, SMPPConfig{Window: window})
	bound(t, p)
	var all sync.WaitGroup
	for i := range 4 * window { // the centre answers nothing before it has the whole window
		all.Go(func() {
			text := strings.Repeat("x", i+1)
			if o := sent(t, p, text); o != (push.Outcome{Answer: push.Taken, Ref: text}) {
				t.Errorf("%d: %+v", i, o)
			}
		})
	}
	all.Wait()
}

func TestSMPP_Send_windowFull(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.submit = func(*line, *pdu.SubmitSM) {}
	p := connect(t, c, SMPPConfig{Window: 1})
	bound(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan push.Outcome, 1)
	go func() { first <- p.Send(ctx, notice) }()
	get(t, c.submitted)
	second, cancel2 := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel2()
	if o := p.Send(second, notice); o != (push.Outcome{Reason: "timeout"}) {
		t.Errorf("%+v", o)
	}
	cancel()
	if o := get(t, first); o != (push.Outcome{Reason: "timeout"}) {
		t.Errorf("%+v", o)
	}
}

// An answer that comes too late disturbs nobody.
func TestSMPP_Send_late(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	late := make(chan *pdu.SubmitSM, 1)
	c.submit = func(_ *line, m *pdu.SubmitSM) { late <- m }
	p := connect(t, c, SMPPConfig{Timeout: 2 * time.Second, Alive: time.Hour})
	bound(t, p)
	if o := sent(t, p, "x"); o != (push.Outcome{Reason: "timeout"}) {
		t.Errorf("%+v", o)
	}
	first := get(t, late)
	c.onSubmit(func(l *line, m *pdu.SubmitSM) {
		r := first.GetResponse().(*pdu.SubmitSMResp)
		r.MessageID = "late"
		l.write(r)
		c.take(l, m)
	})
	if o := sent(t, p, "x"); o.Answer != push.Taken || o.Ref == "late" {
		t.Errorf("%+v", o)
	}
}

func TestSMPP_Run_bindRefused(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.bind = data.ESME_RINVPASWD
	var log bytes.Buffer
	var mu sync.Mutex
	p := connect(t, c, SMPPConfig{Log: slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(b)
	}), nil))})
	get(t, c.binds)
	get(t, c.binds)
	if o := sent(t, p, "x"); o != (push.Outcome{Reason: "unauthorized"}) {
		t.Errorf("%+v", o)
	}
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(log.String(), "ESME_RINVPASWD") || strings.Contains(log.String(), "secret") {
		t.Errorf("the log says %s", log.String())
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// The connection is cut while a text waits for its answer: it is tried again later, and the next session takes it.
func TestSMPP_Run_cut(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	var n atomic.Int32
	c.submit = func(l *line, m *pdu.SubmitSM) {
		if n.Add(1) == 1 {
			_ = l.Close()
			return
		}
		c.take(l, m)
	}
	p := connect(t, c, SMPPConfig{})
	bound(t, p)
	if o := sent(t, p, "x"); o != (push.Outcome{Reason: "unreachable"}) {
		t.Errorf("%+v", o)
	}
	await(t, "another session", func() bool { return sent(t, p, "x").Answer == push.Taken })
}

func TestSMPP_Run_awayAndBack(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	p := connect(t, c, SMPPConfig{})
	bound(t, p)
	c.close()
	await(t, "the end of the session", func() bool { return !p.Bound() })
	if o := sent(t, p, "x"); o != (push.Outcome{Reason: "unreachable"}) {
		t.Errorf("%+v", o)
	}
	c.open()
	bound(t, p)
	if o := sent(t, p, "x"); o.Answer != push.Taken {
		t.Errorf("%+v", o)
	}
}

// A centre that is connected but does not answer any more is left.
func TestSMPP_Run_silent(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	asked := make(chan pdu.PDU, 100)
	c.other = func(_ *line, p pdu.PDU) { asked <- p }
	p := connect(t, c, SMPPConfig{Alive: 10 * time.Millisecond, Timeout: 20 * time.Millisecond})
	bound(t, p)
	if _, ok := get(t, asked).(*pdu.EnquireLink); !ok {
		t.Error("it did not ask")
	}
	get(t, c.binds)
	get(t, c.binds) // the second one
}

// A centre that accepts and then says nothing at all does not hold it for ever, nor the end of the program.
func TestSMPP_Run_silentAtBind(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for _, timeout := range []time.Duration{time.Hour, 20 * time.Millisecond} {
		p, err := NewSMPP(SMPPConfig{Address: l.Addr().String(), SystemID: "b", Password: "p", Sender: "S", Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		tries := make(chan struct{}, 1)
		p.wait = func(context.Context, time.Duration) error { tries <- struct{}{}; return errors.New("enough") }
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if timeout < time.Hour {
			get(t, tries)
		}
		cancel()
		get(t, ended)
		_ = conn.Close()
	}
}

func TestSMPP_Run_requestsOfTheCentre(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	got := make(chan pdu.PDU, 100)
	c.other = func(_ *line, p pdu.PDU) { got <- p }
	p := connect(t, c, SMPPConfig{Timeout: 5 * time.Second})
	bound(t, p)
	get(t, c.binds)
	ask, query, alert := pdu.NewEnquireLink(), pdu.NewQuerySM(), pdu.NewAlertNotification()
	c.send(alert)
	c.send(ask)
	if r, ok := get(t, got).(*pdu.EnquireLinkResp); !ok || r.GetSequenceNumber() != ask.GetSequenceNumber() {
		t.Error("it did not answer the enquiry")
	}
	c.send(query)
	if r, ok := get(t, got).(*pdu.GenericNack); !ok || r.GetSequenceNumber() != query.GetSequenceNumber() || r.CommandStatus != data.ESME_RINVCMDID {
		t.Error("it did not refuse the query")
	}
	c.send(pdu.NewUnbind())
	if _, ok := get(t, got).(*pdu.UnbindResp); !ok {
		t.Error("it did not unbind")
	}
	get(t, c.binds)
}

func TestSMPP_Run_unbinds(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	unbound := make(chan pdu.PDU, 1)
	c.other = func(l *line, p pdu.PDU) {
		l.write(p.GetResponse())
		unbound <- p
	}
	c.open()
	p, err := NewSMPP(SMPPConfig{Address: c.address, SystemID: "b", Password: "p", Sender: "S"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	bound(t, p)
	cancel()
	if _, ok := get(t, unbound).(*pdu.Unbind); !ok {
		t.Error("it went without a word")
	}
	if err := get(t, ended); err != nil || p.Bound() {
		t.Errorf("%v, still bound %t", err, p.Bound())
	}
}

func TestSMPP_SendCode(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	var n atomic.Int32
	c.submit = func(l *line, m *pdu.SubmitSM) {
		if n.Add(1) < 3 {
			refuse(l, m, data.ESME_RSYSERR)
			return
		}
		c.take(l, m)
	}
	p := connect(t, c, SMPPConfig{Sender: "1933"})
	bound(t, p)
	if err := p.SendCode(t.Context(), "+966512345678", "ar", "012345"); err != nil || n.Load() != 3 {
		t.Errorf("%v after %d", err, n.Load())
	}
	m := get(t, c.submitted)
	got, _ := m.Message.GetMessage()
	if got != CodeText("ar", "012345") || m.RegisteredDelivery != 0 || m.SourceAddr.Ton() != data.GSM_TON_NETWORK {
		t.Errorf("%q %+v", got, m)
	}
}
