package push_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
)

const surveyLink = "https://balagh.example/s/token-of-i?lang=ur" // hind reads Urdu

// asked is the fact that somebody is asked to answer within four days.
func asked(citizen string, channels ...string) event.Event {
	return event.Event{ID: "e", Type: event.SurveyInvited, Subject: "survey/i", At: epoch, Survey: &event.Survey{Invitation: "i", Citizen: citizen, Centre: "riyadh",
		Titles: map[string]string{"ar": "رضا المستفيدين", "en": "Reception", "ur": "اطمینان"}, Channels: channels, Until: epoch.Add(96 * time.Hour)}}
}

// surveyed is a bench on which links are made.
func surveyed(t *testing.T) reach {
	t.Helper()
	r := reachable(t, true)
	r.Link = func(invitation string) string { return "https://balagh.example/s/token-of-" + invitation }
	return r
}

// The programme's channels are tried in its order, each with the policy's time; the link goes by SMS and e-mail, the id to the phone.
func TestService_On_survey(t *testing.T) {
	t.Parallel()
	r := surveyed(t)
	r.tell(t, asked("hind", "push", "sms", "email"), asked("hind", "push", "sms", "email"))
	r.comes(t, push.ChannelPush, push.Accepted)
	n := r.push.got()[0]
	if n.Kind != push.SurveyInvitation || n.Survey != "i" || n.Report != "" || !strings.Contains(n.Text.Body, "اطمینان") || strings.Contains(n.Text.Body, "http") {
		t.Errorf("to the phone goes %+v", n)
	}
	r.pass(t, 6*time.Hour)
	r.comes(t, push.ChannelSMS, push.Accepted)
	if n = r.sms.got()[0]; !strings.HasSuffix(n.Text.Body, "\n"+surveyLink) {
		t.Errorf("by SMS goes %q", n.Text.Body)
	}
	r.pass(t, 24*time.Hour)
	r.comes(t, push.ChannelEmail, push.Accepted)
	if n = r.mail.got()[0]; !strings.Contains(n.Text.Body, "\n"+surveyLink+"\n") || !strings.Contains(n.Text.Title, "اطمینان") {
		t.Errorf("by e-mail goes %+v", n.Text)
	}
	r.sent(t, 1, 1, 1)
	p := r.inbox(t, "hind")
	if len(p.Items) != 1 || p.Items[0].Survey.Invitation != "i" || !strings.Contains(p.Items[0].Body, "رضا المستفيدين") || strings.ContainsAny(p.Items[0].Body, "{}") {
		t.Errorf("the inbox has %+v", p)
	}
	ds := r.all(t)
	stored, err := json.Marshal(ds)
	if err != nil || strings.Contains(string(stored), "token-of") {
		t.Errorf("the link is kept: %s, %v", stored, err)
	}
	for _, d := range ds {
		if !d.Bulk() || d.Deadline.After(epoch.Add(96*time.Hour)) {
			t.Errorf("%s waits with what concerns a report, or for too long: %+v", d.Channel, d)
		}
	}
}

func TestService_On_surveyChannels(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		channels []string
		noLink   bool
		steps    []push.Step // of the policy
		want     []string
	}{
		"as the policy says":       {want: []string{"push", "sms", "email"}},
		"in another order":         {channels: []string{"sms", "push"}, want: []string{"sms", "push"}},
		"not in the policy":        {channels: []string{"email"}, steps: []push.Step{{Channel: "push", Wait: time.Hour}}, want: []string{"email"}},
		"unknown":                  {channels: []string{"telegram", "push"}, want: []string{"push"}},
		"no links are made":        {noLink: true, want: []string{"push"}},
		"no links, and SMS wanted": {channels: []string{"sms"}, noLink: true},
	} {
		r := surveyed(t)
		if c.noLink {
			r.Link = nil
		}
		if c.steps != nil {
			p := push.Policy{Kind: push.SurveyInvitation, Steps: c.steps, TTL: time.Hour}
			if _, err := r.PutPolicy(t.Context(), admin, p, nil, false); err != nil {
				t.Fatal(err)
			}
		}
		r.tell(t, asked("hind", c.channels...))
		for i := range c.want {
			eventually(t, name, func() bool { return len(r.push.got())+len(r.sms.got())+len(r.mail.got()) == i+1 })
			r.comes(t, c.want[i], push.Accepted)
			r.pass(t, 24*time.Hour)
		}
		var got []string
		for _, d := range r.all(t) {
			got = append(got, d.Channel)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: planned %v; want %v", name, got, c.want)
		}
	}
}

// Nobody is asked for what they cannot answer any more.
func TestService_On_surveyOver(t *testing.T) {
	t.Parallel()
	r := surveyed(t)
	late := asked("hind")
	late.Survey.Until = epoch
	r.tell(t, late)
	if p := r.inbox(t, "hind"); len(p.Items) != 0 {
		t.Errorf("told of what is over: %+v", p.Items)
	}
	soon := asked("hind")
	soon.Survey.Until = epoch.Add(7 * time.Hour)
	r.tell(t, soon)
	r.comes(t, push.ChannelPush, push.Accepted)
	r.pass(t, 6*time.Hour)
	if d := r.comes(t, push.ChannelSMS, push.Accepted); !d.Deadline.Equal(soon.Survey.Until) {
		t.Errorf("an SMS is tried until %s", d.Deadline)
	}
	r.pass(t, 24*time.Hour)
	r.sent(t, 1, 1, 0)
}

// What quiet hours hold up until it is too late did not arrive.
func TestService_On_surveyQuiet(t *testing.T) {
	t.Parallel()
	r := surveyed(t)
	r.people.change("hind", func(c *push.Contact) { c.Quiet = push.Quiet{To: 24*time.Hour - time.Minute, Zone: time.UTC} })
	x := asked("hind")
	x.Survey.Until = epoch.Add(time.Minute)
	r.tell(t, x)
	if got, err := r.UnreachedFacts(t.Context(), []string{"e"}); err != nil || !got["e"] || len(r.all(t)) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestService_UnreachedFacts(t *testing.T) {
	t.Parallel()
	r := surveyed(t)
	known := asked("faisal")
	known.ID = "nowhere"
	taken := asked("hind", "push")
	taken.ID = "taken"
	r.tell(t, known, taken)
	eventually(t, "it is taken", func() bool { return len(r.push.got()) == 1 })
	r.idles(t)
	r.pass(t, 7*time.Hour)
	if len(r.unreached(t)) != 2 {
		t.Fatalf("not reached: %+v", r.unreached(t))
	}
	got, err := r.UnreachedFacts(t.Context(), []string{"nowhere", "taken", "never told"})
	if err != nil || len(got) != 1 || !got["nowhere"] {
		t.Errorf("%v, %v; want the one that had nowhere to go", got, err)
	}
}

func TestService_PutTemplate_link(t *testing.T) {
	t.Parallel()
	s, _ := desks(t)
	texts := func(title, body string) map[string]push.Text {
		return map[string]push.Text{"ar": {Title: title, Body: body}, "en": {Title: title, Body: body}, "ur": {Title: title, Body: body}}
	}
	for name, c := range map[string]struct {
		kind    push.Kind
		channel string
		texts   map[string]push.Text
		want    string
	}{
		"an SMS without the link": {push.SurveyReminder, push.ChannelSMS, texts("", "answer"),
			"texts/ar/body required, texts/en/body required, texts/ur/body required"},
		"an e-mail with it in the subject alone": {push.SurveyInvitation, push.ChannelEmail, texts("{link}", "{title}"),
			"texts/ar/body required, texts/en/body required, texts/ur/body required"},
		"an SMS with it":        {push.SurveyInvitation, push.ChannelSMS, texts("", "{title} {link}"), ""},
		"a push needs none":     {push.SurveyInvitation, push.ChannelPush, texts("t", "{title}"), ""},
		"a push has none":       {push.SurveyInvitation, push.ChannelPush, texts("t", "{link}"), "texts/ar/body/0 unknown, texts/en/body/0 unknown, texts/ur/body/0 unknown"},
		"no report has a title": {push.Closed, push.ChannelPush, texts("t", "{title}"), "texts/ar/body/0 unknown, texts/en/body/0 unknown, texts/ur/body/0 unknown"},
		"no survey has a number": {push.SurveyInvitation, push.ChannelSMS, texts("", "{link} {number}"),
			"texts/ar/body/7 unknown, texts/en/body/7 unknown, texts/ur/body/7 unknown"},
	} {
		_, err := s.PutTemplate(t.Context(), admin, push.Template{Kind: c.kind, Channel: c.channel, Texts: c.texts}, nil, true)
		if got := places(err); got != c.want {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
	}
	all, err := s.PreviewTemplate(t.Context(), manager, push.Template{Kind: push.SurveyInvitation, Channel: push.ChannelSMS, Texts: texts("", "{title} {link}")}, "")
	if err != nil || !strings.HasPrefix(all[1].Text.Body, "How content people are with the reception centres https://balagh.example/s/") {
		t.Errorf("%+v, %v", all, err)
	}
}
