package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
)

// sent puts a message about a report into a citizen's inbox, with one delivery of which the channel says what result does. Its time
// comes only later, and the channel has to be one that this installation does not send through, so nobody else takes it.
func (i *installation) sent(citizen, report, channel, target string, result push.Result) push.Delivery {
	i.t.Helper()
	store, now := i.parts.store, time.Now().UTC().Truncate(time.Millisecond)
	due, id := now.Add(time.Hour), i.parts.server.Reports.NewID()
	d := push.Delivery{ID: event.Derive(id, channel, target), Message: id, Citizen: citizen, Target: target, Channel: channel, Kind: push.Resolved, Report: report,
		Number: "4821907356", Centre: "riyadh", At: now, Planned: due, Deadline: due.Add(time.Hour), Day: due.In(i.parts.told.Zone).Format(time.DateOnly), Due: due}
	m := push.Message{ID: id, Citizen: citizen, Kind: d.Kind, Report: report, Number: d.Number, Centre: d.Centre, At: now}
	plan := push.Plan{Deliveries: []push.Delivery{d}}
	if result.State == push.Failed {
		plan.Unreached, plan.Since = push.AllFailed, now
	}
	if _, err := store.PlanMessages(i.t.Context(), []push.Planned{{Message: m, Plan: plan}}); err != nil {
		i.t.Fatal(err)
	}
	all, err := store.LeaseDeliveries(i.t.Context(), channel, due, time.Minute, 10, false)
	if err != nil {
		i.t.Fatal(err)
	}
	n := slices.IndexFunc(all, func(x push.Delivery) bool { return x.ID == d.ID })
	if n < 0 {
		i.t.Fatal("the delivery was not queued")
	}
	result.Delivery, result.At = all[n], due.Add(50*time.Millisecond)
	if err := store.SettleDeliveries(i.t.Context(), []push.Result{result}); err != nil {
		i.t.Fatal(err)
	}
	return d
}

// stateOf is the state of the one delivery of a message.
func (i *installation) stateOf(message string) push.State {
	i.t.Helper()
	all, err := i.parts.store.Deliveries(i.t.Context(), message)
	if err != nil || len(all) != 1 {
		i.t.Fatalf("%d deliveries, %v", len(all), err)
	}
	return all[0].State
}

// TestLedger_Report: staff see what was sent about a report, and never where to.
func TestLedger_Report(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen, clerk := i.citizen("+966500000321"), i.staff(actor.Clerk, "riyadh", "*")
	const phone = "5f0c7a52-93c1-4b0f-8f6e-1d2a3b4c5d6e"
	citizen.do("PUT", "/v1/me/devices/"+phone, map[string]any{"platform": "ios", "push_token": "a-secret-token"}).want(200)
	report := citizen.do("POST", "/v1/reports", speakers).want(201).str("id")
	d := i.sent(citizen.id, report, push.ChannelPush, phone, push.Result{State: push.Accepted, Ref: "projects/balagh/messages/1"})
	path := "/v1/desk/reports/" + report + "/deliveries"
	var trail *answer
	eventually(t, "both messages", func() bool { trail = clerk.do("GET", path, nil).want(200); return trail.len("items") == 2 })
	at := 0
	if trail.str("items", 1, "id") == d.Message {
		at = 1
	}
	if trail.str("items", at, "kind") != "resolved" || !strings.Contains(trail.str("items", at, "body"), d.Number) || trail.str("items", at, "read_at") != "" {
		t.Errorf("the message: %s", trail.body)
	}
	for key, want := range map[string]string{"channel": "push", "state": "accepted", "platform": "ios", "ref": "projects/balagh/messages/1"} {
		if got := trail.str("items", at, "deliveries", 0, key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if strings.Contains(string(trail.body), "token") {
		t.Errorf("a token is shown: %s", trail.body)
	}
	citizen.do("POST", "/v1/inbox/"+d.Message+"/read", nil).want(204)
	if trail = clerk.do("GET", path, nil).want(200); trail.str("items", at, "read_at") == "" || trail.str("items", at, "deliveries", 0, "state") != "read" {
		t.Errorf("after it was read: %s", trail.body)
	}
	// who has no account is told nothing through us
	anonymous := (&client{i: i, t: t}).do("POST", "/v1/reports", strings.NewReplacer(`"loudspeakers"`, `"maintenance"`, `,"attributes":{"mosque_name":"جامع الملك خالد"}`, "").Replace(speakers)).want(201)
	if a := clerk.do("GET", "/v1/desk/reports/"+anonymous.str("id")+"/deliveries", nil).want(200); a.len("items") != 0 {
		t.Errorf("an anonymous report: %s", a.body)
	}
}

// TestLedger_Unreached: the centre sees by name who could not be told, until the person has read it after all.
func TestLedger_Unreached(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen := i.citizen("+966500000322")
	citizen.do("PATCH", "/v1/me", map[string]any{"name": "نورة القحطاني"}).want(200)
	citizen.do("PUT", "/v1/me/preferences", map[string]any{"push": false, "sms": false, "email": false}).want(200)
	report := citizen.do("POST", "/v1/reports", speakers).want(201).str("id")
	clerk, elsewhere := i.staff(actor.Clerk, "riyadh", "*"), i.staff(actor.Clerk, "qassim", "*")
	var l *answer
	eventually(t, "somebody who was not reached", func() bool {
		l = clerk.do("GET", "/v1/desk/unreached?reason=no_channel&centre=riyadh", nil).want(200)
		return l.len("items") == 1
	})
	if l.str("items", 0, "report_id") != report || l.str("items", 0, "citizen", "name") != "نورة القحطاني" || l.str("items", 0, "citizen", "phone") != "+966500000322" ||
		l.str("items", 0, "kind") != "received" || l.str("items", 0, "reason") != "no_channel" || l.str("items", 0, "centre", "code") != "riyadh" {
		t.Errorf("shown: %s", l.body)
	}
	if a := clerk.do("GET", "/v1/desk/reports/"+report+"/deliveries", nil).want(200); a.str("items", 0, "unreached") != "no_channel" || a.str("items", 0, "unreached_since") == "" {
		t.Errorf("the trail: %s", a.body)
	}
	for _, path := range []string{"/v1/desk/unreached", "/v1/desk/unreached?centre=riyadh"} {
		if a := elsewhere.do("GET", path, nil).want(200); a.len("items") != 0 {
			t.Errorf("a clerk of another centre sees %s", a.body)
		}
	}
	if a := clerk.do("GET", "/v1/desk/unreached?reason=failed", nil).want(200); a.len("items") != 0 {
		t.Errorf("for another reason: %s", a.body)
	}
	if a := i.staff(actor.Clerk, "*", "*").do("GET", "/v1/desk/unreached?centre=qassim", nil).want(200); a.len("items") != 0 {
		t.Errorf("of another centre: %s", a.body)
	}
	clerk.do("GET", "/v1/desk/unreached?reason=bored", nil).refused(422, "validation_failed")
	clerk.do("GET", "/v1/desk/unreached?cursor=x", nil).refused(422, "validation_failed")
	citizen.do("POST", "/v1/inbox/"+l.str("items", 0, "message_id")+"/read", nil).want(204)
	if a := clerk.do("GET", "/v1/desk/unreached", nil).want(200); a.len("items") != 0 {
		t.Errorf("after it was read: %s", a.body)
	}
}

// TestLedger_DeadLetters: what failed is listed in its centre, counted, and can be tried again once.
func TestLedger_DeadLetters(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen := i.citizen("+966500000323")
	report := citizen.do("POST", "/v1/reports", speakers).want(201).str("id")
	failed := push.Result{State: push.Failed, Reason: "undelivered"}
	one, two := i.sent(citizen.id, report, push.ChannelEmail, "", failed), i.sent(citizen.id, report, push.ChannelEmail, "", failed)
	mine, elsewhere := i.staff(actor.Supervisor, "riyadh", "*"), i.staff(actor.Supervisor, "qassim", "*")
	const list = "/v1/admin/dead-letters"

	l := mine.do("GET", list+"?channel=email&reason=undelivered&limit=1", nil).want(200)
	if l.len("items") != 1 || l.str("next") == "" || l.str("items", 0, "report_id") != report || l.str("items", 0, "state") != "failed" {
		t.Errorf("the list: %s", l.body)
	}
	if rest := mine.do("GET", list+"?channel=email&cursor="+l.str("next"), nil).want(200); rest.len("items") != 1 || rest.str("items", 0, "id") == l.str("items", 0, "id") {
		t.Errorf("the rest: %s", rest.body)
	}
	if a := elsewhere.do("GET", list, nil).want(200); a.len("items") != 0 {
		t.Errorf("another centre sees %s", a.body)
	}

	day := "?from=" + one.Day + "&to=" + one.Day
	manager := i.staff(actor.Manager, "riyadh", "*")
	f := manager.do("GET", "/v1/insights/deliveries"+day+"&channel=email", nil).want(200)
	if f.len("rows") != 1 || f.str("rows", 0, "reason") != "undelivered" || f.at("rows", 0, "count") != 2.0 || f.at("rows", 0, "share") != 1.0 || f.str("from") != one.Day {
		t.Errorf("the figures: %s", f.body)
	}
	if c := manager.do("GET", "/v1/insights/deliveries.csv"+day, nil).want(200); !strings.HasPrefix(string(c.body), "channel,outcome,reason,count,share,") || !strings.Contains(string(c.body), "email,failed,undelivered,2,1.000000,") {
		t.Errorf("the file: %s", c.body)
	}
	if a := i.staff(actor.Manager, "qassim", "*").do("GET", "/v1/insights/deliveries"+day, nil).want(200); a.len("rows") != 0 {
		t.Errorf("a manager of another centre sees %s", a.body)
	}
	manager.do("GET", "/v1/insights/deliveries?from=2026-10-02&to=2026-10-01", nil).refused(422, "validation_failed")
	manager.do("GET", "/v1/insights/deliveries?channel=pigeon", nil).refused(422, "validation_failed")

	retry := list + "/" + one.Message + "/" + one.ID + "/retry"
	elsewhere.do("POST", retry, nil).refused(404, "not_found")
	if s := i.stateOf(one.Message); s != push.Failed {
		t.Errorf("somebody else's retry made it %s", s)
	}
	mine.do("POST", retry, nil).want(204)
	mine.do("POST", retry, nil).refused(409, "conflict")
	if a := elsewhere.do("POST", list+"/retry", map[string]any{}).want(200); a.at("retried") != 0.0 {
		t.Errorf("another centre: %s", a.body)
	}
	if a := mine.do("POST", list+"/retry", map[string]any{"channel": "push"}).want(200); a.at("retried") != 0.0 {
		t.Errorf("of another channel: %s", a.body)
	}
	if a := mine.do("POST", list+"/retry", map[string]any{"channel": "email", "reason": "undelivered"}).want(200); a.at("retried") != 1.0 {
		t.Errorf("the rest: %s", a.body)
	}
	for _, d := range []push.Delivery{one, two} {
		if s := i.stateOf(d.Message); s == push.Failed {
			t.Errorf("%s after it was tried again", s)
		}
	}
}

// TestInbox_Batch: an app that was without network says at once what it has; what is not its own changes nothing.
func TestInbox_Batch(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen, other := i.citizen("+966500000324"), i.citizen("+966500000325")
	report := citizen.do("POST", "/v1/reports", speakers).want(201).str("id")
	done := push.Result{State: push.Accepted, Ref: "r"}
	one, two := i.sent(citizen.id, report, push.ChannelPush, "", done), i.sent(citizen.id, report, push.ChannelPush, "", done)
	theirs := i.sent(other.id, report, push.ChannelPush, "", done)
	nothing := i.parts.server.Reports.NewID()
	ids := func(all ...string) map[string]any { return map[string]any{"ids": append([]string{}, all...)} }

	a := citizen.do("POST", "/v1/inbox/delivered", ids(one.Message, theirs.Message, nothing)).want(200)
	if a.len("unknown") != 2 || a.str("unknown", 0) != theirs.Message || a.str("unknown", 1) != nothing {
		t.Errorf("a mixture: %s", a.body)
	}
	if a := citizen.do("POST", "/v1/inbox/read", ids(one.Message, two.Message)).want(200); a.len("unknown") != 0 || !strings.Contains(string(a.body), "[]") {
		t.Errorf("both read: %s", a.body)
	}
	for _, how := range []string{"delivered", "read"} {
		citizen.do("POST", "/v1/inbox/"+how, ids(theirs.Message, nothing)).refused(404, "not_found")
		citizen.do("POST", "/v1/inbox/"+theirs.Message+"/"+how, nil).refused(404, "not_found")
		if a := citizen.do("POST", "/v1/inbox/"+how, ids()).refused(422, "validation_failed"); !a.names("ids required") {
			t.Errorf("none: %s", a.body)
		}
		citizen.do("POST", "/v1/inbox/"+how, ids("1")).refused(422, "validation_failed")
		citizen.do("POST", "/v1/inbox/"+how, ids(one.Message, one.Message)).refused(422, "validation_failed")
		citizen.do("POST", "/v1/inbox/"+how, ids(make([]string, 101)...)).refused(422, "validation_failed")
	}
	if i.stateOf(one.Message) != push.Read || i.stateOf(two.Message) != push.Read || i.stateOf(theirs.Message) != push.Accepted {
		t.Errorf("%s, %s, and another's is %s", i.stateOf(one.Message), i.stateOf(two.Message), i.stateOf(theirs.Message))
	}
	inbox := other.do("GET", "/v1/inbox", nil).want(200)
	if inbox.str("items", 0, "delivered_at") != "" || inbox.str("items", 0, "read_at") != "" {
		t.Errorf("another's message changed: %s", inbox.body)
	}
}
