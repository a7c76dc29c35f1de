package push

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite docs/delivery.md from the table of moves")

// moveWhy says why a delivery moves; each move of the table has one, and nothing else has.
var moveWhy = map[[2]State]string{
	{Queued, Leased}:      "a sender takes it",
	{Queued, Delivered}:   "the app fetched the inbox first",
	{Queued, Suppressed}:  "read, told otherwise, or the broadcast was stopped",
	{Leased, Leased}:      "the lease ended, another sender takes it",
	{Leased, Queued}:      "to be tried again, or given back",
	{Leased, Accepted}:    "the channel took it",
	{Leased, Delivered}:   "the phone was quicker than the channel's answer",
	{Leased, Read}:        "likewise",
	{Leased, Failed}:      "the channel will never take it",
	{Leased, Expired}:     "its time is over",
	{Leased, Suppressed}:  "not wanted any more, or nowhere to go",
	{Accepted, Delivered}: "the phone or the gateway says so",
	{Accepted, Read}:      "opened",
	{Accepted, Failed}:    "the gateway says later that it could not",
	{Delivered, Read}:     "opened",
	{Failed, Queued}:      "staff try again",
	{Expired, Queued}:     "staff try again",
}

func TestMoves_Document(t *testing.T) {
	path := filepath.Join("..", "docs", "delivery.md")
	want := deliveryDocument(t)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale: go test ./push -run TestMoves_Document -update", path)
	}
}

func deliveryDocument(t *testing.T) string {
	var b strings.Builder
	b.WriteString(`# The way of a message to a person

<!-- Drawn from push.Moves and the policies. Do not edit; run: go test ./push -run TestMoves_Document -update -->

A fact becomes one *message* in the inbox and the *deliveries* of the first step of its *chain*, one for each device, number or
address, in one atomic write. Their ids are derived from the fact: the same fact again changes nothing. A sender for each channel
takes deliveries from the queue and makes one attempt at a time.

## States of a delivery

`)
	drawn := 0
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> queued\n")
	for _, from := range States {
		for _, to := range Moves[from] {
			why, there := moveWhy[[2]State{from, to}]
			if !there {
				t.Errorf("nothing says why a delivery moves from %s to %s", from, to)
			}
			fmt.Fprintf(&b, "    %s --> %s: %s\n", from, to, why)
			drawn++
		}
		if len(Moves[from]) == 0 {
			fmt.Fprintf(&b, "    %s --> [*]\n", from)
		}
	}
	if drawn != len(moveWhy) {
		t.Errorf("%d moves are drawn, %d are explained", drawn, len(moveWhy))
	}
	b.WriteString("```\n\nA move that is not drawn here does not happen. *Accepted* proves nothing about the phone: only *delivered* and *read*, which the\n" +
		"app says, and the receipts of an SMS gateway do.\n\n## The chain\n\n")
	b.WriteString("| kind | steps, and how long each has | passes quiet hours | a newer one takes its place | worth delivering for |\n| --- | --- | --- | --- | --- |\n")
	yes := map[bool]string{true: "yes"}
	for _, k := range Kinds {
		p := defaultPolicy(k)
		var steps []string
		for _, s := range p.Steps {
			steps = append(steps, s.Channel+" "+short(s.Wait))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k, strings.Join(steps, " → "), yes[p.Urgent], yes[p.Replaces], short(p.TTL))
	}
	fmt.Fprintf(&b, chainText, short(chainPoll), short(chainLease), NoChannel, AllFailed, TooLate, NotAcknowledged)
	s := Sender{Service: New(nil, nil)}
	s.defaults()
	fmt.Fprintf(&b, answerText, short(firstRetry), short(lastRetry), short(throttleLeast))
	fmt.Fprintf(&b, leaseText, short(s.Timeout), short(s.Lease), short(clockJump))
	fmt.Fprintf(&b, faultText, short(s.Lease), short(settleAgain), settleTries, short(s.Lease), short(s.Lease), short(chainLease), short(haltAgain), short(haltedMost))
	return b.String()
}

// short is a duration as people write it.
func short(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d >= time.Second && d%time.Second == 0:
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%d ms", d/time.Millisecond)
}

const chainText = `
These policies come with the program; administrators change them, and what is under way takes its next step by the new ones.

- A step without a target – no device, no number, no wish, no such channel here – is passed over at once.
- The next step is taken when nobody has acknowledged the message within the step's time, or as soon as every delivery of the step
  has failed, expired or was suppressed. While one phone of several took it, its time runs on.
- The first acknowledgement ends the chain: the phone fetched the message, or it was opened. So does a channel that tells no more
  than that it took the message (an e-mail, an SMS without receipts), when the step's time is over.
- When a later step's channel takes the message, what still waits in earlier steps is suppressed (` + "`told_otherwise`" + `); so is an SMS or
  e-mail that waits while the app says that it has the message.
- Where the policy says that newer messages replace: what was held up for over a minute, by quiet hours or by a channel that is out,
  goes no more when something newer was said about the report (` + "`replaced`" + `). What goes at once is never replaced.
- Quiet hours are the person's, by the clock on the person's wall. A step that falls into them begins when they end, and its time
  counts from then. Urgent messages pass.
- Chains are looked at every %s, and at once when a delivery ends without success; by any number of processes, each chain under
  a lease of %s. Planning a step twice plans it once, because the ids of its deliveries are derived.

At the end of the chain, a message that has no sign of having arrived is *not reached*, and the contact centre sees the person:

| reason | when |
| --- | --- |
| ` + "`%s`" + ` | no step had a target, or what was planned was not wanted any more |
| ` + "`%s`" + ` | a channel refused, and none took it |
| ` + "`%s`" + ` | no channel took it in its time |
| ` + "`%s`" + ` | a channel took it, and no phone said that it has it |

An acknowledgement that comes later takes the person off that list.
`

const answerText = `
## What follows on a channel's answer

| answer | means | state | next |
| --- | --- | --- | --- |
| taken | accepted under a name | ` + "`accepted`" + ` | wait for the acknowledgement |
| later | out of order, or no answer | ` + "`queued`" + ` | again after what the channel asks, at the least a random time up to %s, doubled with each attempt up to %s |
| throttled | too much at once | ` + "`queued`" + ` | the whole channel pauses for what it asks, at the least %s |
| gone | the token is dead | ` + "`failed`" + ` | the token is dropped, if the phone has no newer one; the chain is looked at |
| foreign | the token is another sender's | ` + "`failed`" + ` | the token rests for a week, or until the phone registers it again; the chain is looked at |
| refused | wrong, and wrong again next time | ` + "`failed`" + ` | the chain is looked at |
| a panic | a fault of the program | ` + "`failed`" + ` | not tried again; the chain is looked at |

What would be tried again only after its deadline is ` + "`expired`" + ` at once. Before each attempt the contact, the wish, the quiet hours, the
text and the deadline are looked at anew: nothing goes to a phone that was signed out, or that somebody else signed in on.
`

const leaseText = `
## Leases and clocks

An attempt ends within %s; a lease lasts %s. Each lease of a delivery has a higher fence, and a result with an older fence is left
alone. A sender leases no more than it attempts at once, so nothing waits leased.

A lease that has ended is taken over only by a sender that has itself seen a whole lease pass on the machine's steady clock, which
nobody sets: since it started, and since it last saw the clock on the wall jump by more than %s against the steady one. So neither
a restart nor a clock that is set makes anything go twice, whichever way it is set. After that same time, leases that end later than
any right clock could have made them are ended. The pause of a throttled channel is kept by the steady clock as well.

A clock that was ahead when a message was planned is believed for that message: it goes when that time comes.
`

const faultText = `
## What happens at each fault

| fault | what follows |
| --- | --- |
| the process dies before the write of a fact | the relay tells the fact again; derived ids make it one message |
| it dies after an attempt, before the write of its result | the delivery goes again after %s: a phone drops what it has by its ` + "`notification_id`" + `, and the collapse key lets a newer push replace an older one; an SMS may come twice |
| the store refuses results | they are held and written again every %s, and nothing further is sent meanwhile; at a stop it is given up after %d tries, and the leases end by themselves |
| two senders at once | each delivery is leased by one |
| a sender hangs or dies | its leases end after %s; the others take them over |
| the clock is set | nothing is taken over for %s |
| the directory cannot be asked | like a channel that is out of order; chains are taken up again when their lease of %s is over |
| a row cannot be read | it is failed as ` + "`unreadable`" + ` and spoils no other |
| the channel is out for longer than the step's time | the next step is taken; what still waits is suppressed when that one is taken, else it goes when the channel is back |
| the account is deleted | what waits is suppressed (` + "`no_account`" + `), the chain is over, nobody is missed |
| the policy loses steps meanwhile | the chain ends at the step that it is at |
| the phone acknowledges before the channel has answered | the acknowledgement stays |
| a gateway calls twice | the second call is refused and changes nothing |
| a broadcast is paused | its deliveries are looked at again after %s, and after as long as the pause has been, %s at the most; stopped, they are suppressed |
| a stop of the process | attempts finish, what was not begun is given back, results are written |
`
