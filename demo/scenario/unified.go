package scenario

import (
	"math/rand/v2"
	"time"

	"github.com/balagh/balagh/demo"
	"github.com/balagh/balagh/reports"
)

// The unified contact centre 1933: its first two years, from 15/2/1440 AH, which is the day below by Umm al-Qura.
const (
	homeCentre = "1933-home" // calls that staff took in their homes
	homeCalls  = 21_590
)

var (
	unifiedFrom  = riyadh(2018, 10, 24)
	unifiedTo    = riyadh(2020, 10, 2)
	pandemicFrom = riyadh(2020, 3, 16) // mosques are closed; calls are taken at home
	homeTo       = riyadh(2020, 6, 21)
)

// published are the calls and electronic reports by category. The first seven are 66,810, with the last they are 75,562.
var published = []struct {
	code string
	n    int
}{{"mosque_staff", 21_375}, {"maintenance", 14_838}, {"loudspeakers", 9_208}, {"hiring", 6_153}, {"donors", 2_063}, {"dawah_quran", 1_912},
	{"other", 11_261}, {"precautionary", 8_752}}

func riyadh(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.FixedZone("Asia/Riyadh", 3*60*60))
}

// unified plans the account. That a call was taken at home is told by its centre: volumes by centre have it in one row, and by
// region it is in none, as the account does not say where they were about.
func unified(part func(int) int, r *rand.Rand) *Scenario {
	s := &Scenario{Name: "1933", Title: "Unified Contact Centre 1933, two years from 15/2/1440 AH", From: unifiedFrom, To: unifiedTo, org: demo.Load()}
	s.org.Calendar.Holidays = nil // those of other years
	s.org.Centres = append(s.org.Centres, demo.Centre{Code: homeCentre, Body: demo.CentreBody{Parent: "1933", Active: true, Names: demo.Texts{
		"ar": "مركز 1933: مكالمات من المنازل", "en": "Centre 1933: calls taken at home", "ur": "مرکز 1933: گھروں سے لی گئی کالیں"}}})
	total := 0
	for _, c := range published {
		total += part(c.n)
		s.Figures = append(s.Figures, Figure{Label: c.code, By: "category", Key: c.code, Want: part(c.n)})
	}
	s.Figures = append(s.Figures, Figure{Label: "calls and electronic reports", Want: total},
		Figure{Label: "calls taken by staff from their homes", By: "centre", Key: homeCentre, Want: part(homeCalls)})
	for _, k := range []struct {
		share             int
		gender, residency string
	}{{62, "male", "citizen"}, {18, "male", "resident"}, {17, "female", "citizen"}, {3, "female", "resident"}} {
		s.people = crowd(r, s.people, max(1, total*k.share*4/1000), k.gender, k.residency)
	}
	regions := &weighted[string]{}
	for _, c := range s.org.Centres {
		if c.Weight > 0 {
			regions.add(c.Code, c.Weight)
		}
	}
	channels := &weighted[reports.Channel]{}
	channels.add(reports.Phone, 45)
	channels.add(reports.App, 30)
	channels.add(reports.Web, 17)
	channels.add(reports.Email, 8)
	end := ends()
	for _, c := range published {
		from := unifiedFrom
		if c.code == "precautionary" {
			from = pandemicFrom
		}
		for range part(c.n) {
			s.reports = append(s.reports, planned{at: moment(r, from, unifiedTo), person: r.IntN(len(s.people)), category: c.code,
				centre: regions.draw(r), channel: channels.draw(r), end: end.draw(r)})
		}
	}
	inOrder(s.reports)
	s.atHome(r, part(homeCalls))
	return s
}

// atHome makes n of the reports, whatever they are about, calls that were taken at home in the months in question.
func (s *Scenario) atHome(r *rand.Rand, n int) {
	for _, i := range r.Perm(len(s.reports))[:n] {
		p := &s.reports[i]
		p.centre, p.given, p.channel, p.at = homeCentre, true, reports.Phone, moment(r, pandemicFrom, homeTo)
	}
	inOrder(s.reports)
}
