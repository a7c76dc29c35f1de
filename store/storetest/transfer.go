package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/store/transfer"
	"github.com/balagh/balagh/surveys"
)

// TransferStore is a whole store.
type TransferStore interface {
	accounts.Store
	photos.Store
	push.Store
	reports.Store
	surveys.Store
	surveys.RoundStore
	audit.Store
	Outbox
	Answers
	transfer.Target
}

// TestTransfer copies a store with something of each kind in it to another and back. from and to may be of different backends.
func TestTransfer(t *testing.T, from, to func(t *testing.T) TransferStore) {
	t.Run("there and back", func(t *testing.T) {
		t.Parallel()
		a, b, c := from(t), to(t), from(t)
		FillForTransfer(t, a)
		there := copied(t, a, b)
		for _, v := range there {
			if v.Sum.N == 0 {
				t.Errorf("nothing of %s was copied: the suite does not cover it", v.Kind)
			}
		}
		if back := copied(t, b, c); !reflect.DeepEqual(back, there) {
			t.Errorf("came back as %v, went as %v", back, there)
		}
		transferReads(t, a, b)
	})
	t.Run("a target that is not empty", func(t *testing.T) {
		t.Parallel()
		a, b := from(t), to(t)
		addCitizen(t, a, "a", "+966500000001")
		addCitizen(t, b, "b", "+966500000002")
		if _, err := transfer.Copy(t.Context(), a, b, transfer.Options{From: "a", Resume: true}); !errors.Is(err, transfer.ErrNotEmpty) {
			t.Errorf("copied onto another: %v", err)
		}
	})
	t.Run("cut off and resumed", func(t *testing.T) { t.Parallel(); transferResumed(t, from(t), to(t)) })
	t.Run("somebody writes meanwhile", func(t *testing.T) {
		t.Parallel()
		a, b := from(t), to(t)
		addCitizen(t, a, "a", "+966500000001")
		told := func(kind string, _, _ int64) {
			if kind == transfer.Spendings { // the last
				_ = a.AddCitizen(t.Context(), &accounts.Citizen{ID: "late", Rev: 1, Phone: "+966500000009"})
			}
		}
		if _, err := transfer.Copy(t.Context(), a, b, transfer.Options{From: "a", Told: told}); !errors.Is(err, transfer.ErrDiffers) {
			t.Errorf("not noticed: %v", err)
		}
	})
}

func copied(t *testing.T, from, to transfer.Target) []transfer.Verified {
	t.Helper()
	all, err := transfer.Copy(t.Context(), from, to, transfer.Options{From: "there"})
	must(t, err)
	return all
}

// cutOff fails with the n-th write.
type cutOff struct {
	TransferStore
	left int
}

var errCutOff = errors.New("cut off")

func (c *cutOff) PutRecords(ctx context.Context, kind string, records []json.RawMessage) error {
	if c.left--; c.left < 0 {
		return errCutOff
	}
	return c.TransferStore.PutRecords(ctx, kind, records)
}

func transferResumed(t *testing.T, a, b TransferStore) {
	FillForTransfer(t, a)
	o := transfer.Options{From: "there"}
	var err error
	for n := range 100 {
		if _, err = transfer.Copy(t.Context(), a, &cutOff{b, 1 + n%3}, o); err == nil {
			break
		}
		if !errors.Is(err, errCutOff) {
			t.Fatal(err)
		}
		if _, err := transfer.Copy(t.Context(), a, b, transfer.Options{From: "there"}); !errors.Is(err, transfer.ErrNotEmpty) {
			t.Fatalf("begun anew without being told to resume: %v", err)
		}
		if _, err := transfer.Copy(t.Context(), a, b, transfer.Options{From: "elsewhere", Resume: true}); !errors.Is(err, transfer.ErrOther) {
			t.Fatalf("resumed from another: %v", err)
		}
		o.Resume = true
	}
	must(t, err)
	if _, err := transfer.Copy(t.Context(), a, b, o); !errors.Is(err, transfer.ErrNotEmpty) {
		t.Errorf("copied a second time: %v", err)
	}
}

// FillForTransfer puts something of each kind into a store.
func FillForTransfer(t *testing.T, s TransferStore) {
	t.Helper()
	ctx := t.Context()
	_, err := s.UpdateOrganisation(ctx, func(o *reports.Organisation) error { o.Calendar.RatingDays = 7; return nil })
	must(t, err)
	must(t, s.AddKey(ctx, &accounts.Key{ID: "key"}))
	addStaff(t, s, "staff", actor.Manager)
	for i := range 3 {
		addCitizen(t, s, reporter(i), fmt.Sprintf("+96650000000%d", i))
		putDevice(t, s, reporter(i), "phone", fmt.Sprint("token", i), time.Duration(i)*time.Hour)
	}
	putDevice(t, s, reporter(0), "tablet", "", 0)
	addSession(t, s, "ended", reporter(1), time.Hour)
	_, err = s.EndSessions(ctx, reporter(1), "", dawn)
	must(t, err)
	must(t, s.KeepAnswer(ctx, "once", []byte{0, 1, 255}, dawn))
	putPhotos(t, s, reportID(1), 1, 3)
	for n := range 3 {
		r := aReport(n, func(r *reports.Report) { r.Attributes = map[string]any{"minbar": "no", "rows": 3.5} })
		must(t, s.CreateReport(ctx, r, nil))
	}
	_, err = s.Support(ctx, reportID(1), []string{reporter(2), reporter(0)})
	must(t, err)
	must(t, counting(s).SettleFigures(ctx, nil)) // its pages stay
	must(t, s.Publish(ctx, fact("a", 1), fact("a", 2), fact("b", 1)))
	held := lease(t, s, dawn, 10)
	must(t, s.Retry(ctx, held[0], nil, dawn, true))
	addOccasions(t, s, anOccasion("report-1", 1))
	must(t, s.AddQuestionnaire(ctx, aQuestionnaire("reception", 1)))
	_, err = s.PutProgramme(ctx, "reception", func(p *surveys.Programme) error { aProgramme(p); return nil })
	must(t, err)
	must(t, s.CreateRound(ctx, aRound(1)))
	must(t, s.PutCase(ctx, aCase(1, 1)))
	_, err = s.AddInvitations(ctx, []surveys.Invitation{anInvitation(1), anInvitation(2, invited(roundsEpoch, roundsEpoch.AddDate(0, 0, 9)))})
	must(t, err)
	words := aVerbatim(1, 1, func(v *surveys.Verbatim) { v.Folded = "1 1" })
	must(t, s.Respond(ctx, roundsID('i', 1), func(i *surveys.Invitation, _ *surveys.Response) (*surveys.Response, []byte, []surveys.Verbatim, error) {
		i.State = surveys.InvitationComplete
		return aResponse(1), []byte("row"), []surveys.Verbatim{words}, nil
	}))
	must(t, s.AddTemplate(ctx, textsTemplate(push.Resolved, push.ChannelSMS, 1, "نص")))
	must(t, s.AddPolicy(ctx, push.Policy{Kind: push.Resolved, Rev: 1}))
	must(t, s.BeginAudit(ctx, anEntry(1)))
	must(t, s.CompleteAudit(ctx, anEntry(1).ID, audit.End{Outcome: audit.Done, Status: 200, After: []byte("after")}))
	must(t, s.BeginAudit(ctx, anEntry(2)))
	fillMessages(t, s)
}

func fillMessages(t *testing.T, s TransferStore) {
	t.Helper()
	ctx := t.Context()
	must(t, s.CreateBroadcast(ctx, aBroadcast("notice", func(b *push.Broadcast) { b.Topic = true })))
	_, err := s.UpdateBroadcast(ctx, "notice", func(*push.Broadcast) error { return nil }, push.Delivery{ID: "topic", Message: "to-all", Target: "balagh-all-ar", Channel: push.ChannelPush,
		Kind: push.Announcement, Broadcast: "notice", At: dawn, Planned: dawn, Deadline: dawn.Add(time.Hour), Day: "2026-11-21", State: push.Queued, Due: dawn})
	must(t, err)
	pushPut(t, s, pushPlanned("m1", reporter(1), dawn, "phone", "tablet"), pushPlanned("m2", reporter(2), dawn))
	ds, err := s.LeaseDeliveries(ctx, push.ChannelPush, dawn, time.Minute, 1, true)
	must(t, err)
	pushSettle(t, s, ds[0], push.Result{State: push.Failed, Reason: "unregistered", At: dawn.Add(time.Second)})
	pushAck(t, s, reporter(2), "phone", dawn.Add(time.Minute), true, "m2")
	if over, err := s.Spend(ctx, push.Spending{Day: "2026-11-21", Centre: "riyadh", Amount: 120}); err != nil || over != "" {
		t.Fatal(over, err)
	}
	pushSent(t, s, "sent", "gateway-1")
}

// transferReads asks both for the same things.
func transferReads(t *testing.T, a, b TransferStore) {
	t.Helper()
	ctx := t.Context()
	for name, read := range map[string]func(TransferStore) (any, error){
		"report": func(s TransferStore) (any, error) { return s.Report(ctx, reportID(1)) },
		"queue":  func(s TransferStore) (any, error) { return s.Queue(ctx, reports.QueueQuery{Limit: 10}) },
		"volumes": func(s TransferStore) (any, error) {
			rows, _, err := counting(s).Volumes(ctx, manager, reports.VolumesSearch{By: []reports.Dimension{reports.ByDay, reports.ByStatus}})
			return rows, err
		},
		"supporters": func(s TransferStore) (any, error) { all, err := s.Supporters(ctx, reportID(1)); return len(all), err },
		"devices": func(s TransferStore) (any, error) {
			return s.PushDevices(ctx, []string{reporter(0), reporter(1), reporter(2)})
		},
		"ended":  func(s TransferStore) (any, error) { return s.EndedSessions(ctx, dawn) },
		"photos": func(s TransferStore) (any, error) { return s.PhotosOf(ctx, reportID(1)) },
		"trails": func(s TransferStore) (any, error) { return s.ReportTrails(ctx, reporter(1), "r") },
		"figures": func(s TransferStore) (any, error) {
			all, err := s.CountDeliveries(ctx, push.CountFilter{From: "2026-01-01", Through: "2026-12-31"})
			n := map[push.DeliveryCount]bool{}
			for _, c := range all {
				n[c] = true
			}
			return n, err
		},
		"audit":    func(s TransferStore) (any, error) { return s.AuditEntry(ctx, anEntry(1).ID) },
		"outcomes": func(s TransferStore) (any, error) { return s.BroadcastOutcomes(ctx, "notice") },
		"words": func(s TransferStore) (any, error) {
			return s.Verbatims(ctx, surveys.VerbatimQuery{Round: roundsID('r', 1), Limit: 9, Terms: []string{"1"}})
		},
		"invited":   func(s TransferStore) (any, error) { return s.CountInvitations(ctx, roundsID('r', 1)) },
		"occasions": func(s TransferStore) (any, error) { return s.OccasionsOf(ctx, "report-1") },
		"lag": func(s TransferStore) (any, error) {
			l, err := s.Lag(ctx, dawn.Add(time.Hour))
			l.Oldest = 0
			return l, err
		},
	} {
		here, err := read(a)
		must(t, err)
		there, err := read(b)
		must(t, err)
		if !reflect.DeepEqual(here, there) {
			t.Errorf("%s: %+v became %+v", name, here, there)
		}
	}
	must(t, b.Receive(ctx, push.Receipt{Channel: push.ChannelSMS, Ref: "gateway-1", State: push.Delivered, At: dawn.Add(time.Minute), Once: "call-1"}))
	// What waits is handed on in the order in which it waited.
	var got []event.Leased
	for len(got) < 2 {
		next := lease(t, b, dawn.Add(time.Hour), 10)
		if len(next) == 0 {
			break
		}
		must(t, b.Done(ctx, next))
		got = append(got, next...)
	}
	if len(got) != 2 {
		t.Errorf("facts %v", names(got))
	}
}
