package sms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

const (
	maxSkew = 5 * time.Minute // between the signature's time and ours, either way
	maxCall = 64 << 10        // bytes of a call-back
	maxRef  = 256             // characters of a gateway's name for a text
)

// reasonUndelivered is the reason of a receipt that says so.
const reasonUndelivered = "undelivered"

// Receipt reads a status call-back. It is believed when the header that the profile names, X-Balagh-Signature unless it says
// otherwise, holds "t=<unix seconds>,v1=<hex>" with the HMAC-SHA256 over t, a dot and the body as it came, with CallbackSecret,
// and t is within five minutes of now. fault.Unauthenticated when it is not, fault.Malformed when a genuine one cannot be read.
//
// A call that comes a second time has the same Once, so whoever keeps it can tell a replay. A word that the profile does not
// know says nothing final.
func (g *Gateway) Receipt(header func(name string) string, body []byte, now time.Time) (push.Receipt, error) {
	c := g.profile.Callback
	if c == nil || len(g.secret) == 0 {
		return push.Receipt{}, fault.Newf(fault.Unauthenticated, "no SMS call-backs are configured")
	}
	signature, err := verify(g.secret, header(c.Signature), body, now)
	if err != nil {
		return push.Receipt{}, err
	}
	ref, word, ok := c.read(body)
	if !ok {
		return push.Receipt{}, fault.Newf(fault.Malformed, "an SMS call-back without id or status")
	}
	r := push.Receipt{Channel: push.ChannelSMS, Ref: ref, State: states[c.States[strings.ToLower(word)]], At: now.UTC(), Once: signature}
	if r.State == push.Failed {
		r.Reason = reasonUndelivered
	}
	return r, nil
}

// Sign is the signature of a call-back at a time, as a proxy that signs for its gateway puts it into the header.
func Sign(secret, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(digest(secret, t, body))
}

func digest(secret []byte, t string, body []byte) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(t + "."))
	m.Write(body)
	return m.Sum(nil)
}

// verify is the signature's digest, in hex.
func verify(secret []byte, header string, body []byte, now time.Time) (string, error) {
	forged := fault.Newf(fault.Unauthenticated, "the signature of an SMS call-back is missing or wrong")
	if len(body) > maxCall {
		return "", fault.New(fault.TooLarge)
	}
	said, digits, ok := strings.Cut(header, ",v1=")
	t, stamped := strings.CutPrefix(said, "t=")
	unix, err := strconv.ParseInt(t, 10, 64)
	sum, err2 := hex.DecodeString(digits)
	if !ok || !stamped || err != nil || err2 != nil || !hmac.Equal(sum, digest(secret, t, body)) {
		return "", forged
	}
	if age := now.Unix() - unix; age > int64(maxSkew.Seconds()) || -age > int64(maxSkew.Seconds()) {
		return "", fault.Newf(fault.Unauthenticated, "the signature of an SMS call-back is of another time")
	}
	return hex.EncodeToString(sum), nil
}

// read is the gateway's name for the text and its word for the state; false when one is missing.
func (c *Callback) read(body []byte) (ref, word string, ok bool) {
	if c.Encoding == "form" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return "", "", false
		}
		ref, word = form.Get(c.ID), form.Get(c.Status)
	} else {
		value, _ := decode(body)
		ref, _ = lookUp(value, c.ID)
		word, _ = lookUp(value, c.Status)
	}
	return ref, word, ref != "" && word != "" && len(ref) <= maxRef
}
