package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

const (
	maxIdle  = 4                // connections that are kept while nothing is sent
	idleFor  = 30 * time.Second // less than any server waits
	maxMails = 50               // on one connection: many servers end it at 100
	parting  = 2 * time.Second  // for the server's answer to QUIT
)

// connection to the server, greeted, encrypted and signed in.
type connection struct {
	mail  *gomail.Client
	smtp  *smtp.Client
	raw   net.Conn
	mails int
	timer *time.Timer // while it is kept
}

// within makes the connection break when ctx ends: the library renews deadlines by itself and knows no context. The
// returned function ends that, and reports whether the connection is whole.
func (k *connection) within(ctx context.Context) (finish func() bool) {
	return context.AfterFunc(ctx, k.cut)
}

// cut ends the connection at once, whatever goes on on it.
func (k *connection) cut() { _ = k.raw.Close() }

// quit takes leave of the server.
func (k *connection) quit() {
	if k.smtp.UpdateDeadline(parting) == nil {
		_ = k.smtp.Quit()
	}
	k.cut()
}

// alive asks the server whether a kept connection can still be used.
func (k *connection) alive(ctx context.Context, timeout time.Duration) bool {
	finish := k.within(ctx)
	err := k.smtp.UpdateDeadline(timeout) // the one of the last mail is over
	if err == nil {
		err = k.smtp.Noop()
	}
	return finish() && err == nil
}

// connect is a kept connection that is alive, or a new one. Until here the server was told of no mail.
func (c *Client) connect(ctx context.Context) (*connection, error) {
	for k := c.kept.take(); k != nil; k = c.kept.take() {
		if k.alive(ctx, c.timeout) {
			k.mails++
			return k, nil
		}
		k.cut()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return c.dial(ctx)
}

// dial opens a connection. The library leaves one open on which it did not get as far as to send, so it is closed here.
func (c *Client) dial(ctx context.Context) (*connection, error) {
	k := &connection{mails: 1}
	finish := func() bool { return true }
	open := func(dialing context.Context, network, address string) (net.Conn, error) {
		raw, err := (&net.Dialer{}).DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		k.raw = raw
		finish = k.within(ctx)
		if c.mode != Implicit {
			return raw, nil
		}
		t := tls.Client(raw, c.tls)
		return t, t.HandshakeContext(dialing)
	}
	options := append(slices.Clone(c.options), gomail.WithDialContextFunc(open))
	if c.username != "" {
		options = append(options, gomail.WithSMTPAuthCustom(&login{user: c.username, password: c.password, host: c.host}))
	}
	var err error
	if k.mail, err = gomail.NewClient(c.host, options...); err != nil {
		return nil, err
	}
	k.smtp, err = k.mail.DialToSMTPClientWithContext(ctx)
	if whole := finish(); err == nil && !whole {
		err = ctx.Err()
	}
	if err != nil {
		if k.raw != nil {
			k.cut()
		}
		return nil, err
	}
	return k, nil
}

// kept are the connections that wait for the next mail. The last one in is the first one out, so that a quiet hour leaves
// none.
type kept struct {
	most int
	rest time.Duration

	mu     sync.Mutex
	idle   []*connection
	closed bool
	last   sync.WaitGroup // those that take leave by themselves
}

func (p *kept) take() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	k := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	k.timer.Stop() // should it be too late for that, drop does not find k
	return k
}

func (p *kept) put(k *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed: // close may wait for the others already
		go k.quit()
	case len(p.idle) >= p.most, k.mails >= maxMails:
		p.last.Go(k.quit)
	default:
		p.idle = append(p.idle, k)
		k.timer = time.AfterFunc(p.rest, func() { p.drop(k) })
	}
}

// drop takes leave on a connection that waited too long.
func (p *kept) drop(k *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.idle, k); i >= 0 && !p.closed {
		p.idle = slices.Delete(p.idle, i, i+1)
		p.last.Go(k.quit)
	}
}

func (p *kept) close() {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, k := range idle {
		k.timer.Stop()
		p.last.Go(k.quit)
	}
	p.last.Wait()
}

// login signs in with what the server offers, PLAIN first, on one connection. Both ways show the password to the server, so
// they refuse a connection that is not encrypted. The library's own choice does not know that an implicit connection is.
type login struct {
	user, password, host string
	smtp.Auth            // what was chosen
}

var errNoLogin = errors.New("the mail server offers no way to sign in that is known here")

func (l *login) Start(s *smtp.ServerInfo) (string, []byte, error) {
	switch {
	case !s.TLS:
		return "", nil, smtp.ErrUnencrypted
	case slices.Contains(s.Auth, "PLAIN"):
		l.Auth = smtp.PlainAuth("", l.user, l.password, l.host, false)
	case slices.Contains(s.Auth, "LOGIN"):
		l.Auth = smtp.LoginAuth(l.user, l.password, l.host, false)
	default:
		return "", nil, errNoLogin
	}
	return l.Auth.Start(s)
}
