package sms

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

const receiptForm = "id:%s sub:001 dlvrd:001 submit date:2611210900 done date:2611210901 stat:%s err:000 text:id:9 stat:no"

// delivered is a message from the centre: a receipt with a text, and parameters.
func delivered(text string, class byte, fields ...pdu.Field) *pdu.DeliverSM {
	m := pdu.NewDeliverSM().(*pdu.DeliverSM)
	m.EsmClass = class
	_ = m.Message.SetMessageDataWithEncoding([]byte(text), data.ASCII)
	for _, f := range fields {
		m.RegisterOptionalParam(f)
	}
	return m
}

func field(tag pdu.Tag, b string) pdu.Field { return pdu.Field{Tag: tag, Data: []byte(b)} }

func TestSMPP_receipts(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.submit = func(l *line, m *pdu.SubmitSM) {
		r := m.GetResponse().(*pdu.SubmitSMResp)
		r.MessageID, _ = m.Message.GetMessage()
		l.write(r)
	}
	var mu sync.Mutex
	var asked []push.Receipt
	known := map[string]error{"7": nil, "255": nil, "1aB": nil, "427": nil, "seen": fault.New(fault.Exists), "broken": fmt.Errorf("disk")}
	p := connect(t, c, SMPPConfig{OnReceipt: func(r push.Receipt) error {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r)
		if err, ok := known[r.Ref]; ok {
			return err
		}
		return fault.New(fault.NotFound)
	}})
	bound(t, p)
	for _, ref := range []string{"7", "255", "1aB", "ours", "10", "16"} { // 427, which is 1ab, was taken by an earlier process
		if o := sent(t, p, ref); o.Ref != ref {
			t.Fatalf("%+v", o)
		}
	}
	ucs2, _ := data.UCS2.Encode(fmt.Sprintf(receiptForm, "7", "DELIVRD"))
	wide := delivered("", 4)
	_ = wide.Message.SetMessageDataWithEncoding(ucs2[:min(len(ucs2), 254)], data.UCS2)
	for _, x := range []struct {
		name   string
		m      *pdu.DeliverSM
		status data.CommandStatusType
		refs   []string // asked for
		state  push.State
		reason string
	}{
		{"delivered", delivered(fmt.Sprintf(receiptForm, "7", "DELIVRD"), 4), data.ESME_ROK, []string{"7"}, push.Delivered, ""},
		{"in UCS-2", wide, data.ESME_ROK, []string{"7"}, push.Delivered, ""},
		{"expired", delivered(fmt.Sprintf(receiptForm, "7", "expired"), 4), data.ESME_ROK, []string{"7"}, push.Failed, "expired"},
		{"undeliverable", delivered(fmt.Sprintf(receiptForm, "7", "UNDELIV"), 4), data.ESME_ROK, []string{"7"}, push.Failed, "undelivered"},
		{"rejected", delivered(fmt.Sprintf(receiptForm, "7", "REJECTD"), 4), data.ESME_ROK, []string{"7"}, push.Failed, "rejected"},
		{"on its way", delivered(fmt.Sprintf(receiptForm, "7", "ENROUTE"), 4), data.ESME_ROK, nil, "", ""},
		{"a state of no list", delivered(fmt.Sprintf(receiptForm, "7", "SKIPPED"), 4), data.ESME_ROK, nil, "", ""},
		{"by parameters", delivered("", 4, field(pdu.TagReceiptedMessageID, "7\x00"), field(pdu.TagMessageStateOption, "\x02")), data.ESME_ROK, []string{"7"}, push.Delivered, ""},
		{"by parameters only", delivered("", 0, field(pdu.TagReceiptedMessageID, "7\x00"), field(pdu.TagMessageStateOption, "\x05")), data.ESME_ROK, []string{"7"}, push.Failed, "undelivered"},
		{"the parameter is unknown, the text not", delivered(fmt.Sprintf(receiptForm, "7", "DELIVRD"), 4, field(pdu.TagReceiptedMessageID, "none")), data.ESME_ROK,
			[]string{"none", "7"}, push.Delivered, ""},
		{"in the long parameter", delivered("", 4, field(pdu.TagMessagePayload, fmt.Sprintf(receiptForm, "7", "DELIVRD"))), data.ESME_ROK, []string{"7"}, push.Delivered, ""},
		{"hexadecimal of a decimal one", delivered(fmt.Sprintf(receiptForm, "FF", "DELIVRD"), 4), data.ESME_ROK, []string{"FF", "255"}, push.Delivered, ""},
		{"nobody's", delivered(fmt.Sprintf(receiptForm, "99", "DELIVRD"), 4), data.ESME_RX_T_APPN, []string{"99"}, push.Delivered, ""},
		{"exact before any other form", delivered(fmt.Sprintf(receiptForm, "427", "DELIVRD"), 4), data.ESME_ROK, []string{"427"}, push.Delivered, ""},
		{"taken, but not settled yet", delivered(fmt.Sprintf(receiptForm, "ours", "DELIVRD"), 4), data.ESME_RX_T_APPN, []string{"ours"}, push.Delivered, ""},
		{"the same, and its digits are another's in the other form", delivered(fmt.Sprintf(receiptForm, "10", "DELIVRD"), 4), data.ESME_RX_T_APPN, []string{"10"}, push.Delivered, ""},
		{"for the second time", delivered(fmt.Sprintf(receiptForm, "seen", "DELIVRD"), 4), data.ESME_ROK, []string{"seen"}, push.Delivered, ""},
		{"the store is out of order", delivered(fmt.Sprintf(receiptForm, "broken", "DELIVRD"), 4), data.ESME_RX_T_APPN, []string{"broken"}, push.Delivered, ""},
		{"no receipt's text", delivered("hello", 4), data.ESME_RX_P_APPN, nil, "", ""},
		{"without a name", delivered("stat:DELIVRD", 4), data.ESME_RX_P_APPN, nil, "", ""},
		{"a person writes", delivered("id:7 stat:DELIVRD", 0), data.ESME_ROK, nil, "", ""},
		{"a step on the way", delivered(fmt.Sprintf(receiptForm, "7", "DELIVRD"), data.SM_INTMD_DLV_NOTIFY_TYPE, field(pdu.TagReceiptedMessageID, "7")), data.ESME_ROK, nil, "", ""},
	} {
		mu.Lock()
		asked = nil
		mu.Unlock()
		c.send(x.m)
		r := get(t, c.answers)
		if r.CommandStatus != x.status || r.GetSequenceNumber() != x.m.GetSequenceNumber() {
			t.Errorf("%s: answered %v, want %v", x.name, r.CommandStatus, x.status)
		}
		mu.Lock()
		if len(asked) != len(x.refs) {
			t.Errorf("%s: asked for %+v, want %v", x.name, asked, x.refs)
		}
		for i := range min(len(asked), len(x.refs)) {
			a := asked[i]
			if a.Ref != x.refs[i] || a.State != x.state || a.Reason != x.reason || a.Channel != push.ChannelSMS || a.At.IsZero() || a.Once != "" {
				t.Errorf("%s: asked for %+v, want %s %s %s", x.name, a, x.refs[i], x.state, x.reason)
			}
		}
		mu.Unlock()
	}
}

// A centre that sends more receipts than the store keeps up with is held back, and the session goes on.
func TestSMPP_receipts_tooMany(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	hold := make(chan struct{})
	p := connect(t, c, SMPPConfig{OnReceipt: func(push.Receipt) error { <-hold; return nil }})
	bound(t, p)
	for i := range maxReceipts + 1 {
		c.send(delivered(fmt.Sprintf(receiptForm, strconv.Itoa(i), "DELIVRD"), 4))
	}
	if r := get(t, c.answers); r.CommandStatus != data.ESME_RX_T_APPN {
		t.Errorf("answered %v", r.CommandStatus)
	}
	if o := sent(t, p, "x"); o.Answer != push.Taken {
		t.Errorf("%+v", o)
	}
	close(hold)
	for range maxReceipts {
		if r := get(t, c.answers); r.CommandStatus != data.ESME_ROK {
			t.Errorf("answered %v", r.CommandStatus)
		}
	}
}

func TestRecent(t *testing.T) {
	t.Parallel()
	var r recent
	for i := range maxRecent + 10 {
		r.add(strconv.Itoa(i))
		r.add(strconv.Itoa(i))
	}
	if r.has("9") || !r.has("10") || !r.has(strconv.Itoa(maxRecent+9)) || len(r.names) != maxRecent || len(r.order) != maxRecent {
		t.Errorf("%d, %d", len(r.names), len(r.order))
	}
}

func FuzzParse(f *testing.F) {
	b := pdu.NewBuffer(nil)
	delivered(fmt.Sprintf(receiptForm, "7", "DELIVRD"), 4, field(pdu.TagReceiptedMessageID, "7")).Marshal(b)
	f.Add(b.Bytes())
	f.Add([]byte("\x00\x00\x00\x10\x00\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parse(bytes.NewReader(b))
		if err != nil {
			return
		}
		if m, ok := p.(*pdu.DeliverSM); ok {
			if r, ok := readReceipt(m); ok && (len(r.ids) == 0 || r.state == push.Failed && r.reason == "") {
				t.Errorf("%+v", r)
			}
		}
	})
}
