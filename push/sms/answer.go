package sms

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balagh/balagh/push"
)

// The reasons of an Outcome: a closed set.
const (
	reasonNumber         = "bad_number"   // the gateway knows no such number, or it is none
	reasonText           = "bad_text"     // empty, or too long for an SMS
	reasonRefused        = "refused"      // what was sent is wrong in another way
	reasonThrottled      = "throttled"    // more than the gateway takes
	reasonCredentials    = "unauthorized" // key, sender or account
	reasonUnavailable    = "unavailable"  // out of order
	reasonUnreachable    = "unreachable"  // no connection, or it was cut
	reasonTimeout        = "timeout"      // no answer in time
	reasonUnintelligible = "unintelligible"
	reasonNotAccepted    = "not_accepted" // a clear answer that the profile does not know as one of success or refusal
)

// longestWait that a gateway may ask for.
const longestWait = 24 * time.Hour

// outcome is what an answer means. Nothing of its text goes any further.
func (p *Profile) outcome(status int, header http.Header, body []byte, now time.Time) push.Outcome {
	value, isJSON := decode(body)
	after := retryAfter(header.Get("Retry-After"), now)
	for _, r := range p.Refusals {
		if r.holds(status, value) {
			o := meanings[r.Means]
			o.After = after
			return o
		}
	}
	switch {
	case status/100 == 2 && p.Success.holds(status, value):
		ref, _ := lookUp(value, p.ID)
		return push.Outcome{Answer: push.Taken, Ref: ref}
	case status/100 == 2 && !isJSON:
		return push.Outcome{Reason: reasonUnintelligible}
	case status/100 == 2:
		return push.Outcome{Reason: reasonNotAccepted, After: after}
	case status == http.StatusTooManyRequests:
		return push.Outcome{Answer: push.Throttled, Reason: reasonThrottled, After: after}
	case slices.Contains([]int{http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusProxyAuthRequired}, status):
		return push.Outcome{Reason: reasonCredentials, After: after}
	case slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusTooEarly}, status):
		return push.Outcome{Reason: reasonUnavailable, After: after} // a wrong address, or a proxy's word: no fault of the message
	case status/100 == 4:
		return push.Outcome{Answer: push.Refused, Reason: reasonRefused}
	case status/100 == 5:
		return push.Outcome{Reason: reasonUnavailable, After: after}
	}
	return push.Outcome{Reason: reasonUnintelligible} // such as a redirect
}

func (t *Test) holds(status int, value any) bool {
	s := strconv.Itoa(status)
	if len(t.Statuses) > 0 && !slices.Contains(t.Statuses, s) && !slices.Contains(t.Statuses, s[:1]+"xx") {
		return false
	}
	if t.Path == "" {
		return true
	}
	there, ok := lookUp(value, t.Path)
	return ok && slices.Contains(t.Values, there)
}

// decode reads JSON, numbers with all their digits; false when it is none.
func decode(b []byte) (any, bool) {
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, err == io.EOF
}

// lookUp is the text at a path of names and places, separated by dots, in JSON; false when there is none, or only null.
func lookUp(v any, path string) (string, bool) {
	if path == "" {
		return "", false
	}
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(in) {
				return "", false
			}
			v = in[i]
		default:
			return "", false
		}
	}
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// retryAfter is what the header of that name asks for; 0 when it does not.
func retryAfter(said string, now time.Time) time.Duration {
	if s, err := strconv.Atoi(said); err == nil {
		return time.Duration(min(max(s, 0), int(longestWait.Seconds()))) * time.Second
	}
	if at, err := http.ParseTime(said); err == nil {
		return min(max(at.Sub(now), 0), longestWait)
	}
	return 0
}
