package fcm_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/fcm"
)

// refusal is an answer in Google's form.
func refusal(status, message string, details ...string) string {
	return `{"error":{"code":400,"message":"` + message + `","status":"` + status + `","details":[` + strings.Join(details, ",") + `]}}`
}

func fcmError(code string) string {
	return `{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"` + code + `"}`
}

func quotaFailure(subject, description string) string {
	return `{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"subject":"` + subject + `","description":"` + description + `"}]}`
}

// Answers that FCM, a proxy before it or a server taken for it may give, byte by byte.
func TestClient_Send_answers(t *testing.T) {
	t.Parallel()
	const exhausted, device = "RESOURCE_EXHAUSTED", "Device message rate exceeded"
	projects := refusal(exhausted, "Quota exceeded for quota metric 'Send requests'",
		`{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","domain":"googleapis.com"}`)
	throttled := push.Outcome{Answer: push.Throttled, Reason: "throttled"}
	for _, c := range []struct {
		name   string
		status int
		after  string
		body   string
		want   push.Outcome
	}{
		{"taken", 200, "", `{"name":"projects/demo/messages/1"}`, push.Outcome{Answer: push.Taken, Ref: "projects/demo/messages/1"}},
		{"taken by nobody", 200, "", `{}`, push.Outcome{Reason: "unintelligible"}},
		{"empty", 200, "", "", push.Outcome{Reason: "unintelligible"}},
		{"redirect", 302, "", "", push.Outcome{Reason: "unintelligible"}},
		{"unregistered", 404, "", refusal("NOT_FOUND", "x", fcmError("UNREGISTERED")), push.Outcome{Answer: push.Gone, Reason: "unregistered"}},
		{"404 without a code", 404, "", refusal("NOT_FOUND", "x"), push.Outcome{Answer: push.Gone, Reason: "unregistered"}},
		{"404 of a proxy", 404, "", "<html>", push.Outcome{Reason: "unintelligible"}},
		{"404 of another service", 404, "", `{"error":"not found"}`, push.Outcome{Reason: "unintelligible"}},
		{"sender id", 403, "", refusal("PERMISSION_DENIED", "x", fcmError("SENDER_ID_MISMATCH")), push.Outcome{Answer: push.Foreign, Reason: "sender_id_mismatch"}},
		{"account without the right", 403, "", refusal("PERMISSION_DENIED", "x"), push.Outcome{Reason: "credentials"}},
		{"403 of a proxy", 403, "", "<html>", push.Outcome{Reason: "credentials"}},
		{"expired credentials", 401, "", refusal("UNAUTHENTICATED", "x"), push.Outcome{Reason: "credentials"}},
		{"APNs key", 401, "", refusal("UNAUTHENTICATED", "x", fcmError("THIRD_PARTY_AUTH_ERROR")), push.Outcome{Reason: "third_party_auth"}},
		{"invalid", 400, "", refusal("INVALID_ARGUMENT", "x", fcmError("INVALID_ARGUMENT")), push.Outcome{Answer: push.Refused, Reason: "invalid_argument"}},
		{"invalid without a code", 400, "", refusal("INVALID_ARGUMENT", "x"), push.Outcome{Answer: push.Refused, Reason: "invalid_argument"}},
		{"400 of a proxy", 400, "", "<html>", push.Outcome{Reason: "unintelligible"}},
		{"project's quota", 429, "", projects, throttled},
		{"quota", 429, "", refusal(exhausted, "x", fcmError("QUOTA_EXCEEDED")), throttled},
		{"quota of the project", 429, "", refusal(exhausted, "x", fcmError("QUOTA_EXCEEDED"), quotaFailure("project:1", "Device messages of the project")), throttled},
		{"quota of a topic", 429, "", refusal(exhausted, "x", fcmError("QUOTA_EXCEEDED"), quotaFailure("topic:a", "Topic message rate exceeded")), throttled},
		{"quota of a device and more", 429, "", refusal(exhausted, "x", quotaFailure("device:a", device), quotaFailure("x", "Message rate exceeded")), throttled},
		{"quota of a device", 429, "30", refusal(exhausted, "x", fcmError("QUOTA_EXCEEDED"), quotaFailure("device:a", device)),
			push.Outcome{Reason: "device_throttled", After: 30 * time.Second}},
		{"429 of a proxy", 429, "7", "<html>", push.Outcome{Answer: push.Throttled, Reason: "throttled", After: 7 * time.Second}},
		{"Retry-After beyond reason", 429, "99999999999", projects, push.Outcome{Answer: push.Throttled, Reason: "throttled", After: 24 * time.Hour}},
		{"Retry-After of the past", 503, "Mon, 02 Jan 2006 15:04:05 GMT", refusal("UNAVAILABLE", "x"), push.Outcome{Reason: "unavailable"}},
		{"Retry-After of the far future", 503, "Mon, 02 Jan 2106 15:04:05 GMT", refusal("UNAVAILABLE", "x"), push.Outcome{Reason: "unavailable", After: 24 * time.Hour}},
		{"internal", 500, "", refusal("INTERNAL", "x", fcmError("INTERNAL")), push.Outcome{Reason: "unavailable"}},
		{"504 of a proxy", 504, "", "<html>", push.Outcome{Reason: "unavailable"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				if c.after != "" {
					w.Header().Set("Retry-After", c.after)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer srv.Close()
			client, err := fcm.New(t.Context(), fcm.Config{ProjectID: "demo", Endpoint: srv.URL + "/v1"})
			if err != nil {
				t.Fatal(err)
			}
			if got := client.Send(t.Context(), notice("a")); got != c.want || requests.Load() != 1 {
				t.Errorf("%+v after %d requests; want %+v after one", got, requests.Load(), c.want)
			}
		})
	}
}

// A date is a Retry-After too.
func TestClient_Send_retryAfterDate(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(10*time.Minute).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer srv.Close()
	client, err := fcm.New(t.Context(), fcm.Config{ProjectID: "demo", Endpoint: srv.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	if o := client.Send(t.Context(), notice("a")); o.Answer != push.Throttled || o.After < 9*time.Minute || o.After > 10*time.Minute {
		t.Errorf("outcome %+v; want throttled for ten minutes", o)
	}
}

// What FCM would refuse is not sent at all; what it takes for a topic is.
func TestClient_Send_topic(t *testing.T) {
	t.Parallel()
	f := startFCM(t)
	client := f.client(t)
	n := notice("")
	n.Kind, n.Topic, n.To, n.Collapse = push.Announcement, true, "region.riyadh", "announcement"
	if o := client.Send(t.Context(), n); o.Answer != push.Taken {
		t.Errorf("outcome %+v", o)
	}
	n.To = "الرياض"
	if o := client.Send(t.Context(), n); o != (push.Outcome{Answer: push.Refused, Reason: "invalid_argument"}) {
		t.Errorf("outcome %+v", o)
	}
	if n := f.requests(t); n != 1 {
		t.Errorf("%d requests; want 1", n)
	}
}
