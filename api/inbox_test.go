package api

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/teststore"
)

// noPhones is a directory of citizens without any.
type noPhones struct{}

func (noPhones) Contacts(_ context.Context, citizens []string) (map[string]push.Contact, error) {
	all := map[string]push.Contact{}
	for _, id := range citizens {
		all[id] = push.Contact{}
	}
	return all, nil
}

func (noPhones) DropToken(context.Context, string, string) error { return nil }
func (noPhones) SetAside(context.Context, string, string) error  { return nil }

func TestServer_Inbox(t *testing.T) {
	t.Parallel()
	db := teststore.Open(t)
	s := &Server{Push: push.New(db, noPhones{}), Now: time.Now}
	report := event.Report{ID: "0190f0a0-0000-7000-8000-000000000001", Number: "4821907356", Citizen: "noura", To: "resolved"}
	for _, id := range []string{"1", "2", "3"} {
		if err := s.Push.On(t.Context(), event.Event{ID: id, Type: event.ReportMoved, At: time.Now(), Report: &report}); err != nil {
			t.Fatal(err)
		}
	}
	noura, other := actor.Actor{Kind: actor.Citizen, ID: "noura"}, actor.Actor{Kind: actor.Citizen, ID: "other"}
	list := func(a actor.Actor, p gen.ListInboxParams) gen.MessagePage {
		t.Helper()
		r, err := s.ListInbox(asked(t, a, "en"), gen.ListInboxRequestObject{Params: p})
		if err != nil {
			t.Fatal(err)
		}
		page := gen.MessagePage(r.(gen.ListInbox200JSONResponse))
		conforms(t, "MessagePage", page)
		return page
	}
	first := list(noura, gen.ListInboxParams{Limit: new(2)})
	if len(first.Items) != 2 || first.Next == nil || first.Unread != 3 {
		t.Fatalf("%+v", first)
	}
	m := first.Items[0]
	if m.Title != "Your report was resolved" || !strings.Contains(m.Body, report.Number) || m.Language != "en" || *m.ReportId != report.ID || m.NotificationId != m.Id {
		t.Errorf("%+v", m)
	}
	if got := keys(t, m); got != "at body id kind language notification_id report_id report_number title" {
		t.Errorf("a message shows %s", got)
	}
	if rest := list(noura, gen.ListInboxParams{Limit: new(2), Cursor: first.Next}); len(rest.Items) != 1 || rest.Next != nil {
		t.Errorf("second page %+v", rest)
	}
	if p := list(other, gen.ListInboxParams{}); len(p.Items) != 0 || p.Unread != 0 {
		t.Errorf("another citizen sees %+v", p)
	}

	if _, err := s.MarkDelivered(asked(t, noura, "en"), gen.MarkDeliveredRequestObject{Id: m.Id}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.MarkRead(asked(t, other, "en"), gen.MarkReadRequestObject{Id: m.Id}); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("read by another citizen: %v", err)
	}
	if _, err := s.MarkRead(asked(t, noura, "en"), gen.MarkReadRequestObject{Id: m.Id}); err != nil {
		t.Fatal(err)
	}
	if p := list(noura, gen.ListInboxParams{Unread: new(true)}); len(p.Items) != 2 || p.Unread != 2 {
		t.Errorf("unread %+v", p)
	}
	if p := list(noura, gen.ListInboxParams{}); p.Items[0].ReadAt == nil || p.Items[0].DeliveredAt == nil {
		t.Errorf("read %+v", p.Items[0])
	}
}
