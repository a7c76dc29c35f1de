package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
)

// TestCallers: who calls is known by phone or by the number of a report, with what lies within the clerk's scope.
func TestCallers(t *testing.T) {
	t.Parallel()
	i := install(t)
	caller := i.citizen("+966500000081")
	caller.do("PATCH", "/v1/me", map[string]any{"name": "سارة", "gender": "female"}).want(200)
	number := caller.do("POST", "/v1/reports", speakers).want(201).str("number")
	far := caller.do("POST", "/v1/reports", farSpeakers).want(201).str("number")
	clerk, elsewhere := i.staff(actor.Clerk, "riyadh", "*"), i.staff(actor.Clerk, "qassim", "maintenance")
	for _, q := range []string{"phone=%2B966500000081", "phone=" + url.QueryEscape("٠٥٠٠٠٠٠٠٨١"), "phone=" + url.QueryEscape("00966 50 000 0081"), "number=" + number,
		"number=" + url.QueryEscape(arabicDigits(number))} {
		a := clerk.do("GET", "/v1/desk/callers?"+q, nil).want(200)
		if a.str("caller", "id") != caller.id || a.str("caller", "name") != "سارة" || a.str("caller", "gender") != "female" || a.str("caller", "phone") != "+966500000081" ||
			a.len("reports") != 1 || a.str("reports", 0, "number") != number {
			t.Errorf("%s: %s", q, a.body)
		}
	}
	for _, q := range []string{"phone=0500000082", "number=" + far} { // a number that nobody has, a report of another centre
		if a := clerk.do("GET", "/v1/desk/callers?"+q, nil).want(200); a.at("caller") != nil || a.len("reports") != 0 {
			t.Errorf("%s: %s", q, a.body)
		}
	}
	if a := elsewhere.do("GET", "/v1/desk/callers?phone=0500000081", nil).want(200); a.str("caller", "id") != caller.id || a.len("reports") != 0 {
		t.Errorf("a clerk who sees none of it: %s", a.body)
	}
	anonymous := (&client{i: i, t: t}).do("POST", "/v1/reports", `{"category":"maintenance","description":"تسرب ماء","place":{"latitude":24.7,"longitude":46.6,"source":"map"}}`).want(201).str("number")
	if a := clerk.do("GET", "/v1/desk/callers?number="+anonymous, nil).want(200); a.at("caller") != nil || a.len("reports") != 1 {
		t.Errorf("a report without an account: %s", a.body)
	}
	for q, field := range map[string]string{"": "phone", "?phone=0500000081&number=" + number: "number", "?phone=12345": "phone", "?number=1234567890": "number"} {
		if a := clerk.do("GET", "/v1/desk/callers"+q, nil).refused(422, "validation_failed"); a.str("fields", 0, "path") != field {
			t.Errorf("%s: %s", q, a.body)
		}
	}
}

func arabicDigits(s string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '٠' }, s)
}

// TestCallers_Limit: nobody goes through all the numbers.
func TestCallers_Limit(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.parts.server.Accounts.Limits.Lookup.Max = 3
	clerk, other := i.staff(actor.Clerk, "*", "*"), i.staff(actor.Officer, "*", "*")
	for range 3 {
		clerk.do("GET", "/v1/desk/callers?phone=0500000083", nil).want(200)
	}
	if a := clerk.do("GET", "/v1/desk/callers?number=4821907356", nil).refused(429, "too_many_requests"); a.header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	other.do("GET", "/v1/desk/callers?phone=0500000083", nil).want(200)
}

// TestDeskNearby: open reports around a place, nearest first, as far as one sees them, and by words.
func TestDeskNearby(t *testing.T) {
	t.Parallel()
	i := install(t)
	c := i.citizen("+966500000084")
	at := func(latitude, text string) string {
		body := strings.NewReplacer("24.7136", latitude, "مكبر", text).Replace(speakers)
		return c.do("POST", "/v1/reports", body).want(201).str("number")
	}
	long := strings.Repeat("مكبر صوت ", 60)
	near, nearer := at("24.7138", "إنارة"), at("24.7137", long)
	at("24.9", "بعيد")
	closed := c.do("POST", "/v1/reports", speakers).want(201)
	c.do("POST", "/v1/reports/"+closed.str("id")+"/withdraw", `{}`)
	clerk := i.staff(actor.Clerk, "riyadh", "*")
	const here = "/v1/desk/nearby?latitude=24.7136&longitude=46.6753"
	a := clerk.do("GET", here, nil).want(200)
	if a.len("items") != 2 || a.str("items", 0, "number") != nearer || a.str("items", 1, "number") != near || a.at("items", 0, "distance_m").(float64) > 20 {
		t.Errorf("around: %s", a.body)
	}
	if d := []rune(a.str("items", 0, "description")); len(d) != 200 || d[199] != '…' {
		t.Errorf("%d characters of the description", len(d))
	}
	if a := clerk.do("GET", here+"&category=maintenance", nil).want(200); a.len("items") != 0 {
		t.Errorf("of another category: %s", a.body)
	}
	eventually(t, "the search knows the words", func() bool {
		a := clerk.do("GET", here+"&q="+url.QueryEscape("اناره"), nil).want(200)
		return a.len("items") == 1 && a.str("items", 0, "number") == near
	})
	for _, x := range []*client{i.staff(actor.Clerk, "qassim", "*"), i.staff(actor.Officer, "riyadh", "maintenance")} {
		if a := x.do("GET", here, nil).want(200); a.len("items") != 0 {
			t.Errorf("out of scope: %s", a.body)
		}
	}
	clerk.do("GET", here+"&limit=51", nil).refused(422, "validation_failed")
	clerk.do("GET", "/v1/desk/nearby?latitude=24", nil).refused(422, "validation_failed")
}
