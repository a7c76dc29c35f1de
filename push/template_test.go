package push_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/sms"
	"github.com/balagh/balagh/store/teststore"
)

func member(r actor.Role) actor.Actor {
	return actor.Actor{Kind: actor.Staff, ID: "staff-" + string(r), Role: r, Centres: []string{actor.All}}
}

var admin, manager = member(actor.Admin), member(actor.Manager)

// desks are services on one store, as in two processes.
func desks(t *testing.T) (here, there *push.Service) {
	t.Helper()
	db := teststore.Open(t)
	here, there = push.New(db, &people{}), push.New(db, &people{})
	for _, s := range []*push.Service{here, there} {
		s.Now = func() time.Time { return epoch }
		s.Segments = sms.Segments
	}
	return here, there
}

// words is a template of a kind's push texts that say s.
func words(k push.Kind, s string) push.Template {
	x := push.Text{Title: s, Body: s + " {number}"}
	return push.Template{Kind: k, Channel: push.ChannelPush, Texts: map[string]push.Text{"ar": x, "en": x, "ur": x}}
}

func ptr[T any](v T) *T { return &v }

func TestService_PutTemplate_versions(t *testing.T) {
	t.Parallel()
	s, other := desks(t)
	before := s.Wording()
	said := func(s *push.Service) string {
		return s.Wording().Text(push.Closed, push.ChannelWeb, "en", push.Vars{Number: "1234567890"}).Title // browsers show the push texts
	}
	for i, version := range []*int{ptr(0), ptr(1), nil} {
		got, err := s.PutTemplate(t.Context(), admin, words(push.Closed, fmt.Sprint("version ", i+1)), version, false)
		if err != nil || got.Version != i+1 || got.By != admin.ID || !got.At.Equal(epoch) {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	all, err := s.TemplateVersions(t.Context(), manager, push.Closed, push.ChannelPush)
	if err != nil || len(all) != 4 || all[0].Texts["en"].Title != "version 3" || all[2].Texts["en"].Title != "version 1" || all[3].Version != 0 ||
		all[3].Texts["en"].Title != "Your report was closed" {
		t.Fatalf("versions: %+v, %v", all, err)
	}
	if said(s) != "version 3" || said(other) != "Your report was closed" {
		t.Errorf("here %q, there %q", said(s), said(other))
	}
	if err := other.RefreshWording(t.Context()); err != nil || said(other) != "version 3" {
		t.Errorf("there %q, %v", said(other), err)
	}
	if _, err := other.PutTemplate(t.Context(), admin, all[3], ptr(3), false); err != nil { // back to what came with the program
		t.Fatal(err)
	}
	if said(other) != "Your report was closed" {
		t.Errorf("reverted, it says %q", said(other))
	}
	if before.Text(push.Closed, push.ChannelPush, "en", push.Vars{}).Title != "Your report was closed" {
		t.Error("a snapshot changed")
	}
	now, err := s.Templates(t.Context(), manager)
	if want := (len(push.Kinds) - 1) * len(push.TemplateChannels); err != nil || len(now) != want {
		t.Fatalf("%d templates, %v; want %d", len(now), err, want)
	}
	for _, x := range now {
		if want := map[bool]int{true: 4}[x.Kind == push.Closed && x.Channel == push.ChannelPush]; x.Version != want || len(x.Texts) != 3 {
			t.Errorf("%s, %s: version %d; want %d", x.Kind, x.Channel, x.Version, want)
		}
	}
}

func TestService_PutTemplate_conflicts(t *testing.T) {
	t.Parallel()
	s, other := desks(t)
	for _, version := range []int{-1, 1, 7} {
		for _, dry := range []bool{true, false} {
			if _, err := s.PutTemplate(t.Context(), admin, words(push.Reply, "x"), &version, dry); fault.CodeOf(err) != fault.PreconditionFailed {
				t.Errorf("version %d, dry %t: %v", version, dry, err)
			}
		}
	}
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s := []*push.Service{s, other}[i%2]
			if _, err := s.PutTemplate(t.Context(), admin, words(push.Reply, fmt.Sprint(i)), ptr(0), false); err == nil {
				won.Add(1)
			} else if fault.CodeOf(err) != fault.PreconditionFailed {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := s.TemplateVersions(t.Context(), admin, push.Reply, push.ChannelPush)
	if err != nil || won.Load() != 1 || len(all) != 2 {
		t.Errorf("%d won, %d versions, %v", won.Load(), len(all), err)
	}
}

func TestService_PutTemplate_dryRun(t *testing.T) {
	t.Parallel()
	s, _ := desks(t)
	got, err := s.PutTemplate(t.Context(), admin, words(push.Reply, "dry"), ptr(0), true)
	if err != nil || got.Version != 1 || got.By != admin.ID || got.Texts["ar"].Title != "dry" {
		t.Errorf("%+v, %v", got, err)
	}
	all, err := s.TemplateVersions(t.Context(), admin, push.Reply, push.ChannelPush)
	if err != nil || len(all) != 1 || s.Wording().Text(push.Reply, push.ChannelPush, "en", push.Vars{}).Title == "dry" {
		t.Errorf("it was written: %+v, %v", all, err)
	}
	if _, err := s.PutTemplate(t.Context(), admin, words(push.Reply, "{"), ptr(0), true); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("a fault is not found: %v", err)
	}
}

func TestService_PutTemplate_places(t *testing.T) {
	t.Parallel()
	s, _ := desks(t)
	good := words(push.Closed, "good").Texts
	with := func(lang string, x push.Text) map[string]push.Text {
		m := maps.Clone(good)
		m[lang] = x
		return m
	}
	without := maps.Clone(good)
	delete(without, "ur")
	long := strings.Repeat("س", 700)
	for name, c := range map[string]struct {
		kind    push.Kind
		channel string
		texts   map[string]push.Text
		want    string
	}{
		"unknown variable": {texts: with("ar", push.Text{Title: "t", Body: "بلاغك رقم {nummer} وصل"}), want: "texts/ar/body/10 unknown"},
		"unclosed brace":   {texts: with("en", push.Text{Title: "a {number", Body: "{number}"}), want: "texts/en/title/2 wrong_format"},
		"stray brace":      {texts: with("ur", push.Text{Title: "t", Body: "{number}}"}), want: "texts/ur/body/8 wrong_format"},
		"missing language": {texts: without, want: "texts/ur required"},
		"unknown language": {texts: with("a/b", push.Text{}), want: "texts/a~1b unknown"},
		"nothing":          {want: "texts/ar required, texts/en required, texts/ur required"},
		"empty":            {texts: with("en", push.Text{Title: " ", Body: "\n"}), want: "texts/en/title required, texts/en/body required"},
		"no title":         {texts: with("en", push.Text{Body: "{number}"}), want: "texts/en/title required"},
		"title of an SMS": {channel: push.ChannelSMS, texts: with("en", push.Text{Body: "{number}"}),
			want: "texts/ar/title not_allowed, texts/ur/title not_allowed"},
		"long title":        {texts: with("ar", push.Text{Title: long[:2*101], Body: "{number}"}), want: "texts/ar/title too_long"},
		"long body":         {texts: with("ar", push.Text{Title: "t", Body: long[:2*489] + "{number}"}), want: "texts/ar/body too_long"},
		"long body, by one": {texts: with("ar", push.Text{Title: "t", Body: long[:2*488] + "{number}"}), want: ""},
		"long mail": {channel: push.ChannelEmail, texts: with("ar", push.Text{Title: long[:2*151], Body: strings.Repeat("x", 4001) + "{number}"}),
			want: "texts/ar/title too_long, texts/ar/body too_long"},
		"control": {texts: with("ar", push.Text{Title: "t\n", Body: "{number}\t"}),
			want: "texts/ar/title/1 not_allowed, texts/ar/body/8 not_allowed"},
		"turned":           {texts: with("ar", push.Text{Title: "t", Body: "\u202e{number}"}), want: "texts/ar/body/0 not_allowed"},
		"no parity":        {texts: with("en", push.Text{Title: "t", Body: "closed"}), want: "texts/en/body contradictory"},
		"no parity, twice": {texts: with("en", push.Text{Title: "t", Body: "{number} {number}"}), want: ""},
		"in the title":     {texts: with("en", push.Text{Title: "{number}", Body: "closed"}), want: ""},
		"announcement":     {kind: push.Announcement, texts: good, want: "kind not_allowed"},
		"nowhere":          {kind: "lost", channel: push.ChannelWeb, texts: good, want: "kind unknown, channel unknown"},
	} {
		x := push.Template{Kind: push.Closed, Channel: push.ChannelPush, Texts: c.texts}
		if c.kind != "" {
			x.Kind = c.kind
		}
		if c.channel != "" {
			x.Channel = c.channel
		}
		_, err := s.PutTemplate(t.Context(), admin, x, nil, true)
		_, preview := s.PreviewTemplate(t.Context(), manager, x, "")
		if !same(err, preview) {
			t.Errorf("%s: %v, with a preview %v", name, err, preview)
		}
		if got := places(err); got != c.want {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
	}
	short := push.Text{Body: strings.Repeat("😀", 335)} // two UTF-16 units each
	x := push.Template{Kind: push.Closed, Channel: push.ChannelSMS,
		Texts: map[string]push.Text{"ar": short, "en": short, "ur": {Body: short.Body + "."}}}
	if _, err := s.PutTemplate(t.Context(), admin, x, nil, true); places(err) != "texts/ur/body too_long" {
		t.Errorf("an SMS: %v", err)
	}
}

func same(a, b error) bool { return places(a) == places(b) }

// places are the fields of a fault.
func places(err error) string {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return ""
	}
	return strings.TrimPrefix(e.Error(), string(fault.Invalid)+": ")
}

func TestService_PreviewTemplate(t *testing.T) {
	t.Parallel()
	s, _ := desks(t)
	x := push.Template{Kind: push.Closed, Channel: push.ChannelSMS, Texts: map[string]push.Text{"ar": {Body: "أُغلق بلاغك {number}"},
		"en": {Body: "Closed: {number}"}, "ur": {Body: strings.Repeat("س", 60) + "{number}€"}}}
	got, err := s.PreviewTemplate(t.Context(), manager, x, "")
	want := []push.Preview{{Language: "ar", Text: push.Text{Body: "أُغلق بلاغك 1234567897"}, Segments: 1, Encoding: "ucs2", Bytes: 32},
		{Language: "en", Text: push.Text{Body: "Closed: 1234567897"}, Segments: 1, Encoding: "gsm7", Bytes: 18},
		{Language: "ur", Text: push.Text{Body: strings.Repeat("س", 60) + "1234567897€"}, Segments: 2, Encoding: "ucs2", Bytes: 133}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	s.Segments = nil
	got, err = s.PreviewTemplate(t.Context(), manager, x, "0000000000")
	if err != nil || got[1].Segments != 0 || got[1].Text.Body != "Closed: 0000000000" {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = s.PreviewTemplate(t.Context(), manager, words(push.Closed, "x"), "")
	if err != nil || got[2].Text != (push.Text{Title: "x", Body: "x \u20681234567897\u2069"}) || got[2].Bytes != 19 || got[2].Segments != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, number := range []string{"123", "12345678901", "١٢٣٤٥٦٧٨٩٠", "{number}{}"} {
		if _, err := s.PreviewTemplate(t.Context(), manager, x, number); places(err) != "number wrong_format" {
			t.Errorf("%q: %v", number, err)
		}
	}
}

// The supplied SMS cost one segment in English, and at most two in the other languages.
func TestTexts_segments(t *testing.T) {
	t.Parallel()
	s, _ := desks(t)
	all, err := s.Templates(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		if x.Channel != push.ChannelSMS {
			continue
		}
		ps, err := s.PreviewTemplate(t.Context(), admin, x, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ps {
			n, encoding := 2, sms.UCS2
			if p.Language == "en" {
				n, encoding = 1, sms.GSM7
			}
			if p.Segments < 1 || p.Segments > n || p.Encoding != encoding {
				t.Errorf("%s, %s: %d segments of %s", x.Kind, p.Language, p.Segments, p.Encoding)
			}
		}
	}
}

func TestService_PutPolicy(t *testing.T) {
	t.Parallel()
	s, other := desks(t)
	p := push.Policy{Kind: push.Closed, Urgent: true, TTL: time.Hour,
		Steps: []push.Step{{Channel: push.ChannelEmail, Wait: 90*time.Second + time.Millisecond}}}
	want := p
	want.Rev, want.By, want.At, want.Steps = 1, admin.ID, epoch, []push.Step{{Channel: push.ChannelEmail, Wait: 90 * time.Second}}
	if got, err := s.PutPolicy(t.Context(), admin, p, ptr(int64(0)), true); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("dry: %+v, %v; want %+v", got, err, want)
	}
	if s.Wording().Policy(push.Closed).Rev != 0 {
		t.Fatal("a dry run was written")
	}
	if got, err := s.PutPolicy(t.Context(), admin, p, ptr(int64(0)), false); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
	for _, dry := range []bool{true, false} {
		if _, err := other.PutPolicy(t.Context(), admin, p, ptr(int64(0)), dry); fault.CodeOf(err) != fault.PreconditionFailed {
			t.Errorf("dry %t: %v", dry, err)
		}
	}
	if got := other.Wording().Policy(push.Closed); got.Rev != 0 || len(got.Steps) != 3 {
		t.Errorf("there: %+v", got)
	}
	if err := other.RefreshWording(t.Context()); err != nil {
		t.Fatal(err)
	}
	for at, s := range map[string]*push.Service{"here": s, "there": other} {
		if got := s.Wording().Policy(push.Closed); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v; want %+v", at, got, want)
		}
	}
	all, err := s.Policies(t.Context(), manager)
	if err != nil || len(all) != len(push.Kinds) {
		t.Fatalf("%d policies, %v", len(all), err)
	}
	for i, x := range all {
		if x.Kind != push.Kinds[i] || (x.Rev == 1) != (x.Kind == push.Closed) || x.TTL == 0 {
			t.Errorf("%+v", x)
		}
	}
	inbox, err := s.PutPolicy(t.Context(), admin, push.Policy{Kind: push.Closed, TTL: time.Hour}, nil, false)
	if err != nil || inbox.Rev != 2 || inbox.Steps == nil {
		t.Errorf("for the inbox alone: %+v, %v", inbox, err)
	}
}

func TestService_PutPolicy_places(t *testing.T) {
	t.Parallel()
	s, _ := desks(t)
	step := func(channel string) push.Step { return push.Step{Channel: channel, Wait: push.MaxWait} }
	full := []push.Step{step(push.ChannelPush), step(push.ChannelSMS), step(push.ChannelEmail)}
	for want, p := range map[string]push.Policy{
		"kind unknown":                      {Kind: "lost"},
		"steps/1/channel unknown":           {Steps: []push.Step{step(push.ChannelPush), step(push.ChannelWeb)}},
		"steps/2/channel duplicate":         {Steps: []push.Step{full[0], full[1], full[0]}},
		"steps too_many":                    {Steps: append(full, full[0])},
		"steps/0/wait_seconds out_of_range": {Steps: []push.Step{{Channel: push.ChannelPush, Wait: time.Second - 1}}},
		"steps/0/channel unknown, steps/0/wait_seconds out_of_range": {Steps: []push.Step{{Wait: push.MaxWait + time.Second}}},
		"ttl_seconds out_of_range":                                   {TTL: push.MaxTTL + time.Second},
		"ttl_seconds out_of_range, too short":                        {TTL: push.MinTTL - time.Second},
		"":                                                           {Kind: push.Announcement, TTL: push.MaxTTL, Steps: full},
	} {
		if p.Kind == "" {
			p.Kind = push.Closed
		}
		if p.TTL == 0 {
			p.TTL = push.MinTTL
		}
		if _, err := s.PutPolicy(t.Context(), admin, p, nil, true); places(err) != strings.TrimSuffix(want, ", too short") {
			t.Errorf("%q; want %q", places(err), want)
		}
	}
}

func TestService_Templates_roles(t *testing.T) {
	t.Parallel()
	s, _ := desks(t)
	policy := push.Policy{Kind: push.Closed, TTL: time.Hour}
	reads := map[string]func(context.Context, actor.Actor) error{
		"Templates": func(ctx context.Context, a actor.Actor) error { _, err := s.Templates(ctx, a); return err },
		"TemplateVersions": func(ctx context.Context, a actor.Actor) error {
			_, err := s.TemplateVersions(ctx, a, push.Closed, push.ChannelSMS)
			return err
		},
		"PreviewTemplate": func(ctx context.Context, a actor.Actor) error {
			_, err := s.PreviewTemplate(ctx, a, words(push.Closed, "x"), "")
			return err
		},
		"Policies": func(ctx context.Context, a actor.Actor) error { _, err := s.Policies(ctx, a); return err },
	}
	writes := map[string]func(context.Context, actor.Actor) error{
		"PutTemplate": func(ctx context.Context, a actor.Actor) error {
			_, err := s.PutTemplate(ctx, a, words(push.Closed, "x"), nil, true)
			return err
		},
		"PutPolicy": func(ctx context.Context, a actor.Actor) error {
			_, err := s.PutPolicy(ctx, a, policy, nil, true)
			return err
		},
	}
	for _, c := range []struct {
		a           actor.Actor
		read, write fault.Code
	}{
		{admin, "", ""},
		{actor.Actor{Kind: actor.Staff, ID: "s", Role: actor.Admin, Centres: []string{"riyadh"}}, "", fault.Forbidden}, // the texts are everybody's
		{manager, "", fault.Forbidden},
		{member(actor.Clerk), fault.Forbidden, fault.Forbidden},
		{member(actor.Officer), fault.Forbidden, fault.Forbidden},
		{member(actor.Supervisor), fault.Forbidden, fault.Forbidden},
		{actor.Actor{Kind: actor.Citizen, ID: "noura", Role: actor.Admin}, fault.Forbidden, fault.Forbidden},
		{actor.Actor{}, fault.Unauthenticated, fault.Unauthenticated},
	} {
		for name, f := range reads {
			if got := fault.CodeOf(f(t.Context(), c.a)); got != c.read {
				t.Errorf("%s by %s %s: %q; want %q", name, c.a.Kind, c.a.Role, got, c.read)
			}
		}
		for name, f := range writes {
			if got := fault.CodeOf(f(t.Context(), c.a)); got != c.write {
				t.Errorf("%s by %s %s: %q; want %q", name, c.a.Kind, c.a.Role, got, c.write)
			}
		}
	}
	for _, c := range []struct {
		k       push.Kind
		channel string
	}{{push.Announcement, push.ChannelPush}, {"lost", push.ChannelPush}, {push.Closed, push.ChannelWeb}} {
		if _, err := s.TemplateVersions(t.Context(), admin, c.k, c.channel); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("versions of %s, %s: %v", c.k, c.channel, err)
		}
	}
}

// A template that this program cannot read, of another release, spoils neither the rest nor its own kind.
func TestService_RefreshWording_unreadable(t *testing.T) {
	t.Parallel()
	s, other := desks(t)
	x := words(push.Closed, "{tomorrow}")
	x.Version = 1
	if err := s.Store.AddTemplate(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutTemplate(t.Context(), admin, words(push.Reply, "new"), nil, false); err != nil {
		t.Fatal(err)
	}
	if err := other.RefreshWording(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := other.Wording()
	if got := w.Text(push.Closed, push.ChannelPush, "en", push.Vars{Number: "1234567890"}); got != push.Render(push.Closed, "en", "1234567890") {
		t.Errorf("%+v", got)
	}
	if got := w.Text(push.Reply, push.ChannelPush, "en", push.Vars{}).Title; got != "new" {
		t.Errorf("%q", got)
	}
	if got := w.Text(push.Announcement, push.ChannelPush, "en", push.Vars{}); got != (push.Text{}) {
		t.Errorf("an announcement says %+v", got)
	}
}
