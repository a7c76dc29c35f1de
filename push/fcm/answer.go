package fcm

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"firebase.google.com/go/v4/errorutils"
	"firebase.google.com/go/v4/messaging"

	"github.com/balagh/balagh/push"
)

// classify is the table of FCM's answers. It must get the SDK's own error: the SDK's predicates do not unwrap.
func classify(err error, now time.Time) push.Outcome {
	resp := errorutils.HTTPResponse(err)
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	switch {
	case messaging.IsUnregistered(err), status == http.StatusNotFound && fromFCM(resp):
		return push.Outcome{Answer: push.Gone, Reason: "unregistered"}
	case messaging.IsSenderIDMismatch(err):
		return push.Outcome{Answer: push.Foreign, Reason: "sender_id_mismatch"}
	case errorutils.IsResourceExhausted(err), messaging.IsQuotaExceeded(err), status == http.StatusTooManyRequests:
		return push.Outcome{Answer: push.Throttled, Reason: "throttled", After: wait(resp, now)}
	case messaging.IsInvalidArgument(err), errorutils.IsInvalidArgument(err) && fromFCM(resp):
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

// fromFCM says whether an answer has Google's form. A proxy's 404 must not cost a token.
func fromFCM(resp *http.Response) bool {
	var body struct {
		Error struct {
			Status string `json:"status"`
		} `json:"error"`
	}
	return resp != nil && json.NewDecoder(resp.Body).Decode(&body) == nil && body.Error.Status != ""
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
