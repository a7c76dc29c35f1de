package main

import (
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
)

// TestKeys: an administrator sees the signing keys, never what is secret of them, and makes a new one, which signs nobody out.
func TestKeys(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin := i.staff(actor.Admin, "*", "*")
	first := admin.do("GET", "/v1/admin/keys", nil).want(200)
	if first.len("items") != 1 || first.str("items", 0, "created_at") == "" || first.at("items", 0, "signs_until") != nil || strings.Contains(string(first.body), "seal") {
		t.Fatalf("the first: %s", first.body)
	}
	made := admin.do("POST", "/v1/admin/keys/rotate", nil, "Idempotency-Key", "rotate-once").want(201)
	if again := admin.do("POST", "/v1/admin/keys/rotate", nil, "Idempotency-Key", "rotate-once").want(201); again.str("id") != made.str("id") {
		t.Errorf("asked twice: %s", again.body)
	}
	all := admin.do("GET", "/v1/admin/keys", nil).want(200)
	if all.len("items") != 2 || all.str("items", 0, "signs_until") != made.str("signs_from") || all.str("items", 1, "id") != made.str("id") || made.str("signs_from") <= made.str("created_at") {
		t.Errorf("after one was made: %s", all.body)
	}
	if jwks := admin.do("GET", "/.well-known/jwks.json", nil).want(200); !strings.Contains(string(jwks.body), made.str("id")) {
		t.Errorf("it is not published: %s", jwks.body)
	}
	if e := newest(admin); e.str("operation") != "rotateKeys" || e.at("before") != nil || e.str("after", "id") != made.str("id") {
		t.Errorf("the entry: %s", e.body)
	} else {
		revert(admin, e).refused(409, "not_reversible")
	}
}
