package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/sms"
)

type pushCommand struct {
	Test pushTestCommand `cmd:"" help:"Send one message to a phone, browser, number or address, and say what happened."`
}

// pushTestCommand makes one attempt through a channel as it is configured. It uses the built-in text of a resolved report with a number
// that belongs to none, and neither reads nor writes the store.
type pushTestCommand struct {
	To       string        `required:"" placeholder:"TARGET" help:"A token of FCM, a number such as +9665…, an e-mail address, or the JSON of a browser's subscription."`
	Language string        `default:"ar" enum:"ar,en,ur" help:"Language of the text: ar, en or ur."`
	Wait     time.Duration `default:"30s" help:"How long to wait for an answer."`
	settings
}

const testNumber = "1234567897"

// Run sends. What was not taken is an error.
func (c *pushTestCommand) Run(ctx context.Context, std stdio) error {
	channel, n, err := c.notice()
	if err != nil {
		return err
	}
	o := &outlets{channels: map[string]push.Channel{}, confirms: map[string]bool{}}
	defer o.close()
	if err := c.open(ctx, channel, c.logger(std.err), o); err != nil {
		return err
	}
	way, there := o.channels[channel]
	if !there {
		return fmt.Errorf("the channel %s is not configured: balagh config shows its settings, %s", channel, settingsOf[channel])
	}
	ctx, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	if o.smpp != nil && channel == push.ChannelSMS {
		done := make(chan struct{})
		go func() { defer close(done); _ = o.smpp.Run(ctx) }()
		defer func() { cancel(); <-done }()
		for !o.smpp.Bound() && ctx.Err() == nil {
			time.Sleep(50 * time.Millisecond)
		}
	}
	fmt.Fprintf(std.out, "channel   %s\nlanguage  %s\n", channel, c.Language)
	if channel == push.ChannelSMS {
		segments, encoding := sms.Segments(n.Text.Body)
		fmt.Fprintf(std.out, "segments  %d, %s\n", segments, encoding)
	}
	began := time.Now()
	out := way.Send(ctx, n)
	fmt.Fprintf(std.out, "answer    %s after %v\n", answers[out.Answer], time.Since(began).Round(time.Millisecond))
	for _, line := range [][2]string{{"reason", out.Reason}, {"name", out.Ref}} {
		if line[1] != "" {
			fmt.Fprintf(std.out, "%-9s %s\n", line[0], line[1])
		}
	}
	if out.After > 0 {
		fmt.Fprintf(std.out, "not before %v\n", out.After)
	}
	if out.Answer != push.Taken {
		return errors.New("the message was not accepted")
	}
	return nil
}

// open builds the one channel: the others may not be configured yet.
func (c *pushTestCommand) open(ctx context.Context, channel string, log *slog.Logger, o *outlets) error {
	var bad []error
	if !c.Dev {
		c.unsafe(func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) })
	}
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	switch channel {
	case push.ChannelPush:
		return c.openPush(ctx, o)
	case push.ChannelWeb:
		return c.openWeb(o)
	case push.ChannelSMS:
		return c.openSMS(log, nil, o)
	}
	return c.openMail(o)
}

var answers = map[push.Answer]string{push.Taken: "accepted", push.Later: "not now: it would be tried again", push.Gone: "gone: the token would be dropped",
	push.Foreign: "the token belongs to another sender", push.Refused: "refused: it would be set aside", push.Throttled: "too much: the whole channel would wait"}

var settingsOf = map[string]string{push.ChannelPush: "BALAGH_FCM_…", push.ChannelWeb: "BALAGH_WEB_PUSH_…", push.ChannelSMS: "BALAGH_SMS_… or BALAGH_SMPP_…",
	push.ChannelEmail: "BALAGH_SMTP_…"}

// notice is what is sent, and through which channel: the target shows it.
func (c *pushTestCommand) notice() (channel string, n push.Notice, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", n, err
	}
	to := strings.TrimSpace(c.To)
	n = push.Notice{ID: id.String(), Delivery: id.String(), Kind: push.Resolved, Number: testNumber, To: to, Language: c.Language, TTL: time.Hour}
	switch {
	case strings.HasPrefix(to, "{"):
		var subscription struct {
			Endpoint string       `json:"endpoint"`
			Keys     push.WebKeys `json:"keys"`
		}
		if err := json.Unmarshal([]byte(to), &subscription); err != nil || subscription.Endpoint == "" {
			return "", n, errors.New("--to: that is not the JSON of a browser's subscription: {\"endpoint\": …, \"keys\": {\"p256dh\": …, \"auth\": …}}")
		}
		channel, n.To = push.ChannelWeb, subscription.Endpoint
		n.Device = push.Device{Token: n.To, Platform: "web", Keys: subscription.Keys}
	case strings.Contains(to, "@"):
		channel = push.ChannelEmail
	case strings.HasPrefix(to, "+"):
		channel = push.ChannelSMS
		if e164, ok := accounts.ParsePhone(to); ok { // as people write it: with spaces, with Arabic digits
			n.To = e164
		}
	case to == "" || strings.IndexFunc(to, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0:
		return "", n, errors.New("--to: that is no token, number, address or subscription; write a number with its country, such as +966512345678")
	case slices.Contains([]int{9, 10, 12, 14}, len(to)) && strings.Trim(to, "0123456789") == "":
		return "", n, errors.New("--to: write the number with its country, such as +966512345678")
	default:
		channel = push.ChannelPush
		n.Device = push.Device{Token: to, Platform: "android"}
	}
	n.Text = push.New(nil, nil).Wording().Text(n.Kind, channel, c.Language, push.Vars{Number: testNumber})
	return channel, n, nil
}
