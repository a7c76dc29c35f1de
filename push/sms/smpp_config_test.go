package sms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/linxGnu/gosmpp/pdu"

	"github.com/balagh/balagh/push"
)

func TestSMPP_Run_tls(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS() // for its certificate
	defer s.Close()
	c := newCentre(t)
	c.wrap = func(conn net.Conn) net.Conn { return tls.Server(conn, &tls.Config{Certificates: s.TLS.Certificates}) }
	strange := connect(t, c, SMPPConfig{TLS: true})
	p, err := NewSMPP(SMPPConfig{Address: c.address, SystemID: "b", Password: "p", Sender: "S", TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	p.tls.RootCAs = x509.NewCertPool()
	p.tls.RootCAs.AddCert(s.Certificate())
	run(t, p)
	bound(t, p)
	if o := sent(t, p, "x"); o.Answer != push.Taken {
		t.Errorf("%+v", o)
	}
	if strange.Bound() {
		t.Error("a certificate of nobody was believed")
	}
}

// A text that waits for its answer at the end of the program gets it: otherwise it would go out again after the start.
func TestSMPP_Run_drains(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	held := make(chan func(), 1)
	c.submit = func(l *line, m *pdu.SubmitSM) { held <- func() { c.take(l, m) } }
	c.open()
	p, err := NewSMPP(SMPPConfig{Address: c.address, SystemID: "b", Password: "p", Sender: "S"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	bound(t, p)
	outcome := make(chan push.Outcome, 1)
	go func() { outcome <- p.Send(context.WithoutCancel(ctx), notice) }()
	answer := get(t, held)
	cancel()
	await(t, "the end of the session", func() bool { return !p.Bound() })
	if o := p.Send(t.Context(), notice); o != (push.Outcome{Reason: "not_bound"}) {
		t.Errorf("another: %+v", o)
	}
	answer()
	if o := get(t, outcome); o.Answer != push.Taken {
		t.Errorf("%+v", o)
	}
	if err := get(t, ended); err != nil {
		t.Error(err)
	}
}

func TestNewSMPP_refuses(t *testing.T) {
	t.Parallel()
	good := SMPPConfig{Address: "smsc.example:2775", SystemID: "balagh", Password: "secret", Sender: "Balagh"}
	for want, change := range map[string]func(*SMPPConfig){
		"BALAGH_SMPP_ADDRESS must be":           func(c *SMPPConfig) { c.Address = "smsc.example" },
		"BALAGH_SMPP_SYSTEM_ID must be set":     func(c *SMPPConfig) { c.SystemID = "" },
		"in up to 15 characters":                func(c *SMPPConfig) { c.SystemID = "0123456789abcdef" },
		"BALAGH_SMPP_PASSWORD must be set":      func(c *SMPPConfig) { c.Password = "" },
		"in plain characters":                   func(c *SMPPConfig) { c.Password = "secrét" },
		"BALAGH_SMPP_SYSTEM_TYPE":               func(c *SMPPConfig) { c.SystemType = "0123456789abc" },
		"BALAGH_SMPP_WINDOW":                    func(c *SMPPConfig) { c.Window = -1 },
		"BALAGH_SMS_SENDER is not set":          func(c *SMPPConfig) { c.Sender = "" },
		"BALAGH_SMS_SENDER must be a name":      func(c *SMPPConfig) { c.Sender = "Balagh Balagh" },
		"a short code or":                       func(c *SMPPConfig) { c.Sender = "بلاغ" },
		"BALAGH_SMS_SENDER must be a name of u": func(c *SMPPConfig) { c.Sender = "1234567890123456" },
	} {
		bad := good
		change(&bad)
		if _, err := NewSMPP(bad); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secr") {
			t.Errorf("%v; want %q in it, and no password", err, want)
		}
	}
	for sender, want := range map[string][2]byte{"Balagh": {5, 0}, "1933": {3, 0}, "+966512345678": {1, 1}, "966512345678": {1, 1}, "1933-SA": {5, 0}} {
		a, err := sourceAddress(sender)
		if err != nil || [2]byte{a.Ton(), a.Npi()} != want || a.Address() != strings.TrimPrefix(sender, "+") {
			t.Errorf("%s: %+v, %v; want %v", sender, a, err, want)
		}
	}
}
