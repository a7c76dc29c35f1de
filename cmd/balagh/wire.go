package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api"
	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/fcm"
	"github.com/balagh/balagh/push/sms"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/surveys"
)

// parts are a wired installation: everything that serves, and nothing that listens yet.
type parts struct {
	log     *slog.Logger
	metrics *api.Metrics
	store   store
	bucket  *photos.Bucket
	server  *api.Server
	relay   *event.Relay
	told    *push.Service
	outlets *outlets
	senders []*push.Sender // one for each channel
	watch   deliveryWatch
	asked   surveyWatch
}

func (s *settings) logger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: s.LogLevel}))
}

// assemble opens what is configured and wires it together.
func (s *settings) assemble(ctx context.Context, log *slog.Logger) (_ *parts, err error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return nil, err
	}
	p := &parts{log: log, metrics: api.NewMetrics()}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	together, err := p.open(ctx, &s.storage)
	if err != nil {
		return nil, err
	}
	told := push.New(p.store, nil)
	told.Zone, told.Log, told.Segments = zone, log, sms.Segments
	p.told = told
	if p.outlets, err = s.outlets(ctx, log, told); err != nil {
		return nil, err
	}
	people, err := s.accounts(ctx, p.store, p.outlets.codes)
	if err != nil {
		return nil, err
	}
	told.Directory, told.Channels = directory{people}, p.outlets.confirms
	if err := told.RefreshWording(ctx); err != nil {
		return nil, err
	}
	pictures := photos.New(p.store, p.bucket)
	pictures.Zone = zone
	links, err := s.photoLinks(ctx, p.bucket)
	if err != nil {
		return nil, err
	}
	cases := reports.New(p.store, attacher{pictures}, zone)
	if err := cases.Refresh(ctx); err != nil {
		return nil, err
	}
	asked := &surveys.Service{Store: p.store, Now: time.Now, NewID: cases.NewID, Zone: zone, Terms: func(context.Context) (surveys.Terms, error) {
		c := cases.Catalogue().Calendar
		return surveys.Terms{RatingDays: c.RatingDays, ReopenDays: c.ReopenDays}, nil
	}}
	asking, err := s.programmes(p.store, people, told, cases.NewID, zone, log)
	if err != nil {
		return nil, err
	}
	p.relay = &event.Relay{Outbox: p.store, Now: time.Now, Log: log, OnHanded: func(_ event.Event, age time.Duration) { p.metrics.Handed(age) },
		Consumers: []event.Consumer{{Name: "push", On: told.On}, {Name: "surveys", On: asked.On, Several: asked.Several},
			{Name: "programmes", On: asking.On, Several: asking.Several}}}
	for name, channel := range p.outlets.channels {
		p.senders = append(p.senders, &push.Sender{Service: told, Name: name, Channel: channel, Log: log, Workers: s.atOnce()[name],
			OnOutcome: p.metrics.Delivery, OnTaken: p.metrics.Taken})
	}
	p.server = &api.Server{Accounts: people, Reports: cases, Photos: pictures, PhotoLinks: links, Push: told, Surveys: asked, Programmes: asking, Answers: p.store, Feed: &reports.Feed{Store: p.store, Log: log}, Audit: &audit.Service{Store: p.store, Now: time.Now, NewID: cases.NewID}, Together: together, Now: time.Now, Log: log,
		Metrics: p.metrics, Ready: p.checks(), TrustedProxies: s.TrustedProxies,
		AnonymousLimit: accounts.Limit{Max: s.AnonPerClient, Window: time.Hour}, MinAppVersion: s.MinAppVersion, Outbox: p.outlets.outbox}
	if web := p.outlets.web; web != nil {
		p.server.WebPushKey, p.server.CheckEndpoint = web.PublicKey(), web.CheckEndpoint
	}
	if g := p.outlets.gateway; g != nil && s.SmsCallbackSecret != "" {
		p.server.SMSReceipt = func(header func(string) string, body []byte) (push.Receipt, error) {
			return g.Receipt(header, body, time.Now())
		}
	}
	if s.AppCheck {
		check, err := fcm.NewAppCheck(ctx, s.fcm())
		if err != nil {
			return nil, err
		}
		p.outlets.closers = append(p.outlets.closers, check.Close)
		p.server.AppCheck = func(_ context.Context, token string) error { return check.Verify(token) }
	}
	p.watchDeliveries(s.DeliveryAlarm)
	p.watchSurveys()
	return p, nil
}

func (p *parts) open(ctx context.Context, s *storage) (together func(context.Context) context.Context, err error) {
	if p.store, together, err = s.openStore(ctx, p.metrics); err != nil {
		return nil, err
	}
	p.bucket, err = s.open(ctx, photos.TrialKey())
	return together, err
}

func (p *parts) close() error {
	var errs []error
	if p.outlets != nil {
		p.outlets.close()
	}
	if p.bucket != nil {
		errs = append(errs, p.bucket.Close())
	}
	if p.store != nil {
		errs = append(errs, p.store.Close())
	}
	return errors.Join(errs...)
}

func (s *settings) accounts(ctx context.Context, store accounts.Store, codes accounts.CodeSender) (*accounts.Service, error) {
	secret, err := s.secret()
	if err != nil {
		return nil, err
	}
	return accounts.New(ctx, accounts.Config{Secret: secret, Issuer: s.Issuer, Limits: accounts.Limits{
		Phone:   accounts.Limit{Max: s.CodesPerPhone, Window: 10 * time.Minute},
		Address: accounts.Limit{Max: s.CodesPerClient, Window: 10 * time.Minute},
	}}, store, codes)
}

// relayLate is the age of a waiting event from which the installation does not count as ready.
const relayLate = 5 * time.Minute

func (p *parts) checks() []api.Check {
	lag := func(ctx context.Context) (event.Lag, error) { return p.store.Lag(ctx, time.Now()) }
	gauge := func(value func(event.Lag) float64) func() float64 {
		return func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			l, err := lag(ctx)
			if err != nil {
				return -1
			}
			return value(l)
		}
	}
	p.metrics.Gauge("balagh_relay_lag_seconds", "Age of the oldest event that waits.", gauge(func(l event.Lag) float64 { return l.Oldest.Seconds() }))
	p.metrics.Gauge("balagh_relay_pending", "Events that wait.", gauge(func(l event.Lag) float64 { return float64(l.Pending) }))
	p.metrics.Gauge("balagh_relay_parked", "Events set aside after too many failures.", gauge(func(l event.Lag) float64 { return float64(l.Parked) }))
	return []api.Check{
		{Name: "store", Do: p.store.Ping},
		{Name: "bucket", Do: func(ctx context.Context) error {
			ok, err := p.bucket.IsAccessible(ctx)
			if err == nil && !ok {
				err = errors.New("the bucket is not accessible")
			}
			return err
		}},
		{Name: "relay", Do: func(ctx context.Context) error {
			l, err := lag(ctx)
			if err == nil && l.Oldest > relayLate {
				err = fmt.Errorf("the oldest event waits since %v", l.Oldest.Round(time.Second))
			}
			return err
		}},
	}
}

// directory tells push what accounts knows of a person.
type directory struct{ accounts *accounts.Service }

// Contacts are how people can be reached.
func (d directory) Contacts(ctx context.Context, citizens []string) (map[string]push.Contact, error) {
	all, err := d.accounts.Contacts(ctx, citizens)
	if err != nil {
		return nil, err
	}
	contacts := make(map[string]push.Contact, len(all))
	for id, c := range all {
		p := c.Preferences
		contact := push.Contact{Name: c.Name, Language: c.Language, Phone: c.Phone, Email: c.Email, Push: p.Push, SMS: p.SMS, Mail: p.Email, Quiet: quiet(p)}
		for _, x := range c.Devices {
			device := push.Device{ID: x.ID, Token: x.PushToken, Platform: x.Platform, Language: x.Language}
			if x.WebPush != nil {
				device.Keys = push.WebKeys(*x.WebPush)
			}
			contact.Devices = append(contact.Devices, device)
		}
		contacts[id] = contact
	}
	return contacts, nil
}

// quiet hours as accounts has checked them.
func quiet(p accounts.Preferences) push.Quiet {
	from, err := time.Parse("15:04", p.QuietFrom)
	to, err2 := time.Parse("15:04", p.QuietTo)
	zone, err3 := zoneOf(p.TimeZone)
	if err != nil || err2 != nil || err3 != nil {
		return push.Quiet{}
	}
	midnight := from.Truncate(24 * time.Hour)
	return push.Quiet{From: from.Sub(midnight), To: to.Sub(midnight), Zone: zone}
}

var zones sync.Map // by name: loading one reads a file

func zoneOf(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(cmp.Or(name, "Asia/Riyadh"))
	if err == nil {
		zones.Store(name, z)
	}
	return z, err
}

// SetAside leaves a token unused for a while.
func (d directory) SetAside(ctx context.Context, citizen, token string) error {
	return d.accounts.SetTokenAside(ctx, citizen, token)
}

// DropToken forgets a token that leads nowhere.
func (d directory) DropToken(ctx context.Context, citizen, token string) error {
	return d.accounts.DropPushToken(ctx, citizen, token)
}

// attacher binds photos to reports.
type attacher struct{ photos *photos.Service }

// Attach binds uploaded photos to a report.
func (x attacher) Attach(ctx context.Context, a actor.Actor, ids []string, report string) ([]reports.PhotoRef, error) {
	ps, err := x.photos.Attach(ctx, a, report, ids...)
	if err != nil {
		return nil, err
	}
	refs := make([]reports.PhotoRef, len(ps))
	for i, p := range ps {
		refs[i] = api.PhotoRef(p)
	}
	return refs, nil
}
