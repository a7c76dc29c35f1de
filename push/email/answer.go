package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/balagh/balagh/push"
)

// The reasons of an outcome.
const (
	unreachable   = "unreachable"
	timedOut      = "timeout"
	busy          = "busy" // a greylisting server says so too
	certificate   = "certificate"
	withoutTLS    = "tls_missing"
	unauthorized  = "unauthorized"
	senderRefused = "sender_refused"
	badAddress    = "bad_address"
	mailboxFull   = "mailbox_full"
	rejected      = "rejected"
	unwritable    = "cannot_be_written"
)

// unconnected is the outcome when no mail was tried. It is never the message's fault, so it always is push.Later: a wrong
// password must not burn messages.
func unconnected(ctx context.Context, err error) push.Outcome {
	var answer *textproto.Error
	switch {
	case errors.Is(err, smtp.ErrUnencrypted), strings.Contains(err.Error(), "does not support STARTTLS"):
		return push.Outcome{Reason: withoutTLS}
	case distrusted(err):
		return push.Outcome{Reason: certificate}
	case errors.Is(err, errNoLogin), strings.Contains(err.Error(), "SMTP AUTH failed"):
		return push.Outcome{Reason: unauthorized}
	case errors.As(err, &answer):
		return push.Outcome{Reason: waiting(answer.Code)}
	}
	return push.Outcome{Reason: network(ctx, err)}
}

// unsent is the outcome when the server did not take the mail (RFC 5321, 4.2.3). To RCPT, 554 is about policy, such as
// relaying that is not allowed, and not about the address.
func unsent(ctx context.Context, err error) push.Outcome {
	var e *gomail.SendError
	if !errors.As(err, &e) || e.ErrorCode() == 0 {
		return push.Outcome{Reason: network(ctx, err)}
	}
	code := e.ErrorCode()
	switch {
	case code < 500, loginWanted(code):
		return push.Outcome{Reason: waiting(code)}
	case e.Reason == gomail.ErrSMTPMailFrom: // our own address: no fault of this message
		return push.Outcome{Reason: senderRefused}
	case code == 552 && e.Reason == gomail.ErrSMTPRcptTo:
		return push.Outcome{Answer: push.Refused, Reason: mailboxFull}
	case code != 554 && e.Reason == gomail.ErrSMTPRcptTo:
		return push.Outcome{Answer: push.Refused, Reason: badAddress}
	}
	return push.Outcome{Answer: push.Refused, Reason: rejected}
}

// loginWanted says whether an answer is about signing in (RFC 4954, 6).
func loginWanted(code int) bool { return code == 530 || code == 534 || code == 535 || code == 538 }

// waiting is why to try again after an answer.
func waiting(code int) string {
	switch {
	case loginWanted(code):
		return unauthorized
	case code >= 400 && code < 500:
		return busy
	}
	return unreachable // such as 554 for a greeting: this server does not serve us
}

func network(ctx context.Context, err error) string {
	var n net.Error
	if ctx.Err() != nil || errors.As(err, &n) && n.Timeout() {
		return timedOut
	}
	if s := (*gomail.SendError)(nil); errors.As(err, &s) && strings.Contains(s.Error(), "i/o timeout") {
		return timedOut // the library's error hides the one that it was made of
	}
	return unreachable
}

// distrusted says whether the server could not prove who it is.
func distrusted(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		name         x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &name) || errors.As(err, &invalid)
}
