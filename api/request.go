package api

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/text/language"

	"github.com/balagh/balagh/actor"
)

// Languages that Balagh speaks; the first is the default.
var Languages = []string{"ar", "en", "ur"}

var matcher = language.NewMatcher([]language.Tag{language.Arabic, language.English, language.Urdu})

type contextKey int

const requestKey contextKey = iota

// request is what the middleware found out about a request, for the handlers.
type request struct {
	id       string
	actor    actor.Actor
	language string
	address  netip.Addr
	body     *body
	key      string  // of idempotency, with its scope; "" without
	asked    string  // hash of what was asked, for the next request with that key
	inside   *inside // of a request that the program makes of itself; nil of others
	kept     *Answer // of an earlier request with that key, where the handler has to compare what was asked
}

func of(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey).(*request); ok {
		return r
	}
	return &request{language: Languages[0]}
}

// actorOf says who is asking.
func actorOf(ctx context.Context) actor.Actor { return of(ctx).actor }

// languageOf is the best of our languages for the caller.
func languageOf(ctx context.Context) string { return of(ctx).language }

// clientAddress is where the request comes from, seen through configured proxies only.
func clientAddress(ctx context.Context) string { return of(ctx).address.String() }

// keyOf is the idempotency key with its scope, from which ids of what is created are derived; "" without.
func keyOf(ctx context.Context) string { return of(ctx).key }

func requestID(c *fiber.Ctx) string { return of(c.UserContext()).id }

// negotiate picks one of our languages for an Accept-Language header.
func negotiate(header string) string {
	for _, l := range Languages { // what phones send nearly always
		if header == l || strings.HasPrefix(header, l+"-") && !strings.Contains(header, ",") {
			return l
		}
	}
	if header == "" || len(header) > 200 {
		return Languages[0]
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return Languages[0]
	}
	_, i, confidence := matcher.Match(tags...)
	if confidence == language.No {
		return Languages[0]
	}
	return Languages[i]
}

// addressOf is the peer's address, or, when the peer is a trusted proxy, the last address in X-Forwarded-For that is not one.
func addressOf(c *fiber.Ctx, trusted []netip.Prefix) netip.Addr {
	peer, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	peer = peer.Unmap()
	if !within(trusted, peer) {
		return peer
	}
	hops := strings.Split(c.Get(fiber.HeaderXForwardedFor), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return peer
		}
		if peer = a.Unmap(); !within(trusted, peer) {
			return peer
		}
	}
	return peer
}

func within(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func deadline(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded)
}
