package sms

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// Bits of esm_class that say what a delivered message is.
const (
	messageType    = 0x3c
	receiptMessage = data.SM_SMSC_DLV_RCPT_TYPE
)

// The customary text of a receipt (SMPP 3.4, appendix B): "id:… sub:… dlvrd:… submit date:… done date:… stat:DELIVRD err:… text:…".
var (
	receiptID    = regexp.MustCompile(`(?i)\bid:\s*([^\s]+)`)
	receiptState = regexp.MustCompile(`(?i)\bstat:\s*([A-Z]+)`)
)

// ends are the final states, by the word in the text. The rest, such as ACCEPTD, ENROUTE and UNKNOWN, say nothing final.
var ends = map[string]said{
	"DELIVRD": {state: push.Delivered},
	"EXPIRED": {state: push.Failed, reason: "expired"},
	"DELETED": {state: push.Failed, reason: "deleted"},
	"UNDELIV": {state: push.Failed, reason: reasonUndelivered},
	"REJECTD": {state: push.Failed, reason: "rejected"},
}

// stateWords are the words of the message_state parameter's numbers.
var stateWords = map[byte]string{
	data.SM_STATE_DELIVERED: "DELIVRD", data.SM_STATE_EXPIRED: "EXPIRED", data.SM_STATE_DELETED: "DELETED",
	data.SM_STATE_UNDELIVERABLE: "UNDELIV", data.SM_STATE_REJECTED: "REJECTD", data.SM_STATE_EN_ROUTE: "ENROUTE",
	data.SM_STATE_ACCEPTED: "ACCEPTD", data.SM_STATE_INVALID: "UNKNOWN",
}

// said is what a receipt says.
type said struct {
	ids    []string // that the text may be known by, the likeliest first
	state  push.State
	reason string
}

// receipt keeps what the centre says of a text and answers with the status for it.
func (p *SMPP) receipt(m *pdu.DeliverSM) data.CommandStatusType {
	kind := m.EsmClass & messageType
	if _, named := m.OptionalParameters[pdu.TagReceiptedMessageID]; kind != receiptMessage && (kind != 0 || !named) {
		return data.ESME_ROK // a person's answer, or a step on the way: nobody here reads it
	}
	r, ok := readReceipt(m)
	if !ok {
		p.config.Log.Warn("a receipt of the SMS centre cannot be read")
		return data.ESME_RX_P_APPN
	}
	if r.state == "" {
		return data.ESME_ROK
	}
	switch err := p.deliver(r); {
	case err == nil, errors.Is(err, fault.New(fault.Exists)):
		return data.ESME_ROK
	case !errors.Is(err, fault.New(fault.NotFound)):
		p.config.Log.Error("keep a receipt of the SMS centre", "error", err)
	}
	return data.ESME_RX_T_APPN
}

// deliver hands a receipt on under the name that the text is known by. Some centres name a text in decimal when they take it and in
// hexadecimal in the receipt, or the other way round. The name as it came goes first, and another one only when it is of a text that was
// taken lately: the same digits may be another's name in the other form.
func (p *SMPP) deliver(r said) error {
	receipt := push.Receipt{Channel: push.ChannelSMS, State: r.state, Reason: r.reason, At: time.Now().UTC()}
	err := error(fault.New(fault.NotFound))
	for _, ref := range r.ids {
		receipt.Ref = ref
		if err = p.config.OnReceipt(receipt); !errors.Is(err, fault.New(fault.NotFound)) {
			return err
		}
		if p.refs.has(ref) {
			return err // ours, but not settled yet: it comes again
		}
	}
	for _, id := range r.ids {
		for _, ref := range otherForms(id) {
			if receipt.Ref = ref; p.refs.has(ref) {
				return p.config.OnReceipt(receipt)
			}
		}
	}
	return err
}

// otherForms of a name: a decimal one in hexadecimal and a hexadecimal one in decimal.
func otherForms(id string) []string {
	var forms []string
	if n, err := strconv.ParseUint(id, 10, 64); err == nil {
		h := strconv.FormatUint(n, 16)
		forms = append(forms, h, strings.ToUpper(h))
	}
	if n, err := strconv.ParseUint(id, 16, 64); err == nil {
		forms = append(forms, strconv.FormatUint(n, 10))
	}
	return forms
}

// readReceipt reads the parameters receipted_message_id and message_state, and where they are not there, the text; false when
// there is no name or no state.
func readReceipt(m *pdu.DeliverSM) (said, bool) {
	text := receiptText(m)
	var ids []string
	if f, ok := m.OptionalParameters[pdu.TagReceiptedMessageID]; ok {
		ids = append(ids, f.String())
	}
	if found := receiptID.FindStringSubmatch(text); found != nil {
		ids = append(ids, found[1])
	}
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" || len(id) > maxRef })
	word := ""
	if f, ok := m.OptionalParameters[pdu.TagMessageStateOption]; ok && len(f.Data) == 1 {
		word = stateWords[f.Data[0]]
	}
	if word == "" {
		if found := receiptState.FindStringSubmatch(text); found != nil {
			word = strings.ToUpper(found[1])
		}
	}
	if word == "" || len(ids) == 0 {
		return said{}, false
	}
	r := ends[word]
	r.ids = ids
	return r, true
}

// receiptText is the receipt's text, which some centres put into the parameter for long ones, and some write in UCS-2.
func receiptText(m *pdu.DeliverSM) string {
	b, _ := m.Message.GetMessageData()
	if f, ok := m.OptionalParameters[pdu.TagMessagePayload]; ok && len(b) == 0 {
		b = f.Data
	}
	if e := m.Message.Encoding(); e != nil && e.DataCoding() == data.UCS2Coding {
		if s, err := e.Decode(b); err == nil {
			return s
		}
	}
	return string(b)
}

// recent are the names of the texts taken last.
type recent struct {
	mu    sync.Mutex
	names map[string]bool
	order []string
}

// maxRecent names are kept: an hour's at a text a second, and more than one window's in any case.
const maxRecent = 4096

func (r *recent) add(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name == "" || r.names[name] {
		return
	}
	if r.names == nil {
		r.names = map[string]bool{}
	}
	if len(r.order) == maxRecent {
		delete(r.names, r.order[0])
		r.order = r.order[1:]
	}
	r.names[name] = true
	r.order = append(r.order, name)
}

func (r *recent) has(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[name]
}
