package push

import (
	"context"
	"time"

	"github.com/balagh/balagh/fault"
)

// verdict on a delivery before it is sent. The zero value lets it go.
type verdict struct {
	pointless string    // why it need not be sent any more
	notBefore time.Time // it has to wait
	err       error
}

// fresh is how long a message goes out in the order in which things happened. What waited longer, for the end of quiet hours or of a
// pause of the channel, goes at once with all that waited with it, in no order.
const fresh = time.Minute

// compose is what goes out now: in the present words, to the token or address that the person has now, if it is still wanted. After
// a log-out a device has no token, and after somebody else signed in on it, it is theirs.
func (s *Service) compose(ctx context.Context, d Delivery, people map[string]Contact, now time.Time) (n Notice, v verdict) {
	var b *Broadcast
	if d.Broadcast != "" {
		var err error
		switch b, err = s.announcement(ctx, d.Broadcast); {
		case fault.CodeOf(err) == fault.NotFound:
			return n, verdict{pointless: "withdrawn"}
		case err != nil:
			return n, verdict{err: err}
		}
		if paused, stopped := b.halted(); stopped {
			return n, verdict{pointless: "stopped"}
		} else if paused {
			return n, verdict{notBefore: now.Add(b.lookAgain(now))}
		}
	}
	n = Notice{ID: d.Message, Delivery: d.ID, Kind: d.Kind, Report: d.Report, Number: d.Number, Centre: d.Centre, Urgent: d.Urgent,
		Language: Languages[0], TTL: d.Deadline.Sub(now)}
	if d.Attempts == 0 && now.Sub(d.At) < fresh { // what was held up must not take the place of what was said since
		n.Collapse = d.Collapse
	}
	if d.Citizen == "" {
		n.To, n.Topic, n.Language = d.Target, true, topicLanguage(d.Target)
	} else {
		c, there := people[d.Citizen]
		if !there {
			return n, verdict{pointless: "no_account"}
		}
		if !d.Urgent {
			if until := c.Quiet.Until(now); until.After(now) {
				return n, verdict{notBefore: until}
			}
		}
		if why := n.address(d, c); why != "" {
			return n, verdict{pointless: why}
		}
		if replaced, err := s.replaced(ctx, d, now); err != nil {
			return n, verdict{err: err}
		} else if replaced {
			return n, verdict{pointless: Replaced}
		}
	}
	if b != nil {
		n.Text = b.Texts[n.Language]
		return n, v
	}
	x := vars(d.Number, d.Survey, n.Language)
	if d.Survey != nil {
		if n.Survey = d.Survey.Invitation; d.Channel == ChannelSMS || d.Channel == ChannelEmail {
			if s.Link == nil { // nothing serves it any more
				return n, verdict{pointless: "no_address"}
			}
			x.Link = s.Link(n.Survey) + "?lang=" + n.Language // of the person: the browser may speak another
		}
	}
	n.Text = s.Wording().Text(d.Kind, d.Channel, n.Language, x)
	return n, v
}

// Replaced is the reason of what was held up until something newer about the same report took its place.
const Replaced = "replaced"

// replaced says whether something newer was said about the report since, and d waited for so long that it would come beside it. What
// goes at once, by whatever channel, is never replaced: each step of a report is told.
func (s *Service) replaced(ctx context.Context, d Delivery, now time.Time) (bool, error) {
	if d.Report == "" || now.Sub(d.At) < fresh {
		return false, nil
	}
	w := s.Wording()
	if !w.Policy(d.Kind).Replaces {
		return false, nil
	}
	var kinds []Kind
	for _, k := range Kinds {
		if w.Policy(k).Replaces {
			kinds = append(kinds, k)
		}
	}
	return s.Store.NewerMessage(ctx, d.Citizen, d.Report, d.At, kinds)
}

// address fills in where the notice goes and in which language, or says why it does not go.
func (n *Notice) address(d Delivery, c Contact) (why string) {
	wanted := false
	n.Language = c.Language
	switch d.Channel {
	case ChannelSMS:
		n.To, wanted = c.Phone, c.SMS
	case ChannelEmail:
		n.To, n.Name, wanted = c.Email, c.Name, c.Mail
	default:
		wanted = c.Push
		for _, x := range c.Devices {
			if x.ID == d.Target && x.channel() == d.Channel {
				n.Device, n.To = x, x.Token
			}
		}
		if n.Device.Language != "" {
			n.Language = n.Device.Language
		}
	}
	n.Language = language(n.Language)
	switch {
	case !wanted:
		return "not_wanted"
	case n.To == "":
		return "no_address"
	}
	return ""
}

// topicLanguage is the language of a topic, whose name ends with it.
func topicLanguage(topic string) string {
	if len(topic) > 2 {
		return language(topic[len(topic)-2:])
	}
	return Languages[0]
}
