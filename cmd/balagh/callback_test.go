package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/sms"
)

const signature = "X-Balagh-Signature"

// TestCallback_SMS: a gateway is believed by its signature alone, once. What is forged or sent again gets 401 and changes nothing.
func TestCallback_SMS(t *testing.T) {
	t.Parallel()
	i := install(t)
	const path = "/v1/callbacks/sms"
	gateway, citizen := &client{i: i, t: t}, i.citizen("+966500000331")
	gateway.do("POST", path, `{}`).refused(404, "not_found") // where no gateway calls

	secret := []byte("0123456789abcdef")
	g, err := sms.New(sms.Config{Profile: "generic", URL: "https://gateway.example", Key: "k", Sender: "S", CallbackSecret: string(secret)})
	if err != nil {
		t.Fatal(err)
	}
	i.parts.server.SMSReceipt = func(header func(string) string, body []byte) (push.Receipt, error) {
		return g.Receipt(header, body, time.Now())
	}
	clerk := i.staff(actor.Clerk, "riyadh", "*")
	accepted := func() (message, ref string) { // a text that went out, because the citizen has no device
		t.Helper()
		path := "/v1/desk/reports/" + citizen.do("POST", "/v1/reports", speakers).want(201).str("id") + "/deliveries"
		eventually(t, "a text", func() bool {
			a := clerk.do("GET", path, nil).want(200)
			message, ref = a.str("items", 0, "id"), a.str("items", 0, "deliveries", 0, "ref")
			return ref != ""
		})
		return message, ref
	}
	call := func(body string, at time.Time, headers ...string) *answer {
		t.Helper()
		return gateway.do("POST", path, body, append([]string{signature, sms.Sign(secret, []byte(body), at)}, headers...)...)
	}
	d, ref := accepted()
	now, said := time.Now(), func(ref, status string) string { return fmt.Sprintf(`{"id":%q,"status":%q}`, ref, status) }
	failed, delivered := said(ref, "failed"), said(ref, "delivered")
	for name, a := range map[string]*answer{
		"no signature":         gateway.do("POST", path, failed),
		"another's secret":     gateway.do("POST", path, failed, signature, sms.Sign([]byte("fedcba9876543210"), []byte(failed), now)),
		"of another body":      gateway.do("POST", path, failed, signature, sms.Sign(secret, []byte(said("another", "failed")), now)),
		"of an hour ago":       call(failed, now.Add(-time.Hour)),
		"of an hour from now":  call(failed, now.Add(time.Hour)),
		"garbage":              gateway.do("POST", path, failed, signature, "t=1,v1=zz"),
		"a token of a citizen": citizen.do("POST", path, failed),
	} {
		if a.status != 401 || a.str("code") != "unauthenticated" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if s := i.stateOf(d); s != push.Accepted {
		t.Fatalf("a forged call made it %s", s)
	}

	call(said("nothing", "delivered"), now).refused(404, "not_found")
	call(`{"status":"delivered"}`, now).refused(400, "malformed_request")
	call(strings.Repeat("x", 64<<10+1), now).refused(413, "too_large")
	call(said(ref, "pending"), now).want(204)
	if s := i.stateOf(d); s != push.Accepted {
		t.Fatalf("what is not final made it %s", s)
	}

	call(delivered, now, "Authorization", "Basic Z2F0ZXdheQ==", "Content-Type", "application/json; charset=utf-8").want(204)
	if s := i.stateOf(d); s != push.Delivered {
		t.Fatalf("delivered, and it is %s", s)
	}
	call(delivered, now).refused(401, "unauthenticated")
	call(failed, now).want(204) // genuine, and too late
	if s := i.stateOf(d); s != push.Delivered {
		t.Errorf("a later call made it %s", s)
	}

	d, ref = accepted()
	call(said(ref, "failed"), now, "Content-Type", "text/plain").want(204)
	if s := i.stateOf(d); s != push.Failed {
		t.Errorf("failed, and it is %s", s)
	}
	if strings.Contains(i.log.String(), ref) {
		t.Error("the name of a text is in the log")
	}
}
