package webpush

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/balagh/balagh/push"
)

const (
	maxAnswer = 4 << 10
	maxRef    = 500
)

// answered is the table of a push service's answers (RFC 8030, 5 and 8.4). A 429 is about one browser or one service, so it
// holds back its own notice only.
func answered(resp *http.Response, now time.Time) push.Outcome {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	said := string(body)
	switch code := resp.StatusCode; code {
	case http.StatusCreated, http.StatusOK, http.StatusAccepted:
		return push.Outcome{Answer: push.Taken, Ref: ref(resp)}
	case http.StatusNotFound, http.StatusGone:
		return push.Outcome{Answer: push.Gone, Reason: "unsubscribed"}
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return refused(code, said)
	case http.StatusRequestEntityTooLarge:
		return push.Outcome{Answer: push.Refused, Reason: "payload_too_large"}
	case http.StatusTooManyRequests:
		return push.Outcome{Reason: "throttled", After: wait(resp.Header.Get("Retry-After"), now)}
	default:
		if code >= http.StatusInternalServerError {
			return push.Outcome{Reason: "unavailable", After: wait(resp.Header.Get("Retry-After"), now)}
		}
	}
	return push.Outcome{Reason: "unintelligible"} // no answer that a push service gives: a redirect, for example
}

// refused tells apart what services answer with the same codes: that the browser subscribed with another key, that our
// signature is not believed (a clock that is wrong does it too, and must cost no subscription), or that the request is bad.
func refused(code int, said string) push.Outcome {
	said = strings.ToLower(said)
	anotherKey := strings.Contains(said, "vapidpkhashmismatch") || strings.Contains(said, "key mismatch") // Apple, Mozilla
	ofToken := strings.Contains(said, "jwt")                                                              // Google, Apple
	switch {
	case anotherKey, code == http.StatusForbidden && !ofToken:
		return push.Outcome{Answer: push.Foreign, Reason: "vapid_refused"}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return push.Outcome{Reason: "unauthorized"}
	}
	return push.Outcome{Answer: push.Refused, Reason: "invalid_request"}
}

// ref is the service's name for what it took.
func ref(resp *http.Response) string {
	r := resp.Header.Get("Location")
	if r == "" {
		r = resp.Header.Get("Apns-Id")
	}
	return r[:min(len(r), maxRef)]
}

// unanswered is the outcome without an answer.
func unanswered(ctx context.Context, err error) push.Outcome {
	var n net.Error
	switch {
	case errors.Is(err, errPrivate): // a known host that leads to here: its name server is wrong, or ours
		return push.Outcome{Reason: "address_refused"}
	case ctx.Err() != nil, errors.As(err, &n) && n.Timeout():
		return push.Outcome{Reason: "timeout"}
	}
	return push.Outcome{Reason: "unreachable"}
}

// wait is what a Retry-After asks for, seconds or a date: at most a day, and 0 when it says nothing.
func wait(said string, now time.Time) time.Duration {
	if s, err := strconv.Atoi(said); err == nil {
		return time.Duration(min(max(s, 0), int((24*time.Hour).Seconds()))) * time.Second
	}
	if at, err := http.ParseTime(said); err == nil {
		return min(max(at.Sub(now), 0), 24*time.Hour)
	}
	return 0
}
