package demo

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden files")

func example() *Summary {
	o := Load()
	s := &Summary{Centre: o.Centres[0].Body.Names, Took: 31_412 * time.Millisecond, Citizens: 300, Staff: 19, Reports: 319, Registered: 20,
		Anonymous: 21, SentTwice: 14, Supported: 31, Reopened: 9, LostRaces: 40, PhotosTaken: 361, PushesShown: 1204,
		MessagesRead: 1196, TokensDropped: 11, FilingP50: 9_312 * time.Microsecond, FilingP95: 41_040 * time.Microsecond,
		Refusals: []Bar{{Code: "photo_refused", Count: 12}, {Code: "unsupported_media_type", Count: 31}},
		Channels: []Channel{{Name: "push", Accepted: 1204, Delivered: 1117, Read: 981, Ended: []Bar{{Code: "unregistered", Count: 13}, {Code: "read_already", Count: 4}},
			AcceptedHalf: 50 * time.Millisecond, Accepted99: 250 * time.Millisecond, DeliveredHalf: 500 * time.Millisecond, Delivered99: 2500 * time.Millisecond},
			{Name: "sms", Accepted: 431, Read: 97, AcceptedHalf: 20 * time.Millisecond, Accepted99: 100 * time.Millisecond}},
		Reached:   Reached{Held: 61, HeldPeople: 15, Passed: 9, TextAtOnce: 122, TextInstead: 61},
		Unreached: []Bar{{Code: "not_acknowledged", Count: 31}, {Code: "failed", Count: 29}, {Code: "no_channel", Count: 27}},
		Missed: []Missed{{"not_acknowledged", "resolved", "4821907356", "نورة القحطاني"}, {"failed", "waiting_for_citizen", "4821907357", "Adam Reed"},
			{"no_channel", "closed", "4821907358", "خالد العتيبي"}},
		Broadcast: Broadcast{Counted: 299, Planned: 299, Accepted: 262, Delivered: 190, Read: 161, Failed: 1},
		Round: Round{ID: "01936f0e-6a53-7c3e-9d0e-5b1f4a2c7d10", Population: 284, Quarantined: 12, Sampled: 230, Reminded: 138, Complete: 130, Partial: 10, Refused: 18,
			NonContact: 12, Silent: 60, ByApp: 125, ByLink: 15, RR1: 130. / 230, RR2: 140. / 230, Suppressed: 239, Headlines: []Headline{
				{Name: "satisfied", N: 140, Plain: Figure{.7214, .642, .789}, Weighted: Figure{.7142, .633, .783}, Deff: 1.02}, {Name: "easy", N: 130, Plain: Figure{1, .971, 1}},
				{Name: "informed"}, {Name: "recommend", Points: true, N: 130, Plain: Figure{-100, -100, -93.4}, Weighted: Figure{-98.5, -99, -91}, Deff: 1.12}}},
		Satisfaction: Score{N: 171, Eligible: 243, Counts: []int{7, 9, 17, 60, 78}, ResponseRate: 171. / 243, Top2: 138. / 171, Mean100: 78.2, Net: .7134,
			Low: .7414, High: .8592},
		Departments: []Score{{Code: "donor_services", Name: o.Departments[3].Body.Names["ar"], N: 6, Top2: 1, Low: .6097, High: 1},
			{Code: "general_services", N: 30, Top2: .8}, {Code: "appointments", Name: o.Departments[2].Body.Names["ar"], N: 14, Top2: .5, Low: .268, High: .732}},
	}
	for i, c := range o.Categories {
		s.Categories = append(s.Categories, Bar{c.Code, c.Body.Names["ar"], 90 / (i + 1)})
	}
	for i, c := range o.Centres[1:] {
		s.Centres = append(s.Centres, Bar{c.Code, c.Body.Names["ar"], 80 / (i + 1)})
	}
	for i, status := range []string{"resolved", "closed", "withdrawn", "in_progress", "rejected", "duplicate"} {
		s.Statuses = append(s.Statuses, Bar{status, "", 230 / (i*i + 1)})
	}
	return s
}

func TestSummary_String(t *testing.T) {
	t.Parallel()
	failed := example()
	failed.Troubles = []string{"2 × fileReport: 500 internal"}
	failed.Round.Unweighted, failed.Round.Headlines = "empty_cell", failed.Round.Headlines[1:3]
	for name, s := range map[string]*Summary{"summary": example(), "summary-failed": failed, "summary-empty": {}} {
		file := filepath.Join("testdata", name+".golden")
		got := s.String()
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
}

func TestSummary_String_fitsTheWall(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSpace(example().String()), "\n")
	if len(lines) > 56 {
		t.Errorf("%d lines", len(lines))
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > wallWidth {
			t.Errorf("%d columns: %s", n, l)
		}
		// Whatever comes after the first Arabic letter is Arabic, and something Latin or a digit comes before it.
		i := strings.IndexFunc(l, func(r rune) bool { return unicode.Is(unicode.Arabic, r) })
		if i < 0 {
			continue
		}
		if strings.ContainsFunc(l[i:], func(r rune) bool { return unicode.Is(unicode.Latin, r) || strings.ContainsRune("█─│", r) }) {
			t.Errorf("something follows the Arabic name: %s", l)
		}
		if !strings.ContainsFunc(l[:i], func(r rune) bool { return unicode.Is(unicode.Latin, r) }) {
			t.Errorf("nothing Latin before the Arabic name: %s", l)
		}
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n, most int
		want    string
	}{{0, 0, "    "}, {0, 5, "    "}, {5, 5, "████"}, {1, 1000, "▏   "}, {1, 8, "▌   "}, {5, 16, "█▎  "}} {
		if got := blocks(c.n, c.most, 4); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.n, c.most, got, c.want)
		}
	}
}
