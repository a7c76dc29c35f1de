package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/balagh/balagh/demo"
	"github.com/balagh/balagh/demo/scenario"
	"github.com/balagh/balagh/store/teststore"
)

// accountTables are every figure of the two published accounts, as they were published, by the id of its row. What is read beside it is
// found under the label of the scenario, or, without one, is counted by a system that Balagh is not.
var accountTables = map[string][]struct{ id, published, label string }{
	"1933": {{"calls_reports", "75,562", "calls and electronic reports"}, {"mosque_staff", "21,375", "mosque_staff"}, {"maintenance", "14,838", "maintenance"},
		{"loudspeakers", "9,208", "loudspeakers"}, {"hiring", "6,153", "hiring"}, {"donors", "2,063", "donors"}, {"dawah_quran", "1,912", "dawah_quran"},
		{"other", "11,261", "other"}, {"precautionary", "8,752", "precautionary"}, {"home_calls", "21,590", "calls taken by staff from their homes"}},
	"reception": {{"requests", "88,162", "requests"}, {"men", "56,896", "by men"}, {"women", "20,036", "by women"}, {"citizens", "66,870", "by citizens"},
		{"residents", "10,062", "by residents"}, {"companies", "11,240", "by companies and establishments"}, {"minister", "5,500", "appointments with the minister"},
		{"riyadh_a_day", "about 120", "a day"}, {"no_difficulty", "94.0%", "94.0%"}, {"never_asked", "88.0%", "88.0%"}, {"calls_in", "255,920", ""}, {"calls_out", "27,753", ""},
		{"toll_free", "about 94,000", ""}, {"video", "298,000", ""}, {"video_men", "56.0%", ""}, {"video_women", "44.0%", ""}},
}

// TestManage_accounts loads a hundredth of each published account, as the command does, and reads its page: it has every figure that was
// published, and beside it what this installation says, which here is a hundredth. TestNew in demo/scenario has the whole.
func TestManage_accounts(t *testing.T) {
	t.Parallel()
	for _, name := range scenario.Names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, stop := loaded(t, name)
			defer stop()
			want := map[string]string{"a day": "1", "94.0%": "94.0%", "88.0%": "88.0%"}
			account, err := scenario.New(name, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range account.Figures {
				want[f.Label] = fmt.Sprint(f.Want)
			}
			b.signInWith("manager@demo.balagh.example", demo.Password)
			b.everywhere("/manage/accounts/"+name, "manage-account-"+name)
			rows := read(b, chromedp.Evaluate[map[string][]string](`Object.fromEntries([...document.querySelectorAll("tbody tr")]
				.map((r) => [r.id, [...r.querySelectorAll("td.n")].map((c) => c.textContent.trim())]))`))
			if len(rows) != len(accountTables[name]) {
				t.Errorf("%d figures, of %d", len(rows), len(accountTables[name]))
			}
			for _, x := range accountTables[name] {
				cells := strings.Join(rows["account_"+x.id], " | ")
				expected := want[x.label] + " | " + x.published
				if x.label == "" {
					expected = x.published
				}
				if cells != expected {
					t.Errorf("%s: the page has %q, want %q", x.id, cells, expected)
				}
			}
		})
	}
}

var accountLink = regexp.MustCompile(`the account +(http://[^/]+)/manage/accounts/`)

// loaded is a browser on an installation into which the command has loaded a hundredth of an account, and which it serves until it is stopped.
func loaded(t *testing.T, name string) (*tab, func()) {
	t.Helper()
	i := &installation{t: t}
	b := i.browse(t) // before anything is loaded for nobody
	c := &demoCommand{Address: "127.0.0.1:0", Scenario: name, Store: teststore.URI(t), beside: t.TempDir(), factor: 100}
	ctx, cancel := context.WithCancel(t.Context())
	out, done := &logBuffer{}, make(chan error, 1)
	go func() { done <- c.Run(ctx, stdio{out, &bytes.Buffer{}}) }()
	eventually(t, "the account to be loaded", func() bool {
		select {
		case err := <-done:
			t.Fatalf("%v\n%s", err, out)
		default:
		}
		if m := accountLink.FindStringSubmatch(out.String()); m != nil {
			i.url = m[1]
		}
		return i.url != ""
	})
	return b, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%v", err)
		}
	}
}
