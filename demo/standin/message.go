package standin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

const maxPayload = 4096 // bytes of notification and data

// refusal is an error in Google's form.
type refusal struct {
	http    int
	status  string
	code    string // of FCM
	message string
}

func invalid(path, message string) refusal {
	if path != "" {
		message = fmt.Sprintf("Invalid value at '%s': %s", path, message)
	}
	return refusal{http.StatusBadRequest, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message}
}

func write(w http.ResponseWriter, f refusal) {
	body := map[string]any{"code": f.http, "message": f.message, "status": f.status}
	if f.code != "" {
		body["details"] = []any{map[string]string{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": f.code}}
	}
	answer(w, f.http, map[string]any{"error": body})
}

// tokenRefusal is what FCM knows of a token, by its beginning.
func tokenRefusal(token string) *refusal {
	switch kind, _, _ := strings.Cut(token, "-"); kind {
	case "dead":
		return &refusal{http.StatusNotFound, "NOT_FOUND", "UNREGISTERED", "Requested entity was not found."}
	case "foreign":
		return &refusal{http.StatusForbidden, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", "SenderId mismatch"}
	case "bad":
		return &refusal{http.StatusBadRequest, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"}
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

// check finds the first field that FCM does not know.
func (s shape) check(path string, raw json.RawMessage) *refusal {
	if s == nil {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		f := invalid(path, "an object is wanted")
		return &f
	}
	for name, v := range fields {
		inner, known := s[camel(name)]
		if !known {
			f := refusal{http.StatusBadRequest, "INVALID_ARGUMENT", "",
				fmt.Sprintf("Invalid JSON payload received. Unknown name %q at '%s': Cannot find field.", name, path)}
			return &f
		}
		if f := inner.check(strings.TrimPrefix(path+"."+name, "."), v); f != nil {
			return f
		}
	}
	return nil
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

// parse reads a request as FCM v1 does.
func parse(b []byte) (m Message, validateOnly bool, bad *refusal) {
	refuse := func(path, message string) (Message, bool, *refusal) {
		f := invalid(path, message)
		return Message{}, false, &f
	}
	if f := requestShape.check("", b); f != nil {
		return Message{}, false, f
	}
	var r struct {
		ValidateOnly      bool `json:"validate_only"`
		ValidateOnlyCamel bool `json:"validateOnly"`
		Message           *struct {
			Token, Topic, Condition string
			Data                    map[string]string
			Notification            map[string]any
			Android                 struct {
				Priority, TTL string
			}
			APNS struct {
				Headers map[string]string
				Payload map[string]any
			}
			Webpush struct {
				Headers map[string]string
			}
		} `json:"message"`
	}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&r); err != nil {
		return refuse("message", "a field has the wrong type")
	}
	if r.Message == nil {
		return refuse("message", "required")
	}
	targets := 0
	for _, t := range []string{r.Message.Token, r.Message.Topic, r.Message.Condition} {
		targets += min(1, len(t))
	}
	p := strings.ToLower(r.Message.Android.Priority)
	switch {
	case targets != 1:
		return refuse("message", "Exactly one of token, topic and condition must be set.")
	case p != "" && p != "normal" && p != "high":
		return refuse("message.android.priority", "NORMAL or HIGH")
	case r.Message.Android.TTL != "" && !seconds.MatchString(r.Message.Android.TTL):
		return refuse("message.android.ttl", "seconds are wanted, such as 3.5s")
	}
	payload, err := json.Marshal(map[string]any{"data": r.Message.Data, "notification": r.Message.Notification, "apns": r.Message.APNS.Payload})
	if err != nil || len(payload) > maxPayload {
		return refuse("message", "Message is too big, must be less than or equal to 4096 bytes.")
	}
	for k := range r.Message.Data {
		if k == "from" || k == "message_type" || strings.HasPrefix(k, "google.") || strings.HasPrefix(k, "gcm.notification.") {
			return refuse("message.data", "reserved key")
		}
	}
	m = Message{Token: r.Message.Token, Topic: r.Message.Topic, Data: r.Message.Data, Notification: r.Message.Notification}
	return m, r.ValidateOnly || r.ValidateOnlyCamel, nil
}
