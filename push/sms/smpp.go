package sms

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/linxGnu/gosmpp"
	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"github.com/balagh/balagh/push"
)

const (
	firstRebind    = time.Second // full jitter, doubled
	longestRebind  = time.Minute
	unbindWait     = 5 * time.Second // for what is under way at the end, and the word of goodbye
	maxParts       = 255             // of one text: a count of one octet
	maxSystemID    = 15              // characters, as the protocol has it
	maxSystemType  = 12
	maxSenderName  = 11
	maxSenderDigit = 15
	shortCode      = 6 // digits that a number of a network's own has at the most
)

// reasonNotBound is the reason of an attempt while there is no session with the SMS centre.
const reasonNotBound = "not_bound"

// SMPPConfig of a connection to an SMS centre.
type SMPPConfig struct {
	Address    string // host:port
	SystemID   string
	Password   string
	SystemType string        // may be empty
	Sender     string        // a name of up to 11 characters, a short code, or a number
	TLS        bool          // otherwise the link itself has to be private
	Window     int           // submissions that may wait for their answer at once; 10 when 0
	Timeout    time.Duration // of a connection attempt and of each answer; 10 seconds when 0
	Alive      time.Duration // between enquiries whether the centre is still there; 30 seconds when 0
	// OnReceipt gets what the centre says of a text later. fault.NotFound makes the centre say it again: the text may not be
	// settled yet; fault.Exists is as good as nil.
	OnReceipt func(push.Receipt) error
	Log       *slog.Logger // nil for none
}

// SMPP sends to an SMS centre over SMPP 3.4, as a transceiver. It is a push.Channel; while Run has no session with the centre, each
// attempt ends as Later.
//
// A text that takes several segments goes out as a concatenated message, one submission after the other; the receipt is asked
// for with the last of them, under whose name the text is known. A notice without a Delivery, such as a code, asks for none.
type SMPP struct {
	config SMPPConfig
	source pdu.Address
	tls    *tls.Config
	window chan struct{}
	wait   func(ctx context.Context, d time.Duration) error
	refs   recent

	mu      sync.Mutex
	session *session // nil while there is none
	why     string   // there is none
}

var _ push.Channel = (*SMPP)(nil)

// NewSMPP is a connection that Run opens. One that is half configured is refused with a sentence that names the setting.
func NewSMPP(c SMPPConfig) (*SMPP, error) {
	host, port, err := net.SplitHostPort(c.Address)
	switch {
	case err != nil || host == "" || port == "":
		return nil, errors.New("BALAGH_SMPP_ADDRESS must be the SMS centre's address as host:port")
	case c.SystemID == "" || len(c.SystemID) > maxSystemID || !printable(c.SystemID):
		return nil, fmt.Errorf("BALAGH_SMPP_SYSTEM_ID must be set, in up to %d characters, to the name that the SMS centre knows", maxSystemID)
	case c.Password == "" || !printable(c.Password):
		return nil, errors.New("BALAGH_SMPP_PASSWORD must be set, in plain characters")
	case len(c.SystemType) > maxSystemType || !printable(c.SystemType):
		return nil, fmt.Errorf("BALAGH_SMPP_SYSTEM_TYPE may have up to %d plain characters", maxSystemType)
	case c.Window < 0:
		return nil, errors.New("BALAGH_SMPP_WINDOW must not be negative")
	}
	source, err := sourceAddress(c.Sender)
	if err != nil {
		return nil, err
	}
	if c.Window == 0 {
		c.Window = 10
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Alive <= 0 {
		c.Alive = 30 * time.Second
	}
	if c.OnReceipt == nil {
		c.OnReceipt = func(push.Receipt) error { return nil }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	p := &SMPP{config: c, source: source, window: make(chan struct{}, c.Window), wait: pause, why: reasonNotBound}
	if c.TLS {
		p.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	}
	return p, nil
}

// sourceAddress is a sender with the type of number that its form has.
func sourceAddress(sender string) (pdu.Address, error) {
	digits := strings.TrimPrefix(sender, "+")
	numeric := digits != "" && strings.Trim(digits, "0123456789") == ""
	switch {
	case sender == "":
		return pdu.Address{}, errors.New("BALAGH_SMS_SENDER is not set: SMPP needs the sender that the SMS centre has registered")
	case numeric && len(digits) <= shortCode:
		return pdu.NewAddressWithTonNpiAddr(data.GSM_TON_NETWORK, data.GSM_NPI_UNKNOWN, digits)
	case numeric && len(digits) <= maxSenderDigit:
		return pdu.NewAddressWithTonNpiAddr(data.GSM_TON_INTERNATIONAL, data.GSM_NPI_E164, digits)
	case numeric || len(sender) > maxSenderName || !printable(sender):
		return pdu.Address{}, fmt.Errorf("BALAGH_SMS_SENDER must be a name of up to %d plain characters, a short code or an international number",
			maxSenderName)
	}
	return pdu.NewAddressWithTonNpiAddr(data.GSM_TON_ALPHANUMERIC, data.GSM_NPI_UNKNOWN, sender)
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// Run keeps a session with the SMS centre until ctx ends, opening it anew, in growing intervals, whenever it is lost or refused.
// It unbinds at the end, and returns when everything that it started has ended.
func (p *SMPP) Run(ctx context.Context) error {
	for fails := 0; ctx.Err() == nil; fails++ {
		s, err := p.bind(ctx)
		if err == nil {
			fails = 0
			p.config.Log.InfoContext(ctx, "bound to the SMS centre")
			p.use(s, "")
			err = s.serve(ctx, p.config.Alive, p.drain)
			p.use(nil, reasonUnreachable)
		} else {
			p.use(nil, bindReason(err))
		}
		if ctx.Err() != nil {
			break
		}
		p.config.Log.WarnContext(ctx, "no session with the SMS centre", "error", err)
		if p.wait(ctx, rand.N(min(firstRebind<<min(fails, 10), longestRebind))) != nil {
			break
		}
	}
	return nil
}

// drain lets no more texts go out and waits for the answers to those that did: without them they would go out again.
func (p *SMPP) drain(ctx context.Context) {
	p.use(nil, reasonNotBound)
	for range cap(p.window) {
		select {
		case p.window <- struct{}{}:
			defer func() { <-p.window }()
		case <-ctx.Done():
			return
		}
	}
}

// Bound says whether there is a session with the SMS centre.
func (p *SMPP) Bound() bool {
	s, _ := p.current()
	return s != nil
}

func (p *SMPP) current() (*session, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.session, p.why
}

func (p *SMPP) use(s *session, why string) {
	p.mu.Lock()
	p.session, p.why = s, why
	p.mu.Unlock()
}

// bind opens a session. The library's dialer knows no context and its reading of the answer no time limit: both are put upon
// the connection.
func (p *SMPP) bind(ctx context.Context) (*session, error) {
	stop := func() bool { return true }
	dial := func(address string) (net.Conn, error) {
		d := &net.Dialer{Timeout: p.config.Timeout}
		var c net.Conn
		var err error
		if p.tls == nil {
			c, err = d.DialContext(ctx, "tcp", address)
		} else {
			c, err = (&tls.Dialer{NetDialer: d, Config: p.tls}).DialContext(ctx, "tcp", address)
		}
		if err != nil {
			return nil, err
		}
		stop = context.AfterFunc(ctx, func() { _ = c.Close() })
		return c, c.SetDeadline(time.Now().Add(p.config.Timeout))
	}
	conn, err := gosmpp.TRXConnector(dial, gosmpp.Auth{SMSC: p.config.Address, SystemID: p.config.SystemID, Password: p.config.Password,
		SystemType: p.config.SystemType}).Connect()
	interrupted := !stop()
	switch {
	case err != nil:
		return nil, fmt.Errorf("bind to the SMS centre: %w", err)
	case interrupted:
		return nil, ctx.Err() // the connection is closed
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("bind to the SMS centre: %w", err)
	}
	return newSession(conn, p.config.Timeout, p.receipt), nil
}

func bindReason(err error) string {
	refused, ok := errors.AsType[gosmpp.BindError](err)
	switch {
	case !ok:
		return reasonUnreachable
	case refused.CommandStatus == data.ESME_RTHROTTLED, refused.CommandStatus == data.ESME_RSYSERR, refused.CommandStatus == data.ESME_RALYBND:
		return reasonUnavailable
	}
	return reasonCredentials
}

// Send makes one attempt: one submission of each segment, each when the one before was taken. Segments of an earlier attempt are
// told by the same reference, so a phone that has them shows the text once.
func (p *SMPP) Send(ctx context.Context, n push.Notice) push.Outcome {
	to, err := Number(n.To)
	if err != nil {
		return push.Outcome{Answer: push.Refused, Reason: reasonNumber}
	}
	parts, encoding := segment(n.Text.Body)
	if len(parts) == 0 || len(parts) > maxParts {
		return push.Outcome{Answer: push.Refused, Reason: reasonText}
	}
	s, why := p.current()
	if s == nil {
		return push.Outcome{Reason: why}
	}
	select {
	case p.window <- struct{}{}:
		defer func() { <-p.window }()
	case <-ctx.Done():
		return push.Outcome{Reason: reasonTimeout}
	}
	reference := byte(crc32.ChecksumIEEE([]byte(n.Delivery + n.Text.Body)))
	for i, part := range parts {
		m, err := p.submission(to, part, encoding)
		if err != nil {
			return push.Outcome{Answer: push.Refused, Reason: reasonText}
		}
		if len(parts) > 1 {
			m.EsmClass |= data.SM_UDH_GSM // the library sets the header, but does not say that there is one
			m.Message.SetUDH(pdu.UDH{pdu.NewIEConcatMessage(byte(len(parts)), byte(i+1), reference)})
		}
		if i == len(parts)-1 && n.Delivery != "" {
			m.RegisteredDelivery = 1
		}
		o := s.submit(ctx, m)
		if o.Answer != push.Taken || i == len(parts)-1 {
			p.refs.add(o.Ref)
			return o
		}
	}
	return push.Outcome{} // not reached: there is a last part
}

func (p *SMPP) submission(to string, part []byte, encoding string) (*pdu.SubmitSM, error) {
	m := pdu.NewSubmitSM().(*pdu.SubmitSM)
	m.SourceAddr = p.source
	var err error
	if m.DestAddr, err = pdu.NewAddressWithTonNpiAddr(data.GSM_TON_INTERNATIONAL, data.GSM_NPI_E164, to); err != nil {
		return nil, err
	}
	coding := data.GSM7BIT
	if encoding == UCS2 {
		coding = data.UCS2
	}
	return m, m.Message.SetMessageDataWithEncoding(part, coding)
}

// SendCode sends a one-time code to a number in E.164, in the language, in up to three attempts.
func (p *SMPP) SendCode(ctx context.Context, phone, language, code string) error {
	return sendCode(ctx, p, p.wait, phone, language, code)
}
