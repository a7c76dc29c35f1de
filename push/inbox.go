package push

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// Limits of a page of the inbox.
const (
	DefaultLimit = 20
	MaxLimit     = 100
)

// Entry is a message with its text.
type Entry struct {
	Message
	Text
	Language string
}

// Page of an inbox.
type Page struct {
	Items  []Entry
	Next   string // cursor; empty at the end
	Unread int    // in the whole inbox
}

// Inbox is a page of the citizen's messages, newest first, in the language asked for. A limit of 0 stands for DefaultLimit.
func (s *Service) Inbox(ctx context.Context, a actor.Actor, lang, cursor string, limit int, unreadOnly bool) (Page, error) {
	if err := citizen(a); err != nil {
		return Page{}, err
	}
	var bad fault.Fields
	after, limit := pageOf(&bad, cursor, limit)
	if err := bad.Err(); err != nil {
		return Page{}, err
	}
	ms, err := s.Store.Messages(ctx, a.ID, after, limit+1, unreadOnly)
	if err != nil {
		return Page{}, fmt.Errorf("read the inbox: %w", err)
	}
	var p Page
	if len(ms) > limit {
		ms = ms[:limit]
		p.Next = cursorOf(ms[limit-1])
	}
	lang = language(lang)
	p.Items = make([]Entry, len(ms))
	for i, m := range ms {
		p.Items[i] = Entry{Message: m, Text: s.textOf(ctx, m, ChannelPush, lang), Language: lang}
	}
	if p.Unread, err = s.Store.UnreadMessages(ctx, a.ID); err != nil {
		return Page{}, fmt.Errorf("count unread messages: %w", err)
	}
	return p, nil
}

// textOf a message for a channel; that of a broadcast which is gone is empty.
func (s *Service) textOf(ctx context.Context, m Message, channel, lang string) Text {
	if m.Broadcast == "" {
		return s.Wording().Text(m.Kind, channel, lang, vars(m.Number, m.Survey, lang))
	}
	b, err := s.announcement(ctx, m.Broadcast)
	if err != nil {
		return Text{}
	}
	return b.Texts[lang]
}

// Unread counts the citizen's messages that were not read.
func (s *Service) Unread(ctx context.Context, a actor.Actor) (int, error) {
	if err := citizen(a); err != nil {
		return 0, err
	}
	return s.Store.UnreadMessages(ctx, a.ID)
}

// Acknowledge notes that a phone of the citizen has a message, or with read that the citizen opened it; fault.NotFound when it is
// not the citizen's.
func (s *Service) Acknowledge(ctx context.Context, a actor.Actor, id string, read bool) error {
	unknown, err := s.AcknowledgeAll(ctx, a, []string{id}, read)
	if err == nil && len(unknown) > 0 {
		err = fault.New(fault.NotFound)
	}
	return err
}

// AcknowledgeAll is Acknowledge for up to MaxLimit messages; it answers those that are not the citizen's.
func (s *Service) AcknowledgeAll(ctx context.Context, a actor.Actor, ids []string, read bool) (unknown []string, err error) {
	if err := citizen(a); err != nil {
		return nil, err
	}
	switch {
	case len(ids) == 0:
		return nil, fault.At("ids", fault.Required)
	case len(ids) > MaxLimit:
		return nil, fault.At("ids", fault.TooMany)
	}
	for i := range ids {
		ids[i] = strings.ToLower(ids[i])
	}
	known, err := s.Store.AcknowledgeMessages(ctx, a.ID, ids, a.Device, s.now(), read)
	if err != nil {
		return nil, fmt.Errorf("note what a phone has: %w", err)
	}
	for _, id := range ids {
		if !slices.Contains(known, id) {
			unknown = append(unknown, id)
		}
	}
	return unknown, nil
}

func citizen(a actor.Actor) error {
	switch a.Kind {
	case actor.Citizen:
		return nil
	case actor.Nobody:
		return fault.New(fault.Unauthenticated)
	}
	return fault.New(fault.Forbidden)
}

// pageOf reads where a page begins and how long it is.
func pageOf(bad *fault.Fields, cursor string, limit int) (after Position, most int) {
	most = cmp.Or(limit, DefaultLimit)
	if most < 1 || most > MaxLimit {
		bad.Add("limit", fault.OutOfRange)
	}
	after, ok := parseCursor(cursor)
	if !ok {
		bad.Add("cursor", fault.WrongFormat)
	}
	return after, most
}

func cursorOf(m Message) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(m.At.UnixMilli(), 36) + "." + m.ID))
}

func parseCursor(c string) (Position, bool) {
	if c == "" {
		return Position{}, true
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil {
		return Position{}, false
	}
	at, id, _ := strings.Cut(string(b), ".")
	ms, err := strconv.ParseInt(at, 36, 64)
	if err != nil || ms <= 0 || uuid.Validate(id) != nil {
		return Position{}, false
	}
	return Position{At: time.UnixMilli(ms).UTC(), ID: id}, true
}
