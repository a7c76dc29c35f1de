package fcm

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
)

var at = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func told() push.Notice {
	return push.Notice{ID: "0193fa66-0000-8000-8000-000000000000", Kind: push.Resolved, Report: "r", Number: "1234567890", To: "token",
		Device: push.Device{ID: "phone", Token: "token", Platform: "android"}, Language: "ar", Text: push.Text{Title: "ت", Body: "ب"}, TTL: 24 * time.Hour}
}

// encoded is what FCM gets, as maps.
func encoded(t *testing.T, n push.Notice) map[string]any {
	t.Helper()
	m, reason := message(n, at)
	if reason != "" {
		t.Fatal(reason)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// within is the value under a path such as "apns/headers/apns-priority".
func within(v any, path string) any {
	for name := range strings.SplitSeq(path, "/") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func TestMessage_platforms(t *testing.T) {
	t.Parallel()
	for platform, want := range map[string]string{"android": "android", "ios": "apns", "web": "webpush", "": "android apns webpush", "new": "android apns webpush"} {
		n := told()
		n.Device.Platform = platform
		got := encoded(t, n)
		for _, part := range []string{"android", "apns", "webpush"} {
			if (got[part] != nil) != strings.Contains(want, part) {
				t.Errorf("%q gets %v; want %s", platform, got, want)
			}
		}
		if got["token"] != "token" {
			t.Errorf("%q is sent to %v; want To", platform, got["token"])
		}
	}
}

// Each platform hears the same of priority, time to live and what replaces what.
func TestMessage_headers(t *testing.T) {
	t.Parallel()
	own := func(*push.Notice) {}
	broadcast := func(n *push.Notice) { n.Kind, n.Report = push.Announcement, "" }
	urgent := func(n *push.Notice) { broadcast(n); n.Urgent = true }
	expiration := fmt.Sprint(at.Add(24 * time.Hour).Unix())
	id := told().ID
	for _, c := range []struct {
		name   string
		change func(n *push.Notice)
		want   map[string]any
	}{
		{"own report", own, map[string]any{"android/priority": "high", "apns/headers/apns-priority": "10", "webpush/headers/Urgency": "high"}},
		{"announcement", broadcast, map[string]any{"android/priority": "normal", "apns/headers/apns-priority": "5", "webpush/headers/Urgency": "normal"}},
		{"urgent announcement", urgent, map[string]any{"android/priority": "high", "apns/headers/apns-priority": "10", "webpush/headers/Urgency": "high"}},
		{"time to live", own, map[string]any{"android/ttl": "86400s", "apns/headers/apns-expiration": expiration, "webpush/headers/TTL": "86400"}},
		{"hours and a half", func(n *push.Notice) { n.TTL = 90*time.Minute + 300*time.Millisecond }, map[string]any{"android/ttl": "5400s", "webpush/headers/TTL": "5400"}},
		{"over", func(n *push.Notice) { n.TTL = -time.Hour }, map[string]any{"android/ttl": "0s", "webpush/headers/TTL": "0"}},
		{"longer than FCM keeps", func(n *push.Notice) { n.TTL = 1e18 }, map[string]any{"android/ttl": "2419200s", "webpush/headers/TTL": "2419200"}},
		{"replaces nothing", own, map[string]any{"android/collapse_key": nil, "android/notification/tag": id, "apns/headers/apns-collapse-id": id,
			"webpush/headers/Topic": nil, "webpush/notification/tag": id}},
		{"replaces", func(n *push.Notice) { n.Collapse = "report-1" }, map[string]any{"android/collapse_key": "report-1", "android/notification/tag": id,
			"apns/headers/apns-collapse-id": "report-1", "webpush/headers/Topic": "report-1", "webpush/notification/tag": id}},
		{"topic", func(n *push.Notice) { n.Topic, n.To = true, "region-1" }, map[string]any{"topic": "region-1", "token": nil, "android/priority": "high",
			"apns/headers/apns-priority": "10", "webpush/headers/Urgency": "high"}},
		{"right to left", own, map[string]any{"webpush/notification/dir": "rtl", "webpush/notification/lang": "ar"}},
		{"left to right", func(n *push.Notice) { n.Language = "en" }, map[string]any{"webpush/notification/dir": "ltr", "webpush/notification/lang": "en"}},
	} {
		n := told()
		n.Device.Platform = ""
		c.change(&n)
		got := encoded(t, n)
		for path, want := range c.want {
			if v := within(got, path); !reflect.DeepEqual(v, want) {
				t.Errorf("%s: %s = %v; want %v", c.name, path, v, want)
			}
		}
	}
}

// A Topic header takes 32 characters of the URL-safe alphabet, and no more.
func TestShortened(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, key := range []string{"report-1", strings.Repeat("a", 32), strings.Repeat("a", 33), strings.Repeat("a", 34), told().ID, "مسجد", "a b"} {
		got := shortened(key)
		if !collapseKey.MatchString(got) || seen[got] || got != shortened(key) {
			t.Errorf("%q becomes %q", key, got)
		}
		seen[got] = true
	}
	if shortened("") != "" || shortened("report-1") != "report-1" {
		t.Error("what fits is changed")
	}
}

func TestMessage_refuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(n *push.Notice){
		"nobody":          func(n *push.Notice) { n.To = "" },
		"topic with path": func(n *push.Notice) { n.Topic, n.To = true, "/topics/a" },
		"topic in Arabic": func(n *push.Notice) { n.Topic, n.To = true, "الرياض" },
		"no topic":        func(n *push.Notice) { n.Topic, n.To = true, "" },
	} {
		n := told()
		change(&n)
		if _, reason := message(n, at); reason != "invalid_argument" {
			t.Errorf("%s: %q", name, reason)
		}
	}
}

// The quick sum must never let pass what is too large, and never refuse what fits.
func TestMessage_size(t *testing.T) {
	t.Parallel()
	for _, filler := range []string{"a", "ب", "<", "\"", "\u2028", "😀", "\x01"} {
		for _, topic := range []bool{false, true} {
			limit := maxPayload
			if topic {
				limit = maxTopicPayload
			}
			n := told()
			n.Topic = topic
			size := func() int {
				m, _ := message(push.Notice{ID: n.ID, To: "t", Kind: n.Kind, Report: n.Report, Number: n.Number, TTL: n.TTL}, at)
				b, err := json.Marshal(map[string]any{"data": m.Data, "notification": map[string]string{"title": n.Text.Title, "body": n.Text.Body}})
				if err != nil {
					t.Fatal(err)
				}
				return len(b)
			}
			for n.Text.Body = strings.Repeat(filler, limit/8); size() <= limit; n.Text.Body += filler {
				if _, reason := message(n, at); reason != "" {
					t.Fatalf("%q, topic %t, %d bytes: %s", filler, topic, size(), reason)
				}
			}
			if _, reason := message(n, at); reason != "payload_too_large" {
				t.Errorf("%q, topic %t, %d bytes: %q", filler, topic, size(), reason)
			}
		}
	}
}
