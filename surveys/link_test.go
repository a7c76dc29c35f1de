package surveys

import (
	"strings"
	"testing"
)

const linked = "01936e00-2222-7a60-8c53-0f5b1e0d9a21"

func linker(secret string) *Programmes {
	return &Programmes{Secret: []byte(secret), PublicURL: "https://balagh.example/"}
}

func TestProgrammes_Link(t *testing.T) {
	t.Parallel()
	p := linker("secret")
	link := p.Link(linked)
	token, ok := strings.CutPrefix(link, "https://balagh.example/s/")
	if !ok || len(token) != 38 {
		t.Fatalf("link %q", link)
	}
	if id, ok := p.invitationOf(token); !ok || id != linked {
		t.Errorf("leads to %q, %t", id, ok)
	}
	if p.Link(linked) != link || p.Link("01936e00-2222-7a60-8c53-0f5b1e0d9a22") == link {
		t.Error("a link is not its invitation's")
	}
	if _, ok := linker("another").invitationOf(token); ok {
		t.Error("another secret takes it")
	}
	if linker("").Link(linked) != "" || p.Link("no id") != "" {
		t.Error("a link without a secret, or without an id")
	}
	if _, ok := linker("").invitationOf(token); ok {
		t.Error("taken without a secret")
	}
}

// Each character counts, in each of its bits, and there is one way to write a link.
func TestProgrammes_invitationOf_tampered(t *testing.T) {
	t.Parallel()
	p := linker("secret")
	token := strings.TrimPrefix(p.Link(linked), "https://balagh.example/s/")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range token {
		for _, c := range alphabet + "=+/\n\r \x00" {
			if forged := token[:i] + string(c) + token[i+1:]; forged != token {
				if id, ok := p.invitationOf(forged); ok {
					t.Errorf("%q leads to %s", forged, id)
				}
			}
		}
	}
	for _, forged := range []string{"", token[:37], token + "A", token + "=", "\n" + token, token[:10] + "\n" + token[10:],
		token[:10] + "\r\n" + token[12:], strings.ToUpper(token)} {
		if _, ok := p.invitationOf(forged); ok {
			t.Errorf("%q is taken", forged)
		}
	}
}

func FuzzProgrammes_invitationOf(f *testing.F) {
	p := linker("secret")
	link := strings.TrimPrefix(p.Link(linked), "https://balagh.example/s/")
	for _, s := range []string{"", link, link[:37], link[1:], link + "=", strings.Repeat("A", 38), strings.Repeat("\n", 38)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, ok := p.invitationOf(token)
		if ok && strings.TrimPrefix(p.Link(id), "https://balagh.example/s/") != token {
			t.Errorf("%q leads to %s, whose link is another", token, id)
		}
	})
}
