package push

import (
	"encoding/json"
	"time"
)

// Step of a chain: a channel, and how long it has to bring an acknowledgement before the next step is taken.
type Step struct {
	Channel string        // ChannelPush, ChannelSMS or ChannelEmail
	Wait    time.Duration // whole seconds
}

type stepJSON struct {
	Channel string `json:"channel"`
	Wait    int64  `json:"wait_seconds"`
}

// MarshalJSON writes {"channel": …, "wait_seconds": …}.
func (s Step) MarshalJSON() ([]byte, error) {
	return json.Marshal(stepJSON{s.Channel, int64(s.Wait / time.Second)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Step) UnmarshalJSON(b []byte) error {
	var j stepJSON
	err := json.Unmarshal(b, &j)
	*s = Step{j.Channel, time.Duration(j.Wait) * time.Second}
	return err
}

// Policy says how the messages of a kind go out.
type Policy struct {
	Kind     Kind          `json:"kind"`
	Rev      int64         `json:"rev"`      // 0 for the one that comes with the program
	Steps    []Step        `json:"steps"`    // taken one after the other until the person has it; may be empty: inbox only
	Urgent   bool          `json:"urgent"`   // passes quiet hours
	Replaces bool          `json:"replaces"` // a newer one about the same report may take the place of one that a phone has not got yet
	TTL      time.Duration `json:"ttl"`      // how long it is worth delivering
}

// defaultPolicy of a kind: what happens to a report goes by push, after ten minutes without an acknowledgement by SMS, and where
// that fails by e-mail. What concerns everybody goes by push alone.
func defaultPolicy(k Kind) Policy {
	p := Policy{Kind: k, TTL: DefaultExpiry, Replaces: k != Received && k != Reply && k != Announcement,
		Steps: []Step{{ChannelPush, 10 * time.Minute}, {ChannelSMS, time.Hour}, {ChannelEmail, time.Hour}}}
	if k == Announcement {
		p.Steps = p.Steps[:1]
	}
	return p
}
