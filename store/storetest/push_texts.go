package storetest

import (
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// TestPushTexts is what every backend must do with templates and policies.
func TestPushTexts(t *testing.T, open func(t *testing.T) push.Store) {
	for name, f := range map[string]func(*testing.T, push.Store){
		"AddTemplate/versions":  textsVersions,
		"AddTemplate/one_wins":  textsOneWins,
		"AddPolicy/revs":        textsPolicies,
		"AddPolicy/one_wins":    textsOnePolicyWins,
		"Templates/none":        textsNone,
		"Templates/of_each_own": textsApart,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, open(t))
		})
	}
}

func textsTemplate(k push.Kind, channel string, version int, body string) push.Template {
	return push.Template{Kind: k, Channel: channel, Version: version, By: "staff", At: pushEpoch.Add(time.Duration(version) * time.Second),
		Texts: map[string]push.Text{"ar": {Title: "عنوان", Body: body}, "en": {Body: "{{\u2028\x00}}"}, "ur": {}}}
}

func textsAdd(t *testing.T, s push.Store, ts ...push.Template) {
	t.Helper()
	for _, x := range ts {
		if err := s.AddTemplate(t.Context(), x); err != nil {
			t.Fatalf("version %d: %v", x.Version, err)
		}
	}
}

func textsVersions(t *testing.T, s push.Store) {
	first, second := textsTemplate(push.Closed, push.ChannelSMS, 1, "one"), textsTemplate(push.Closed, push.ChannelSMS, 2, "two")
	textsAdd(t, s, first, second)
	changed := first
	changed.By = "somebody else"
	if err := s.AddTemplate(t.Context(), changed); fault.CodeOf(err) != fault.PreconditionFailed {
		t.Errorf("a version was written twice: %v", err)
	}
	for v := 3; v <= 11; v++ { // the order is that of numbers, not of letters
		textsAdd(t, s, textsTemplate(push.Closed, push.ChannelSMS, v, "more"))
	}
	all, err := s.TemplateVersions(t.Context(), push.Closed, push.ChannelSMS)
	if err != nil || len(all) != 11 || all[0].Version != 11 {
		t.Fatalf("versions: %v, %v", all, err)
	}
	if !reflect.DeepEqual(all[10], first) || !reflect.DeepEqual(all[9], second) {
		t.Errorf("the oldest are %+v; want %+v", all[9:], []push.Template{second, first})
	}
	now, err := s.Templates(t.Context())
	if err != nil || len(now) != 1 || !reflect.DeepEqual(now[0], all[0]) {
		t.Errorf("the present ones are %+v, %v; want the newest alone", now, err)
	}
}

func textsApart(t *testing.T, s push.Store) {
	textsAdd(t, s, textsTemplate(push.Closed, push.ChannelSMS, 1, "a"), textsTemplate(push.Closed, push.ChannelEmail, 1, "b"),
		textsTemplate(push.Received, push.ChannelSMS, 1, "c"), textsTemplate(push.Received, push.ChannelSMS, 2, "d"))
	now, err := s.Templates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var bodies string
	for _, x := range now { // by kind and channel
		bodies += x.Texts["ar"].Body
	}
	if bodies != "bad" {
		t.Errorf("the present ones are %q in order; want b, a, d", bodies)
	}
	all, err := s.TemplateVersions(t.Context(), push.Closed, push.ChannelEmail)
	if err != nil || len(all) != 1 || all[0].Texts["ar"].Body != "b" {
		t.Errorf("versions of another channel: %+v, %v", all, err)
	}
}

func textsNone(t *testing.T, s push.Store) {
	templates, err := s.Templates(t.Context())
	if err != nil || len(templates) != 0 {
		t.Errorf("templates: %v, %v", templates, err)
	}
	if templates, err = s.TemplateVersions(t.Context(), push.Closed, push.ChannelPush); err != nil || len(templates) != 0 {
		t.Errorf("versions: %v, %v", templates, err)
	}
	if policies, err := s.Policies(t.Context()); err != nil || len(policies) != 0 {
		t.Errorf("policies: %v, %v", policies, err)
	}
}

// textsRace runs eight writers of one key and counts those that succeed.
func textsRace(t *testing.T, add func(i int) error) {
	t.Helper()
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			switch err := add(i); fault.CodeOf(err) {
			case "":
				won.Add(1)
			case fault.PreconditionFailed:
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won", won.Load())
	}
}

func textsOneWins(t *testing.T, s push.Store) {
	textsRace(t, func(i int) error {
		return s.AddTemplate(t.Context(), textsTemplate(push.Reply, push.ChannelPush, 1, string(rune('a'+i))))
	})
	if all, err := s.TemplateVersions(t.Context(), push.Reply, push.ChannelPush); err != nil || len(all) != 1 {
		t.Errorf("%d versions, %v", len(all), err)
	}
}

func textsPolicy(k push.Kind, rev int64) push.Policy {
	steps := []push.Step{{Channel: push.ChannelSMS, Wait: time.Second}, {Channel: push.ChannelEmail, Wait: push.MaxWait}}
	return push.Policy{Kind: k, Rev: rev, Steps: steps, Urgent: true, Replaces: true, TTL: push.MaxTTL, By: "staff", At: pushEpoch}
}

func textsPolicies(t *testing.T, s push.Store) {
	inbox := push.Policy{Kind: push.Assigned, Rev: 1, Steps: []push.Step{}, TTL: push.MinTTL}
	for _, p := range []push.Policy{textsPolicy(push.Closed, 1), inbox, textsPolicy(push.Closed, 2)} {
		if err := s.AddPolicy(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddPolicy(t.Context(), textsPolicy(push.Closed, 1)); fault.CodeOf(err) != fault.PreconditionFailed {
		t.Errorf("a rev was written twice: %v", err)
	}
	got, err := s.Policies(t.Context())
	if want := []push.Policy{inbox, textsPolicy(push.Closed, 2)}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("policies are %+v, %v; want %+v", got, err, want)
	}
}

func textsOnePolicyWins(t *testing.T, s push.Store) {
	textsRace(t, func(int) error { return s.AddPolicy(t.Context(), textsPolicy(push.Reply, 1)) })
}
