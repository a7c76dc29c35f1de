package fcm

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"firebase.google.com/go/v4/errorutils"
	"firebase.google.com/go/v4/messaging"

	"github.com/balagh/balagh/push"
)

// classify is the table of FCM's answers. It must get the SDK's own error: the SDK's predicates do not unwrap.
func classify(err error, now time.Time) push.Outcome {
	resp := errorutils.HTTPResponse(err)
	said := refusalIn(resp)
	fromFCM := said.Error.Status != "" // a proxy's 404 must not cost a token
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	switch {
	case messaging.IsUnregistered(err), status == http.StatusNotFound && fromFCM:
		return push.Outcome{Answer: push.Gone, Reason: "unregistered"}
	case messaging.IsSenderIDMismatch(err):
		return push.Outcome{Answer: push.Foreign, Reason: "sender_id_mismatch"}
	case errorutils.IsResourceExhausted(err), messaging.IsQuotaExceeded(err), status == http.StatusTooManyRequests:
		if said.ofDevice() { // too much for this phone: no reason to keep the others waiting
			return push.Outcome{Reason: "device_throttled", After: wait(resp, now)}
		}
		return push.Outcome{Answer: push.Throttled, Reason: "throttled", After: wait(resp, now)}
	case messaging.IsInvalidArgument(err), errorutils.IsInvalidArgument(err) && fromFCM:
		return push.Outcome{Answer: push.Refused, Reason: "invalid_argument"}
	case messaging.IsThirdPartyAuthError(err):
		return push.Outcome{Reason: "third_party_auth"}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return push.Outcome{Reason: "credentials"} // ours are wrong: no fault of the message
	case status >= http.StatusInternalServerError:
		return push.Outcome{Reason: "unavailable", After: wait(resp, now)}
	}
	return push.Outcome{Reason: "unintelligible"} // no answer that FCM gives, such as a proxy's page
}

// refusal is the part of Google's error form that the SDK does not hand out.
type refusal struct {
	Error struct {
		Status  string `json:"status"`
		Details []struct {
			Type       string `json:"@type"`
			Violations []struct {
				Subject     string `json:"subject"`
				Description string `json:"description"`
			} `json:"violations"`
		} `json:"details"`
	} `json:"error"`
}

func refusalIn(resp *http.Response) (r refusal) {
	if resp == nil || json.NewDecoder(resp.Body).Decode(&r) != nil {
		return refusal{}
	}
	return r
}

// ofDevice says whether a 429 is about one device only. FCM puts whose quota it is into a QuotaFailure beside the error code
// (https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode), in words that are not specified: whatever does not
// clearly speak of a device is taken for the project's.
func (r refusal) ofDevice() bool {
	device := false
	for _, d := range r.Error.Details {
		if d.Type != "type.googleapis.com/google.rpc.QuotaFailure" {
			continue
		}
		for _, v := range d.Violations {
			words := strings.ToLower(v.Subject + " " + v.Description)
			if !strings.Contains(words, "device") || strings.Contains(words, "project") || strings.Contains(words, "topic") {
				return false
			}
			device = true
		}
	}
	return device
}

// wait is what the server asked for; 0 when it did not.
func wait(resp *http.Response, now time.Time) time.Duration {
	if resp == nil {
		return 0
	}
	said := resp.Header.Get(retryAfter)
	if v, ok := resp.Header[serversSaid]; ok {
		said = v[0]
	}
	if s, err := strconv.Atoi(said); err == nil {
		return time.Duration(min(max(s, 0), int((24*time.Hour).Seconds()))) * time.Second
	}
	if at, err := http.ParseTime(said); err == nil {
		return min(max(at.Sub(now), 0), 24*time.Hour)
	}
	return 0
}
