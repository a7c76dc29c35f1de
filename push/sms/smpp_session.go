package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/linxGnu/gosmpp"
	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"github.com/balagh/balagh/push"
)

// maxReceipts are worked on at once; what comes beyond them is to come again.
const maxReceipts = 64

var (
	errEnded   = errors.New("the session ended")
	errUnbound = errors.New("the SMS centre unbound")
)

// session is one bound connection. It takes the library's PDUs and connection, but not its Session: that one cannot be stopped
// while it rebinds, leaves a goroutine behind for its window, may wait a read time-out long for its own end, and answers a receipt before
// anybody has kept it.
type session struct {
	conn    *gosmpp.Connection
	timeout time.Duration // of writing, and of waiting for an answer
	receipt func(*pdu.DeliverSM) data.CommandStatusType

	writing sync.Mutex
	mu      sync.Mutex
	waiting map[int32]chan pdu.PDU // for the answer to the request of that sequence number
	ended   chan struct{}          // closed when nothing is read any more
	err     error                  // why, once ended
	busy    chan struct{}
	working sync.WaitGroup
}

func newSession(conn *gosmpp.Connection, timeout time.Duration, receipt func(*pdu.DeliverSM) data.CommandStatusType) *session {
	return &session{conn: conn, timeout: timeout, receipt: receipt, waiting: map[int32]chan pdu.PDU{}, ended: make(chan struct{}),
		busy: make(chan struct{}, maxReceipts)}
}

// serve reads until the session ends: because the other side ended it, because it did not answer an enquiry, or because ctx
// ended, upon which it lets what is under way end by drain, unbinds and returns nil. Nothing that it started is left when it returns.
func (s *session) serve(ctx context.Context, alive time.Duration, drain func(context.Context)) error {
	defer s.working.Wait()
	go func() {
		defer close(s.ended)
		s.err = s.read()
	}()
	defer func() {
		_ = s.conn.Close()
		<-s.ended
	}()
	tick := time.NewTicker(alive)
	defer tick.Stop()
	for {
		select {
		case <-s.ended:
			return s.err
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), unbindWait)
			defer cancel()
			drain(last)
			_, _ = s.request(last, pdu.NewUnbind())
			return nil
		case <-tick.C:
			if _, err := s.request(ctx, pdu.NewEnquireLink()); err != nil && ctx.Err() == nil {
				return fmt.Errorf("ask whether the SMS centre is there: %w", err)
			}
		}
	}
}

// read hands out what comes in.
func (s *session) read() error {
	for {
		p, err := parse(s.conn)
		if err != nil {
			return fmt.Errorf("read from the SMS centre: %w", err)
		}
		switch r := p.(type) {
		case *pdu.DeliverSM:
			s.take(r)
		case *pdu.EnquireLink:
			_ = s.write(r.GetResponse())
		case *pdu.Unbind:
			_ = s.write(r.GetResponse())
			return errUnbound
		default:
			s.rest(p)
		}
	}
}

// rest is an answer to a request of ours, or a request that is none of a transceiver's business.
func (s *session) rest(p pdu.PDU) {
	if p.CanResponse() {
		n := pdu.NewGenericNack().(*pdu.GenericNack)
		n.CommandStatus = data.ESME_RINVCMDID
		n.SetSequenceNumber(p.GetSequenceNumber())
		_ = s.write(n)
		return
	}
	if p.GetHeader().CommandID >= 0 { // the highest bit is an answer's
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.waiting[p.GetSequenceNumber()]; c != nil {
		delete(s.waiting, p.GetSequenceNumber())
		c <- p
	}
}

// take works on a delivered message beside the reading, because keeping a receipt takes as long as the store does, and answers it then.
func (s *session) take(m *pdu.DeliverSM) {
	answer := func(status data.CommandStatusType) {
		r := m.GetResponse().(*pdu.DeliverSMResp)
		r.CommandStatus = status
		_ = s.write(r)
	}
	select {
	case s.busy <- struct{}{}:
		s.working.Go(func() {
			defer func() { <-s.busy }()
			answer(s.receipt(m))
		})
	default:
		answer(data.ESME_RX_T_APPN)
	}
}

// request writes a request and waits for its answer.
func (s *session) request(ctx context.Context, p pdu.PDU) (pdu.PDU, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	answer := make(chan pdu.PDU, 1)
	s.mu.Lock()
	s.waiting[p.GetSequenceNumber()] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, p.GetSequenceNumber())
		s.mu.Unlock()
	}()
	if err := s.write(p); err != nil {
		return nil, errEnded
	}
	select {
	case r := <-answer:
		return r, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.ended:
		return nil, errEnded
	}
}

func (s *session) write(p pdu.PDU) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	err := s.conn.SetWriteTimeout(s.timeout)
	if err == nil {
		_, err = s.conn.WritePDU(p)
	}
	if err != nil {
		_ = s.conn.Close() // half of it may be on its way, and what follows would not be understood
	}
	return err
}

// submit makes one submission.
func (s *session) submit(ctx context.Context, m *pdu.SubmitSM) push.Outcome {
	p, err := s.request(ctx, m)
	switch {
	case errors.Is(err, errEnded):
		return push.Outcome{Reason: reasonUnreachable}
	case err != nil:
		return push.Outcome{Reason: reasonTimeout}
	}
	status := p.GetHeader().CommandStatus
	if status == data.ESME_RINVBNDSTS {
		_ = s.conn.Close() // the centre has forgotten the session
	}
	r, ok := p.(*pdu.SubmitSMResp)
	if ok && status == data.ESME_ROK {
		return push.Outcome{Answer: push.Taken, Ref: r.MessageID}
	}
	return submitted(status)
}

// submitted is the outcome of a submission that was not taken. What is not known to be the message's fault is tried again.
func submitted(status data.CommandStatusType) push.Outcome {
	switch status {
	case data.ESME_RTHROTTLED:
		return push.Outcome{Answer: push.Throttled, Reason: reasonThrottled}
	case data.ESME_RINVDSTADR, data.ESME_RINVDSTTON, data.ESME_RINVDSTNPI:
		return push.Outcome{Answer: push.Refused, Reason: reasonNumber}
	case data.ESME_RINVMSGLEN:
		return push.Outcome{Answer: push.Refused, Reason: reasonText}
	case data.ESME_RINVBNDSTS:
		return push.Outcome{Reason: reasonNotBound}
	case data.ESME_RINVSRCADR, data.ESME_RINVSRCTON, data.ESME_RINVSRCNPI, data.ESME_RPROVNOTALLWD, data.ESME_RINVSYSTYP, data.ESME_RINVSERTYP:
		return push.Outcome{Reason: reasonCredentials}
	case data.ESME_ROK: // of a PDU that is no answer to a submission
		return push.Outcome{Reason: reasonUnintelligible}
	}
	return push.Outcome{Reason: reasonUnavailable}
}

// parse reads a PDU. The library slices some lengths unchecked, so what the other side sends may make it panic.
func parse(r io.Reader) (p pdu.PDU, err error) {
	defer func() {
		if recover() != nil {
			p, err = nil, errors.New("a PDU that makes no sense")
		}
	}()
	return pdu.Parse(r)
}
