package webpush

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/balagh/balagh/fault"
)

// Services are the hosts of the push services of Chrome, Firefox, Safari and Edge.
var Services = []string{"fcm.googleapis.com", "updates.push.services.mozilla.com", "*.push.apple.com", "*.notify.windows.com"}

const maxEndpoint = 2048 // characters; those of Edge are the longest, with some 700

// endpointField is where a client gave an end point.
const endpointField = "web_push/endpoint"

// hosts are the allowed ones in small letters.
func hosts(all []string) ([]string, error) {
	allowed := make([]string, len(all))
	for i, h := range all {
		h = strings.ToLower(strings.TrimSpace(h))
		name := strings.TrimPrefix(h, "*.")
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || strings.HasPrefix(name, ".") ||
			strings.HasSuffix(name, ".") || strings.HasPrefix(h, "*.") && !strings.Contains(name, ".") {
			return nil, fmt.Errorf("BALAGH_WEB_PUSH_HOSTS: %q is no host name, such as fcm.googleapis.com or *.push.apple.com", all[i])
		}
		allowed[i] = h
	}
	return allowed, nil
}

// CheckEndpoint refuses an end point that no notice would be sent to, as a fault of web_push/endpoint: only https, only to
// hosts of push services, nothing but host and path.
func (c *Client) CheckEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || len(endpoint) > maxEndpoint || u.Opaque != "" || u.Host == "" || u.User != nil || u.Fragment != "" || strings.Contains(endpoint, "#") {
		return fault.At(endpointField, fault.WrongFormat)
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case c.dev && local(host) && (u.Scheme == "https" || u.Scheme == "http"):
		return nil
	case u.Scheme != "https":
		return fault.At(endpointField, fault.WrongFormat)
	case u.Port() != "" && u.Port() != "443", strings.HasSuffix(u.Host, ":"), !slices.ContainsFunc(c.hosts, func(h string) bool { return covers(h, host) }):
		return fault.At(endpointField, fault.NotAllowed)
	}
	return nil
}

func covers(allowed, host string) bool {
	if below, found := strings.CutPrefix(allowed, "*"); found {
		return len(host) > len(below) && strings.HasSuffix(host, below)
	}
	return host == allowed
}

// local says whether a host is this machine.
func local(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

var errPrivate = errors.New("the end point leads to an address that is not public")

// refusePrivate stops a connection before it is made, when the name is resolved already.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return errPrivate
	}
	a, err := netip.ParseAddr(host)
	if err != nil || !public(a) {
		return errPrivate
	}
	return nil
}

// reserved are the networks that no push service is in (IANA's registries of special-purpose addresses), beside those that
// netip knows. 168.63.129.16 is where Azure answers its own machines.
var reserved = func() (all []netip.Prefix) {
	for _, s := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "168.63.129.16/32",
		"::/96", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "64:ff9b:1::/48", "fec0::/10"} {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}()

var nat64 = netip.MustParsePrefix("64:ff9b::/96") // the last four bytes are an IPv4 address

func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	return a.IsGlobalUnicast() && !a.IsPrivate() && !slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(a) })
}
