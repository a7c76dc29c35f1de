package push

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestPolicy_JSON(t *testing.T) {
	t.Parallel()
	p := Policy{Kind: Closed, Rev: 3, Steps: []Step{{ChannelSMS, time.Minute}}, Urgent: true, TTL: time.Hour, By: "staff",
		At: time.Unix(1, 0).UTC()}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"kind":"closed","rev":3,"steps":[{"channel":"sms","wait_seconds":60}],"urgent":true,"replaces":false,"ttl_seconds":3600,` +
		`"by":"staff","at":"1970-01-01T00:00:01Z"}`
	if string(b) != want {
		t.Errorf("%s; want %s", b, want)
	}
	var again Policy
	if err := json.Unmarshal(b, &again); err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("%+v, %v; want %+v", again, err, p)
	}
}

// So many seconds that they do not fit into a duration are too many, and never few.
func TestPolicy_JSON_overflow(t *testing.T) {
	t.Parallel()
	for _, n := range []string{"9223372037", "18446744074", "9223372036854775807", "-9223372037"} {
		var p Policy
		doc := `{"kind":"closed","ttl_seconds":` + n + `,"steps":[{"channel":"sms","wait_seconds":` + n + `}]}`
		if err := json.Unmarshal([]byte(doc), &p); err != nil {
			t.Fatal(err)
		}
		const want = "validation_failed: steps/0/wait_seconds out_of_range, ttl_seconds out_of_range"
		if err := p.check(); err == nil || err.Error() != want {
			t.Errorf("%s: %v; want %s", n, err, want)
		}
	}
}

func TestDefaultPolicies(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds {
		if err := defaultPolicy(k).check(); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
}
