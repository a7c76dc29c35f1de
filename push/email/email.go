// Package email sends notices as e-mail through one SMTP server with go-mail. It is the only importer of it.
//
// One Send is one attempt: when and how often to try again is the Sender's. A mail has the same Message-ID at each attempt,
// so that one that was taken twice is recognised. The package knows no people and no store, and neither an address nor a
// text appears in an outcome or in an error.
package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/balagh/balagh/push"
)

// How a connection is encrypted.
const (
	StartTLS = "starttls" // mandatory: a server that does not offer it gets no mail
	Implicit = "implicit" // from the first byte
	None     = "none"     // for development
)

var ports = map[string]int{StartTLS: 587, Implicit: 465, None: 25}

// Config of the client. New says what is wrong with it by the name of the setting.
type Config struct {
	Host     string        // BALAGH_SMTP_HOST
	Port     int           // BALAGH_SMTP_PORT; 587 with starttls, 465 with implicit, 25 with none when 0
	Username string        // BALAGH_SMTP_USERNAME; empty to send without signing in
	Password string        // BALAGH_SMTP_PASSWORD
	From     string        // BALAGH_SMTP_FROM: "Name <address>" or an address
	ReplyTo  string        // BALAGH_SMTP_REPLY_TO; likewise, may be empty
	TLS      string        // BALAGH_SMTP_TLS: StartTLS when empty
	CAFile   string        // BALAGH_SMTP_CA_FILE: certificates in PEM to trust instead of the machine's
	Hello    string        // BALAGH_SMTP_HELLO: how it introduces itself; the domain of From when empty
	Timeout  time.Duration // BALAGH_SMTP_TIMEOUT: of a connection, and of each step on it; 10 seconds when 0
	Dev      bool          // development mode
}

// Client is a push.Channel.
type Client struct {
	from     *mail.Address
	replyTo  *mail.Address // nil for none
	domain   string        // of from
	host     string
	mode     string // StartTLS, Implicit or None
	tls      *tls.Config
	username string // empty to send without signing in
	password string
	timeout  time.Duration
	options  []gomail.Option
	kept     kept
}

var _ push.Channel = (*Client)(nil)

// New is a client; it does not connect. A half or wrongly configured one is refused with a sentence that names the setting.
func New(c Config) (*Client, error) {
	if c.TLS == "" {
		c.TLS = StartTLS
	}
	if c.Port == 0 {
		c.Port = ports[c.TLS]
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	from, err := sender("BALAGH_SMTP_FROM", c.From)
	if err != nil {
		return nil, err
	}
	client := &Client{from: from, domain: from.Address[strings.LastIndexByte(from.Address, '@')+1:], host: c.Host, mode: c.TLS,
		username: c.Username, password: c.Password, timeout: c.Timeout, kept: kept{most: maxIdle, rest: idleFor}}
	if c.ReplyTo != "" {
		if client.replyTo, err = sender("BALAGH_SMTP_REPLY_TO", c.ReplyTo); err != nil {
			return nil, err
		}
	}
	if client.tls, err = c.trust(); err != nil {
		return nil, err
	}
	if c.Hello == "" {
		c.Hello = client.domain
	}
	client.options = c.options(client.tls)
	if _, err := gomail.NewClient(c.Host, client.options...); err != nil {
		return nil, fmt.Errorf("set up e-mail: %w", err)
	}
	return client, nil
}

// check finds what is missing or does not go together.
func (c Config) check() error {
	switch {
	case c.Host == "":
		return errors.New("there is no mail server: set BALAGH_SMTP_HOST to its name, such as smtp.example.sa")
	case strings.ContainsAny(c.Host, ":/@ \t\r\n"):
		return errors.New("BALAGH_SMTP_HOST is a name only, such as smtp.example.sa; the port goes into BALAGH_SMTP_PORT")
	case ports[c.TLS] == 0:
		return errors.New("BALAGH_SMTP_TLS must be starttls, implicit or, with --dev, none")
	case c.TLS == None && !c.Dev:
		return errors.New("BALAGH_SMTP_TLS=none sends mail in clear text: it is for --dev only, use starttls or implicit")
	case c.Port < 1 || c.Port > 65535:
		return errors.New("BALAGH_SMTP_PORT must be between 1 and 65535, such as 587")
	case c.From == "":
		return errors.New(`mail has no sender: set BALAGH_SMTP_FROM, such as "Balagh <reports@example.sa>"`)
	case c.Username != "" && c.Password == "":
		return errors.New("BALAGH_SMTP_USERNAME is set without BALAGH_SMTP_PASSWORD")
	case c.Username == "" && c.Password != "":
		return errors.New("BALAGH_SMTP_PASSWORD is set without BALAGH_SMTP_USERNAME")
	case c.Username != "" && c.TLS == None:
		return errors.New("BALAGH_SMTP_TLS=none would show the password to the network: leave BALAGH_SMTP_USERNAME empty, or use starttls")
	case strings.ContainsAny(c.Hello, " \t\r\n"):
		return errors.New("BALAGH_SMTP_HELLO must be a host name, such as mail.example.sa")
	}
	return nil
}

// sender is the address that a setting holds.
func sender(setting, value string) (*mail.Address, error) {
	a, err := mail.ParseAddress(value)
	if err != nil || !plain(a.Address) || !ascii(a.Address) || strings.ContainsFunc(a.Name, control) {
		return nil, fmt.Errorf(`%s is no address: it must be such as "Balagh <reports@example.sa>"`, setting)
	}
	return a, nil
}

func (c Config) trust() (*tls.Config, error) {
	t := &tls.Config{ServerName: c.Host, MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read BALAGH_SMTP_CA_FILE: %w", err)
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("BALAGH_SMTP_CA_FILE: there is no certificate in PEM in %s", c.CAFile)
	}
	return t, nil
}

func (c Config) options(t *tls.Config) []gomail.Option {
	policy := gomail.NoTLS // also with Implicit, whose connections are encrypted when the library gets them
	if c.TLS == StartTLS {
		policy = gomail.TLSMandatory
	}
	// NOOP and RSET around every mail would double its round trips: only a kept connection is asked whether it is alive.
	return []gomail.Option{gomail.WithPort(c.Port), gomail.WithTimeout(c.Timeout), gomail.WithTLSPolicy(policy), gomail.WithTLSConfig(t),
		gomail.WithHELO(c.Hello), gomail.WithoutNoop(), gomail.WithoutRset()}
}

// Send makes one attempt.
func (c *Client) Send(ctx context.Context, n push.Notice) push.Outcome {
	m, id, err := c.message(n)
	if errors.Is(err, errAddress) {
		return push.Outcome{Answer: push.Refused, Reason: badAddress}
	}
	if err != nil {
		return push.Outcome{Answer: push.Refused, Reason: unwritable}
	}
	k, err := c.connect(ctx)
	if err != nil {
		return unconnected(ctx, err)
	}
	k.smtp.SkipSMTPUTF8(ascii(n.To)) // whoever asks for it without need is refused by a relay further on that lacks it
	finish := k.within(ctx)
	err = k.mail.SendWithSMTPClient(k.smtp, m)
	whole := finish()
	if !m.IsDelivered() {
		k.cut()
		return unsent(ctx, err)
	}
	if err == nil && whole {
		c.kept.put(k)
	} else {
		k.cut()
	}
	return push.Outcome{Answer: push.Taken, Ref: id}
}

// Close ends the connections that are kept. Send works afterwards, but keeps none.
func (c *Client) Close() error {
	c.kept.close()
	return nil
}
