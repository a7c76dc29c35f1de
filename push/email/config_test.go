package email_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/email"
)

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*email.Config)
		want   string
	}{
		{"no host", func(c *email.Config) { c.Host = "" }, "BALAGH_SMTP_HOST"},
		{"host with port", func(c *email.Config) { c.Host = "smtp.example.sa:587" }, "BALAGH_SMTP_HOST"},
		{"URL", func(c *email.Config) { c.Host = "smtp://smtp.example.sa" }, "BALAGH_SMTP_HOST"},
		{"negative port", func(c *email.Config) { c.Port = -1 }, "BALAGH_SMTP_PORT"},
		{"port too large", func(c *email.Config) { c.Port = 65536 }, "BALAGH_SMTP_PORT"},
		{"no sender", func(c *email.Config) { c.From = "" }, "BALAGH_SMTP_FROM"},
		{"sender without address", func(c *email.Config) { c.From = "Balagh" }, "BALAGH_SMTP_FROM"},
		{"sender with a header", func(c *email.Config) { c.From = "Balagh\r\nBcc: a@example.sa <b@example.sa>" }, "BALAGH_SMTP_FROM"},
		{"two senders", func(c *email.Config) { c.From = "a@example.sa, b@example.sa" }, "BALAGH_SMTP_FROM"},
		{"reply to nobody", func(c *email.Config) { c.ReplyTo = "nobody" }, "BALAGH_SMTP_REPLY_TO"},
		{"user without password", func(c *email.Config) { c.Username = "balagh" }, "BALAGH_SMTP_PASSWORD"},
		{"password without user", func(c *email.Config) { c.Password = "secret" }, "BALAGH_SMTP_USERNAME"},
		{"another encryption", func(c *email.Config) { c.TLS = "ssl" }, "BALAGH_SMTP_TLS"},
		{"clear text", func(c *email.Config) { c.TLS = email.None }, "BALAGH_SMTP_TLS=none"},
		{"password in clear text", func(c *email.Config) { c.TLS, c.Dev, c.Username, c.Password = email.None, true, "a", "b" }, "BALAGH_SMTP_TLS=none"},
		{"no authority", func(c *email.Config) { c.CAFile = text + "s" }, "BALAGH_SMTP_CA_FILE"},
		{"an authority that is none", func(c *email.Config) { c.CAFile = text }, "BALAGH_SMTP_CA_FILE"},
		{"hello with a command", func(c *email.Config) { c.Hello = "a\r\nQUIT" }, "BALAGH_SMTP_HELLO"},
	} {
		conf := email.Config{Host: "smtp.example.sa", From: "Balagh <reports@example.sa>"}
		if _, err := email.New(conf); err != nil {
			t.Fatal(err)
		}
		c.change(&conf)
		if _, err := email.New(conf); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v; want %q in it", c.name, err, c.want)
		}
	}
}

// Whatever is in a notice, the mail has the headers that it should have, once, and nobody else gets it.
func FuzzClient_message(f *testing.F) {
	f.Add("noura@example.sa", "نورة", "تمت معالجة بلاغك", "رقم \u20681234567890\u2069\r\n.\r\n", "ar", "0193fa66")
	f.Add("a@example.sa>\r\nRCPT TO:<b@example.sa", "x\r\nBcc: y@example.sa", "x\r\n\r\nbody", "\u2068\u2068\u2069", "ur\r\nX: y", "a@b>\r\nX: y")
	c, err := email.New(email.Config{Host: "smtp.example.sa", From: "reports@balagh.example"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, to, name, title, body, language, id string) {
		n := push.Notice{To: to, Name: name, Language: language, Text: push.Text{Title: title, Body: body}, Delivery: id}
		content, err := email.Written(c, n)
		if err != nil || strings.IndexFunc(to, func(r rune) bool { return r > 127 }) >= 0 { // which SMTPUTF8 is for
			return
		}
		header, bodies := read(t, content)
		for name, values := range header {
			if len(values) != 1 || !strings.Contains(" From To Subject Date Message-Id Mime-Version Content-Type Content-Language Auto-Submitted "+
				"X-Auto-Response-Suppress ", " "+name+" ") {
				t.Errorf("%s: %q", name, values)
			}
		}
		if all, err := header.AddressList("To"); err != nil || len(all) != 1 || all[0].Address != to {
			t.Errorf("to %q: %v, %v", to, all, err)
		}
		if len(bodies) != 2 {
			t.Errorf("bodies %q", bodies)
		}
	})
}
