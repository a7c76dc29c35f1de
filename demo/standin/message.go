package standin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/valyala/fasthttp"
)

const (
	maxPayload      = 4096 // bytes of notification, data and APNs payload
	maxTopicPayload = 2048 // the same, to a topic
)

// refusal is an error in Google's form.
type refusal struct {
	http    int
	status  string
	code    string // of FCM
	message string
	quota   string // whose, with 429
}

func invalid(path, message string) refusal {
	if path != "" {
		message = fmt.Sprintf("Invalid value at '%s': %s", path, message)
	}
	return refusal{http.StatusBadRequest, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message, ""}
}

func write(ctx *fasthttp.RequestCtx, f refusal) {
	body := map[string]any{"code": f.http, "message": f.message, "status": f.status}
	if f.code != "" {
		details := []any{map[string]string{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": f.code}}
		if f.quota != "" {
			details = append(details, map[string]any{"@type": "type.googleapis.com/google.rpc.QuotaFailure",
				"violations": []any{map[string]string{"subject": f.quota, "description": f.message}}})
		}
		body["details"] = details
	}
	answer(ctx, f.http, map[string]any{"error": body})
}

// tokenRefusal is what FCM knows of a token, by its beginning.
func tokenRefusal(token string) *refusal {
	switch kind, _, _ := strings.Cut(token, "-"); kind {
	case "dead":
		return &refusal{http.StatusNotFound, "NOT_FOUND", "UNREGISTERED", "Requested entity was not found.", ""}
	case "foreign":
		return &refusal{http.StatusForbidden, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", "SenderId mismatch", ""}
	case "bad":
		return &refusal{http.StatusBadRequest, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token", ""}
	case "busy":
		return &refusal{http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "Device message rate exceeded.", "device"}
	}
	return nil
}

// shape is the fields that an object may have, in camel case; a nil shape takes any value.
type shape map[string]shape

var fcmOptions = shape{"analyticsLabel": nil, "image": nil, "link": nil}

var requestShape = shape{"validateOnly": nil, "message": {
	"name": nil, "data": nil, "token": nil, "topic": nil, "condition": nil, "fcmOptions": fcmOptions,
	"notification": {"title": nil, "body": nil, "image": nil},
	"android": {"collapseKey": nil, "priority": nil, "ttl": nil, "restrictedPackageName": nil, "data": nil, "fcmOptions": fcmOptions,
		"directBootOk": nil, "bandwidthConstrainedOk": nil, "restrictedSatelliteOk": nil, "notification": {
			"title": nil, "body": nil, "icon": nil, "color": nil, "sound": nil, "tag": nil, "clickAction": nil, "bodyLocKey": nil,
			"bodyLocArgs": nil, "titleLocKey": nil, "titleLocArgs": nil, "channelId": nil, "ticker": nil, "sticky": nil, "eventTime": nil,
			"localOnly": nil, "notificationPriority": nil, "defaultSound": nil, "defaultVibrateTimings": nil, "defaultLightSettings": nil,
			"vibrateTimings": nil, "visibility": nil, "notificationCount": nil, "lightSettings": nil, "image": nil,
			"bypassProxyNotification": nil, "proxy": nil}},
	"webpush": {"headers": nil, "data": nil, "notification": nil, "fcmOptions": fcmOptions},
	"apns":    {"headers": nil, "payload": nil, "fcmOptions": fcmOptions, "liveActivityToken": nil},
}}

// check finds the first field that FCM does not know. raw is valid JSON.
func (s shape) check(path string, raw []byte) (bad *refusal) {
	if s == nil || absent(raw) {
		return nil
	}
	if !isObject(raw) {
		f := invalid(path, "an object is wanted")
		return &f
	}
	each(raw, func(name, value []byte) bool {
		inner, known := s[string(name[1:len(name)-1])]
		if !known {
			plain, _ := text(name)
			if inner, known = s[camel(plain)]; !known {
				bad = &refusal{http.StatusBadRequest, "INVALID_ARGUMENT", "",
					fmt.Sprintf("Invalid JSON payload received. Unknown name %q at '%s': Cannot find field.", plain, path), ""}
				return false
			}
		}
		if inner != nil {
			bad = inner.check(strings.TrimPrefix(path+"."+string(name[1:len(name)-1]), "."), value)
		}
		return bad == nil
	})
	return bad
}

// camel makes camelCase of snake_case: FCM takes both.
func camel(name string) string {
	parts := strings.Split(name, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}

var seconds = regexp.MustCompile(`^\d+(\.\d{1,9})?s$`)

// sent is what a request asks for. The raw values are pieces of it.
type sent struct {
	token, topic, condition        string
	validateOnly                   bool
	data, notification, apns       []byte // apns: the payload
	android, apnsParts, webpush    []byte
	priority, ttl, notificationID  string
	rawToken, rawTopic, rawMessage []byte
}

// parse reads a request as FCM v1 does.
func parse(b []byte) (*sent, *refusal) {
	refuse := func(path, message string) (*sent, *refusal) {
		f := invalid(path, message)
		return nil, &f
	}
	b = bytes.TrimSpace(b)
	if !json.Valid(b) {
		return refuse("", "an object is wanted")
	}
	if f := requestShape.check("", b); f != nil {
		return nil, f
	}
	m := &sent{}
	if !m.read(b) {
		return refuse("message", "a field has the wrong type")
	}
	if absent(m.rawMessage) {
		return refuse("message", "required")
	}
	limit := maxPayload
	if m.topic != "" {
		limit = maxTopicPayload
	}
	p := strings.ToLower(m.priority)
	switch {
	case min(1, len(m.token))+min(1, len(m.topic))+min(1, len(m.condition)) != 1:
		return refuse("message", "Exactly one of token, topic and condition must be set.")
	case p != "" && p != "normal" && p != "high":
		return refuse("message.android.priority", "NORMAL or HIGH")
	case m.ttl != "" && !seconds.MatchString(m.ttl):
		return refuse("message.android.ttl", "seconds are wanted, such as 3.5s")
	case len(m.data)+len(m.notification)+len(m.apns) > limit:
		return refuse("message", fmt.Sprintf("Message is too big, must be less than or equal to %d bytes.", limit))
	}
	if !absent(m.data) && !each(m.data, m.datum) {
		return refuse("message.data", "reserved key")
	}
	return m, nil
}

// read takes the fields that matter; false when one has the wrong type.
func (m *sent) read(request []byte) bool {
	if absent(request) {
		return true
	}
	ok := true
	flag := func(raw []byte) bool { return bytes.Equal(raw, []byte("true")) }
	each(request, func(name, v []byte) bool {
		switch string(name) {
		case `"message"`:
			m.rawMessage = v
		case `"validate_only"`, `"validateOnly"`:
			ok = ok && (flag(v) || absent(v) || bytes.Equal(v, []byte("false")))
			m.validateOnly = m.validateOnly || flag(v)
		}
		return true
	})
	if absent(m.rawMessage) {
		return ok
	}
	take := func(to *string, raw []byte) {
		s, is := text(raw)
		*to, ok = s, ok && is
	}
	each(m.rawMessage, func(name, v []byte) bool {
		switch string(name) {
		case `"token"`:
			m.rawToken = v
			take(&m.token, v)
		case `"topic"`:
			m.rawTopic = v
			take(&m.topic, v)
		case `"condition"`:
			take(&m.condition, v)
		case `"data"`:
			m.data, ok = v, ok && texts(v)
		case `"notification"`:
			m.notification = v
		case `"android"`:
			m.android = v
		case `"apns"`:
			m.apnsParts = v
		case `"webpush"`:
			m.webpush = v
		}
		return true
	})
	fields := func(object []byte, f func(name, v []byte)) {
		if !absent(object) {
			each(object, func(name, v []byte) bool { f(name, v); return true })
		}
	}
	fields(m.android, func(name, v []byte) {
		switch string(name) {
		case `"priority"`:
			take(&m.priority, v)
		case `"ttl"`:
			take(&m.ttl, v)
		}
	})
	fields(m.apnsParts, func(name, v []byte) {
		switch string(name) {
		case `"headers"`:
			ok = ok && texts(v)
		case `"payload"`:
			m.apns, ok = v, ok && (absent(v) || isObject(v))
		}
	})
	fields(m.webpush, func(name, v []byte) { ok = ok && (string(name) != `"headers"` || texts(v)) })
	return ok
}

// datum refuses the keys that FCM keeps for itself, and notes the message's id.
func (m *sent) datum(name, value []byte) bool {
	k, _ := text(name)
	if k == "notification_id" {
		m.notificationID, _ = text(value)
	}
	return k != "from" && k != "message_type" && !strings.HasPrefix(k, "google.") && !strings.HasPrefix(k, "gcm.notification.")
}
