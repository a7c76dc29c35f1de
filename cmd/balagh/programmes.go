package main

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/hijri"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/surveys"
)

// publicURL is what links to this installation begin with: what is configured, in development else the address. It may be empty, and then
// no link is sent.
func (s *settings) publicURL() string {
	if s.PublicURL == "" && s.Dev {
		return "http://" + s.Address
	}
	return strings.TrimSuffix(s.PublicURL, "/")
}

func checkPublicURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("BALAGH_PUBLIC_URL: %q is no address that links can begin with; write https://HOST", s)
	}
	return nil
}

// loadMonths corrects the Hijri calendar by the file that is configured.
func (s *settings) loadMonths() error {
	if s.HijriMonths == "" {
		return nil
	}
	f, err := os.Open(s.HijriMonths)
	if err != nil {
		return fmt.Errorf("BALAGH_HIJRI_MONTHS: %w", err)
	}
	defer f.Close()
	if err := hijri.Load(f); err != nil {
		return fmt.Errorf("BALAGH_HIJRI_MONTHS: %s: %w", s.HijriMonths, err)
	}
	return nil
}

// programmes asks people by questionnaire. It knows accounts and messages only by what is asked of them here.
func (s *settings) programmes(store surveys.RoundStore, people *accounts.Service, told *push.Service, newID func() string, zone *time.Location, log *slog.Logger) (*surveys.Programmes, error) {
	if err := s.loadMonths(); err != nil {
		return nil, err
	}
	secret, err := s.secret()
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "balagh surveys", sha256.Size)
	if err != nil {
		return nil, err
	}
	x := &surveys.Programmes{Store: store, Now: time.Now, NewID: newID, Rand: rand.Reader, Zone: zone, Log: log, Secret: key, PublicURL: s.publicURL(),
		Unreached: told.UnreachedFacts, HasChannel: func(channel string) bool { _, there := told.Channels[channel]; return there },
		Missing: func(ctx context.Context, citizens []string) (map[string]bool, error) {
			there, err := people.Contacts(ctx, citizens)
			if err != nil {
				return nil, err
			}
			gone := map[string]bool{}
			for _, id := range citizens {
				gone[id] = there[id] == nil
			}
			return gone, nil
		}}
	if x.PublicURL != "" {
		told.Link = x.Link
	}
	return x, nil
}
