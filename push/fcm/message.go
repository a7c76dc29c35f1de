package fcm

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/balagh/balagh/push"
)

// What FCM and those behind it allow.
const (
	maxPayload      = 4096                // bytes, to one device
	maxTopicPayload = 2048                // bytes, to a topic
	maxTTL          = 28 * 24 * time.Hour // FCM refuses more
	maxCollapse     = 32                  // characters of a Topic header (RFC 8030); APNs would take 64 bytes
)

var (
	topicName   = regexp.MustCompile(`^[a-zA-Z0-9_.~%-]{1,900}$`)
	collapseKey = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,32}$`)
)

// message is the notice in FCM's form, or why FCM would refuse it: reason "invalid_argument" or "payload_too_large".
//
// Its id is the tag that Android and browsers show it under: what arrives twice shows once. APNs has one field for that and for
// what replaces an older one, so there the id gives way to the key when there is one. A device gets only the part of its own platform; encoding the others is a third of what a send costs.
func message(n push.Notice, now time.Time) (m *messaging.Message, reason string) {
	if n.To == "" || n.Topic && !topicName.MatchString(n.To) {
		return nil, "invalid_argument"
	}
	m = &messaging.Message{
		Data: map[string]string{"notification_id": n.ID, "report_id": n.Report, "report_number": n.Number,
			"kind": string(n.Kind)},
		Notification: &messaging.Notification{Title: n.Text.Title, Body: n.Text.Body},
	}
	if n.Survey != "" {
		m.Data["survey_id"] = n.Survey
	}
	limit := maxPayload
	if n.Topic {
		m.Topic, limit = n.To, maxTopicPayload
	} else {
		m.Token = n.To
	}
	if exceeds(m, limit) {
		return nil, "payload_too_large"
	}
	d := display{Notice: n, collapse: shortened(n.Collapse), ttl: min(max(n.TTL, 0), maxTTL).Truncate(time.Second),
		high: n.Urgent || n.Kind != push.Announcement && n.Survey == ""}
	platform := n.Device.Platform
	if n.Topic {
		platform = "" // whoever has subscribed
	}
	if platform != "ios" && platform != "web" {
		m.Android = d.android()
	}
	if platform != "android" && platform != "web" {
		m.APNS = d.apns(now)
	}
	if platform != "android" && platform != "ios" {
		m.Webpush = d.webpush()
	}
	return m, ""
}

// display is how a notice is to be shown, on any platform.
type display struct {
	push.Notice
	collapse string // what replaces an older one that still waits; empty when nothing does
	ttl      time.Duration
	high     bool // wakes a phone that sleeps
}

func (d *display) android() *messaging.AndroidConfig {
	priority := "normal"
	if d.high {
		priority = "high"
	}
	return &messaging.AndroidConfig{Priority: priority, TTL: &d.ttl, CollapseKey: d.collapse,
		Notification: &messaging.AndroidNotification{Tag: d.ID}}
}

func (d *display) apns(now time.Time) *messaging.APNSConfig {
	priority := "5"
	if d.high {
		priority = "10"
	}
	return &messaging.APNSConfig{
		Headers: map[string]string{"apns-priority": priority, "apns-collapse-id": cmp.Or(d.collapse, d.ID),
			"apns-expiration": strconv.FormatInt(now.Add(d.ttl).Unix(), 10)},
		Payload: &messaging.APNSPayload{Aps: &messaging.Aps{Sound: "default"}},
	}
}

func (d *display) webpush() *messaging.WebpushConfig {
	headers := map[string]string{"TTL": strconv.Itoa(int(d.ttl.Seconds())), "Urgency": "normal"}
	if d.high {
		headers["Urgency"] = "high"
	}
	if d.collapse != "" {
		headers["Topic"] = d.collapse
	}
	dir := "rtl"
	if d.Language == "en" {
		dir = "ltr"
	}
	return &messaging.WebpushConfig{Headers: headers,
		Notification: &messaging.WebpushNotification{Tag: d.ID, Language: d.Language, Direction: dir}}
}

// shortened is a key as every platform takes it.
func shortened(key string) string {
	if key == "" || collapseKey.MatchString(key) {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:maxCollapse]
}

// exceeds says whether data and notification take more than limit bytes as JSON. They are encoded only when adding up does
// not settle it: at worst a byte becomes six (\u003c).
func exceeds(m *messaging.Message, limit int) bool {
	const around = 128 // quotes, colons, commas, braces and names
	n := len(m.Notification.Title) + len(m.Notification.Body)
	for k, v := range m.Data {
		n += len(k) + len(v)
	}
	if around+6*n <= limit {
		return false
	}
	if n > limit {
		return true
	}
	b, err := json.Marshal(struct {
		Data         map[string]string       `json:"data"`
		Notification *messaging.Notification `json:"notification"`
	}{m.Data, m.Notification})
	return err != nil || len(b) > limit
}
