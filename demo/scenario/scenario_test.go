package scenario

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/reports"
)

// published figures, as the two accounts give them.
func TestNew(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]map[string]int{
		"1933": {"/": 75_562, "category/mosque_staff": 21_375, "category/maintenance": 14_838, "category/loudspeakers": 9_208, "category/hiring": 6_153,
			"category/donors": 2_063, "category/dawah_quran": 1_912, "category/other": 11_261, "category/precautionary": 8_752, "centre/1933-home": 21_590},
		"reception": {"/": 88_162, "gender/male": 56_896, "gender/female": 20_036, "residency/citizen": 66_870, "residency/resident": 10_062,
			"company/yes": 11_240, "category/minister_appointment": 5_500},
	} {
		s, err := New(name, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range s.Figures {
			if got := want[f.By+"/"+f.Key]; got != f.Want {
				t.Errorf("%s: %s %s is %d, want %d", name, f.By, f.Key, f.Want, got)
			}
		}
		if len(s.Figures) != len(want) {
			t.Errorf("%s: %d figures, want %d", name, len(s.Figures), len(want))
		}
		counts := s.count()
		for key, n := range want {
			if counts[key] != n {
				t.Errorf("%s: %s is planned %d times, want %d", name, key, counts[key], n)
			}
		}
		if !slices.IsSortedFunc(s.reports, func(a, b planned) int { return a.at.Compare(b.at) }) {
			t.Errorf("%s: not in order", name)
		}
		for day := s.To.AddDate(0, 0, -lastDays-dailyDays); name == "reception" && day.Before(s.To.AddDate(0, 0, -lastDays)); day = day.AddDate(0, 0, 1) {
			if n := counts["riyadh/"+day.Format(time.DateOnly)]; n != 120 {
				t.Errorf("%d requests in Riyadh on %s", n, day.Format(time.DateOnly))
			}
		}
		again, err := New(name, 1)
		if err != nil || !slices.Equal(again.reports, s.reports) || !slices.Equal(again.people, s.people) {
			t.Errorf("%s: another time it is another, %v", name, err)
		}
	}
	if _, err := New("1934", 1); err == nil {
		t.Error("an account that there is not")
	}
}

func (s *Scenario) count() map[string]int {
	n := map[string]int{}
	phones := map[string]bool{}
	for _, p := range s.people {
		phones[p.Phone] = true
	}
	n["phones"] = len(phones) - len(s.people)
	for _, p := range s.reports {
		who := s.people[p.person]
		for _, key := range []string{"/", "category/" + p.category, "centre/" + p.centre, "gender/" + who.Gender, "residency/" + who.Residency} {
			n[key]++
		}
		if p.centre == "sa-01" {
			n["riyadh/"+p.at.Format(time.DateOnly)]++
		}
		if p.company {
			n["company/yes"]++
		}
		if p.company && who.Gender != "" {
			n["both"]++
		}
		if p.at.Before(s.From) || !p.at.Before(s.To) || p.given != (p.channel != reports.App && p.channel != reports.Web) && s.Name == "reception" {
			n["wrong"]++
		}
	}
	return n
}

// The questionnaire is that of the tests of surveys.
func TestQuestionnaire(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../surveys/form/testdata/reception.json")
	if err != nil || string(b) != string(questionnaireJSON) {
		t.Errorf("the questionnaires differ, %v", err)
	}
}
