package email_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/email"
)

const messageID = "<" + delivery + "@balagh.example>"

// read takes apart what arrived, with the standard library only: the header, and the bodies by their type.
func read(t *testing.T, content []byte) (mail.Header, map[string]string) {
	t.Helper()
	for l := range bytes.SplitSeq(bytes.TrimSuffix(content, []byte("\r\n")), []byte("\r\n")) {
		if len(l) > 998 || bytes.ContainsAny(l, "\r\n\x00") || bytes.ContainsFunc(l, func(r rune) bool { return r > 127 }) {
			t.Errorf("line %q", l)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("%v in\n%s", err, content)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q, %v", m.Header.Get("Content-Type"), err)
	}
	bodies := map[string]string{}
	last := ""
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var decoded io.Reader
		switch e := p.Header.Get("Content-Transfer-Encoding"); e {
		case "base64":
			decoded = base64.NewDecoder(base64.StdEncoding, p)
		case "quoted-printable":
			decoded = quotedprintable.NewReader(p)
		default:
			t.Fatalf("transfer encoding %q", e)
		}
		b, err := io.ReadAll(decoded)
		if err != nil {
			t.Fatal(err)
		}
		var charset map[string]string
		if last, charset, err = mime.ParseMediaType(p.Header.Get("Content-Type")); err != nil || !strings.EqualFold(charset["charset"], "utf-8") {
			t.Errorf("part %q, %v", p.Header.Get("Content-Type"), err)
		}
		bodies[last] = strings.ReplaceAll(string(b), "\r\n", "\n")
	}
	if last != "text/html" {
		t.Errorf("the last alternative, which is shown, is %q", last)
	}
	return m.Header, bodies
}

func TestClient_Send(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	c := s.config()
	c.ReplyTo = "help@balagh.example"
	n := notice("noura@example.sa")
	n.Text.Title = "تمت معالجة بلاغك في مركز الاتصال الموحد، ونشكرك على حرصك وتعاونك مع المركز"
	n.Text.Body = "رقم البلاغ \u20681234567890\u2069 <عاجل> & انتهى.\n\nشكرًا لك."
	if o := client(t, c).Send(t.Context(), n); o != (push.Outcome{Answer: push.Taken, Ref: messageID}) {
		t.Fatalf("outcome %+v", o)
	}
	got := s.next(t, "mail")
	if got.Sender != "reports@balagh.example" || len(got.To) != 1 || got.To[0] != "noura@example.sa" || !got.TLS {
		t.Errorf("envelope %+v", got)
	}
	header, bodies := read(t, got.Content)
	decode := func(name string) string {
		text, err := new(mime.WordDecoder).DecodeHeader(header.Get(name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return text
	}
	if subject := decode("Subject"); subject != n.Text.Title {
		t.Errorf("subject %q", subject)
	}
	for name, want := range map[string]mail.Address{"From": {Name: "بلاغ", Address: "reports@balagh.example"},
		"To": {Name: "نورة القحطاني", Address: "noura@example.sa"}, "Reply-To": {Address: "help@balagh.example"}} {
		if a, err := header.AddressList(name); err != nil || len(a) != 1 || *a[0] != want {
			t.Errorf("%s: %q, %v", name, header.Get(name), err)
		}
	}
	for name, want := range map[string]string{"Message-Id": messageID, "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All",
		"Content-Language": "ar", "Mime-Version": "1.0", "User-Agent": "", "X-Mailer": ""} {
		if have := header.Get(name); have != want {
			t.Errorf("%s: %q; want %q", name, have, want)
		}
	}
	if date, err := header.Date(); err != nil || time.Since(date).Abs() > time.Hour {
		t.Errorf("date %v, %v", date, err)
	}
	if bodies["text/plain"] != n.Text.Body+"\n" {
		t.Errorf("text %q", bodies["text/plain"])
	}
	html := bodies["text/html"]
	for _, want := range []string{`<html lang="ar" dir="rtl">`, `lang="ar" dir="rtl">` + "\n<h1>" + n.Text.Title, "<title>" + n.Text.Title,
		"<p>رقم البلاغ <bdi>1234567890</bdi> &lt;عاجل&gt; &amp; انتهى.</p>", "<p>شكرًا لك.</p>", `content="light dark"`} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is not in\n%s", want, html)
		}
	}
	for _, remote := range []string{"http:", "https:", "src=", "url(", "\u2068"} {
		if strings.Contains(html, remote) {
			t.Errorf("%q is in\n%s", remote, html)
		}
	}
}

func TestClient_Send_languages(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	c := client(t, s.config())
	texts := map[string]string{"ar": "البلاغ \u20681234567890\u2069 بانتظارك", "en": "Report \u20681234567890\u2069 waits for you = 100 %",
		"ur": "شکایت \u20681234567890\u2069 آپ کی منتظر ہے"}
	for language, dir := range map[string]string{"ar": "rtl", "en": "ltr", "ur": "rtl"} {
		n := notice("noura@example.sa")
		n.Language, n.Text = language, push.Text{Title: texts[language], Body: texts[language]}
		if o := c.Send(t.Context(), n); o.Answer != push.Taken {
			t.Fatalf("%s: %+v", language, o)
		}
		header, bodies := read(t, s.next(t, "mail").Content)
		if header.Get("Content-Language") != language || !strings.Contains(bodies["text/html"], `<html lang="`+language+`" dir="`+dir+`">`) ||
			!strings.Contains(bodies["text/html"], "<bdi>1234567890</bdi>") || strings.TrimSpace(bodies["text/plain"]) != n.Text.Body {
			t.Errorf("%s: %v\n%s", language, header, bodies["text/html"])
		}
	}
}

// What a person or an administrator wrote adds no header and no recipient.
func TestClient_Send_injection(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	c := client(t, s.config())
	evil := "x\r\nBcc: evil@example.com\r\n\r\nbody\u2028<script>alert(1)</script>"
	n := notice("noura@example.sa")
	n.Name, n.Text, n.Delivery = evil, push.Text{Title: evil, Body: evil + "\r\n.\r\nQUIT"}, evil
	if o := c.Send(t.Context(), n); o.Answer != push.Taken || strings.ContainsAny(o.Ref, "\r\n") {
		t.Fatalf("outcome %+v", o)
	}
	got := s.next(t, "mail")
	header, bodies := read(t, got.Content)
	if len(got.To) != 1 || header.Get("Bcc") != "" || len(header["To"]) != 1 || strings.Contains(bodies["text/html"], "<script") {
		t.Errorf("envelope %v, header %v\n%s", got.To, header, bodies["text/html"])
	}
	if a, err := header.AddressList("To"); err != nil || len(a) != 1 || strings.ContainsAny(a[0].Name, "\r\n\u2028") {
		t.Errorf("to %q, %v", header.Get("To"), err)
	}
	for _, to := range []string{"", "noura", "noura@example.sa\r\nBcc: evil@example.com", "Noura <noura@example.sa>", "a@example.sa, b@example.sa",
		"a@example.sa>\r\nRCPT TO:<b@example.sa", `"a b"@example.sa`, "a@example.sa (x)", "noura@example.sa ", "<noura@example.sa>"} {
		if o := c.Send(t.Context(), notice(to)); o != (push.Outcome{Answer: push.Refused, Reason: "bad_address"}) {
			t.Errorf("%q: %+v", to, o)
		}
	}
	if all := s.rest(); count(all, "rcpt") != 0 {
		t.Errorf("the server was asked: %+v", all)
	}
}

func TestClient_Send_answers(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	c := client(t, s.config())
	for _, k := range []struct {
		to   string
		want push.Outcome
	}{
		{"code421", push.Outcome{Reason: "busy"}},
		{"code450", push.Outcome{Reason: "busy"}},
		{"code452", push.Outcome{Reason: "busy"}},
		{"code530", push.Outcome{Reason: "unauthorized"}},
		{"code550", push.Outcome{Answer: push.Refused, Reason: "bad_address"}},
		{"code551", push.Outcome{Answer: push.Refused, Reason: "bad_address"}},
		{"code553", push.Outcome{Answer: push.Refused, Reason: "bad_address"}},
		{"code552", push.Outcome{Answer: push.Refused, Reason: "mailbox_full"}},
		{"code554", push.Outcome{Answer: push.Refused, Reason: "rejected"}},
		{"data451", push.Outcome{Reason: "busy"}},
		{"data552", push.Outcome{Answer: push.Refused, Reason: "rejected"}},
		{"data554", push.Outcome{Answer: push.Refused, Reason: "rejected"}},
		{"cut", push.Outcome{Reason: "unreachable"}},
		{"greylisted", push.Outcome{Reason: "busy"}},
		{"greylisted", push.Outcome{Answer: push.Taken, Ref: messageID}},
	} {
		if got := c.Send(t.Context(), notice(k.to+"@example.sa")); got != k.want {
			t.Errorf("%s: %+v; want %+v", k.to, got, k.want)
		}
		if e := s.next(t, "rcpt"); e.Text != k.to+"@example.sa" { // one attempt for each Send
			t.Errorf("%s: the server was asked for %s", k.to, e.Text)
		}
	}
	if all := s.rest(); count(all, "rcpt") != 0 || count(all, "mail") != 1 {
		t.Errorf("more came: %+v", all)
	}
}

func TestClient_Send_senderRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, options{"sender": "550 not you"})
	if o := client(t, s.config()).Send(t.Context(), notice("noura@example.sa")); o != (push.Outcome{Reason: "sender_refused"}) {
		t.Errorf("outcome %+v", o)
	}
}

// The context ends an attempt, wherever it hangs.
func TestClient_Send_hangs(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	silent := s.config()
	silent.Port = mute.Addr().(*net.TCPAddr).Port
	implicit := silent
	implicit.TLS = email.Implicit
	for _, k := range []struct {
		name string
		conf email.Config
		to   string
	}{
		{"no greeting", silent, "noura"},
		{"no handshake", implicit, "noura"},
		{"after RCPT", s.config(), "hang"},
		{"after the mail", s.config(), "hangafter"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		began := time.Now()
		if o := client(t, k.conf).Send(ctx, notice(k.to+"@example.sa")); o != (push.Outcome{Reason: "timeout"}) {
			t.Errorf("%s: %+v", k.name, o)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: took %v", k.name, took)
		}
		cancel()
	}
	c := s.config()
	c.Timeout = 200 * time.Millisecond // without a deadline of the caller's
	if o := client(t, c).Send(t.Context(), notice("hang@example.sa")); o != (push.Outcome{Reason: "timeout"}) {
		t.Errorf("own limit: %+v", o)
	}
}

func TestClient_Send_outOfReach(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	s.kill()
	if o := client(t, s.config()).Send(t.Context(), notice("noura@example.sa")); o != (push.Outcome{Reason: "unreachable"}) {
		t.Errorf("outcome %+v", o)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	go func() {
		for {
			c, err := busy.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "421 too many connections\r\n")
			_ = c.Close()
		}
	}()
	c := s.config()
	c.Port = busy.Addr().(*net.TCPAddr).Port
	if o := client(t, c).Send(t.Context(), notice("noura@example.sa")); o != (push.Outcome{Reason: "busy"}) {
		t.Errorf("a busy server: %+v", o)
	}
}

// Nothing is sent in clear text, and nothing to a server that cannot prove who it is.
func TestClient_Send_TLS(t *testing.T) {
	t.Parallel()
	clear := serve(t, options{"mode": "none"})
	if o := client(t, clear.config()).Send(t.Context(), notice("noura@example.sa")); o != (push.Outcome{Reason: "tls_missing"}) {
		t.Errorf("without STARTTLS: %+v", o)
	}
	if all := clear.rest(); count(all, "rcpt")+count(all, "auth") != 0 {
		t.Errorf("the server was told: %+v", all)
	}
	cert, key := certificate(t, "192.0.2.1")
	for _, mode := range []string{email.StartTLS, email.Implicit} {
		s := serve(t, options{"mode": mode})
		c := s.config()
		c.TLS = mode
		if o := client(t, c).Send(t.Context(), notice("noura@example.sa")); o.Answer != push.Taken {
			t.Errorf("%s: %+v", mode, o)
		}
		if m := s.next(t, "mail"); !m.TLS {
			t.Errorf("%s: in clear text", mode)
		}
		c.CAFile = ""
		if o := client(t, c).Send(t.Context(), notice("noura@example.sa")); o != (push.Outcome{Reason: "certificate"}) {
			t.Errorf("%s, unknown authority: %+v", mode, o)
		}
		other := serve(t, options{"mode": mode, "cert": cert, "key": key})
		c = other.config()
		c.TLS = mode
		if o := client(t, c).Send(t.Context(), notice("noura@example.sa")); o != (push.Outcome{Reason: "certificate"}) {
			t.Errorf("%s, another's certificate: %+v", mode, o)
		}
	}
	dev := serve(t, options{"mode": "none"})
	c := dev.config()
	c.TLS, c.Dev = email.None, true
	if o := client(t, c).Send(t.Context(), notice("noura@example.sa")); o.Answer != push.Taken {
		t.Errorf("in development: %+v", o)
	}
}

func TestClient_Send_signsIn(t *testing.T) {
	t.Parallel()
	for _, k := range []struct{ mode, without, want string }{
		{email.StartTLS, "", "PLAIN"}, {email.StartTLS, "PLAIN", "LOGIN"}, {email.Implicit, "", "PLAIN"},
	} {
		t.Run(k.mode+" without "+k.without, func(t *testing.T) {
			t.Parallel()
			s := serve(t, options{"mode": k.mode, "without": k.without, "user": "balagh", "password": "secret"})
			c := s.config()
			c.TLS, c.Username, c.Password = k.mode, "balagh", "secret"
			if o := client(t, c).Send(t.Context(), notice("noura@example.sa")); o.Answer != push.Taken {
				t.Errorf("outcome %+v", o)
			}
			if e := s.next(t, "auth"); e.Text != k.want || !e.TLS {
				t.Errorf("signed in with %+v; want %s", e, k.want)
			}
			c.Password = "wrong"
			if o := client(t, c).Send(t.Context(), notice("noura@example.sa")); o != (push.Outcome{Reason: "unauthorized"}) {
				t.Errorf("wrong password: %+v", o)
			}
			c.Username, c.Password = "", ""
			if o := client(t, c).Send(t.Context(), notice("noura@example.sa")); o != (push.Outcome{Reason: "unauthorized"}) {
				t.Errorf("not signed in: %+v", o)
			}
		})
	}
	s := serve(t, options{})
	c := s.config()
	c.Username, c.Password = "balagh", "secret"
	if o := client(t, c).Send(t.Context(), notice("noura@example.sa")); o != (push.Outcome{Reason: "unauthorized"}) {
		t.Errorf("a server that signs nobody in: %+v", o)
	}
}

func TestClient_Send_letters(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	c := client(t, s.config())
	for to, want := range map[string]bool{"noura@example.sa": false, "نورة@example.sa": true} {
		if o := c.Send(t.Context(), notice(to)); o.Answer != push.Taken {
			t.Fatalf("outcome %+v", o)
		}
		m := s.next(t, "mail")
		if strings.Contains(strings.Join(m.Options, " "), "SMTPUTF8") != want || m.To[0] != to {
			t.Errorf("%s: to %v with %v", to, m.To, m.Options)
		}
	}
}
