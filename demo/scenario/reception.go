package scenario

import (
	_ "embed" // the data
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/balagh/balagh/demo"
	"github.com/balagh/balagh/reports"
)

//go:embed reception.json
var receptionJSON []byte

// The electronic reception and contact centres: three years. The account does not say which.
var (
	receptionFrom = riyadh(2017, 1, 1)
	receptionTo   = riyadh(2020, 1, 1)
)

// What the account tells of the requests. Ten requests of companies carry the person who filed them as well: 76,932 by persons and
// 11,240 by companies are 88,172, and the published total is 88,162.
const (
	byMen        = 56_896
	byWomen      = 20_036
	byResidents  = 10_062
	byCompanies  = 11_240
	byBoth       = 10
	appointments = 5_500
	riyadhDaily  = 120 // at the end: over the three years it would be more than the total
	dailyDays    = 30
	lastDays     = 30 // of the account, in which what came before is finished
)

// kind of people: the requests that they made.
type kind struct {
	gender, residency string
	n                 int
	first, last       int // of Scenario.people
}

// reception plans the account.
func reception(part func(int) int, r *rand.Rand) *Scenario {
	s := &Scenario{Name: "reception", Title: "Electronic reception and contact centres, three years", From: receptionFrom, To: receptionTo,
		org: receptionCentres()}
	men, women, residents, firms, both := part(byMen), part(byWomen), part(byResidents), part(byCompanies), part(byBoth)
	residentWomen := residents * 22 / 100 // made up, as every other division of these
	kinds := []kind{
		{gender: "male", residency: "resident", n: residents - residentWomen}, {gender: "female", residency: "resident", n: residentWomen},
		{gender: "male", residency: "citizen", n: men - residents + residentWomen}, {gender: "female", residency: "citizen", n: women - residentWomen},
	}
	for i := range kinds {
		k := &kinds[i]
		k.first = len(s.people)
		s.people = crowd(r, s.people, max(1, k.n*2/5), k.gender, k.residency)
		k.last = len(s.people)
	}
	firstFirm := len(s.people)
	s.people = companies(r, s.people, max(1, firms/4))
	for _, k := range kinds {
		for range k.n {
			s.reports = append(s.reports, planned{person: k.first + r.IntN(k.last-k.first)})
		}
	}
	for i := range both { // by citizens, whose kinds come last
		s.reports[len(s.reports)-1-i*men/both/2].company = true
	}
	for range firms - both {
		s.reports = append(s.reports, planned{person: firstFirm + r.IntN(len(s.people)-firstFirm), company: true})
	}
	s.requests(r, part(appointments))
	s.daily(r, part(riyadhDaily))
	s.round = &round{respondents: max(50, part(1_000))}
	total := men + women + firms - both
	s.Figures = []Figure{{Label: "requests", Want: total}, {Label: "by men", By: "gender", Key: "male", Want: men},
		{Label: "by women", By: "gender", Key: "female", Want: women}, {Label: "by citizens", By: "residency", Key: "citizen", Want: men + women - residents},
		{Label: "by residents", By: "residency", Key: "resident", Want: residents}, {Label: "by companies and establishments", By: "company", Key: "yes", Want: firms},
		{Label: "appointments with the minister", By: "category", Key: "minister_appointment", Want: part(appointments)}}
	return s
}

// requests decides what each of the planned is about, and when and where it was.
func (s *Scenario) requests(r *rand.Rand, withMinister int) {
	regions, subjects, channels, end := &weighted[string]{}, &weighted[string]{}, &weighted[reports.Channel]{}, ends()
	for _, c := range s.org.Centres {
		weight := c.Weight
		if c.Code == "sa-01" {
			weight *= 3 // the first centre, open for longest
		}
		regions.add(c.Code, weight)
	}
	for _, c := range s.org.Categories {
		if c.Weight > 0 {
			subjects.add(c.Code, c.Weight)
		}
	}
	channels.add(reports.Visit, 55)
	channels.add(reports.Phone, 25)
	channels.add(reports.Email, 12)
	channels.add(reports.Telegram, 8)
	for i := range s.reports {
		p := &s.reports[i]
		p.at, p.category, p.centre, p.given = moment(r, s.From, s.To.AddDate(0, 0, -lastDays)), subjects.draw(r), regions.draw(r), true
		p.channel, p.end = channels.draw(r), end.draw(r)
	}
	for _, i := range r.Perm(len(s.reports))[:withMinister] {
		s.reports[i].category, s.reports[i].end = "minister_appointment", reports.Closed
	}
	inOrder(s.reports)
}

// daily makes the last month in which requests came one with n a day in Riyadh.
func (s *Scenario) daily(r *rand.Rand, n int) {
	end := s.To.AddDate(0, 0, -lastDays)
	begin := end.AddDate(0, 0, -dailyDays)
	placed := 0
	for _, i := range r.Perm(len(s.reports)) {
		p := &s.reports[i]
		switch {
		case p.centre != "sa-01":
		case placed < n*dailyDays:
			day := begin.AddDate(0, 0, placed/n)
			p.at = moment(r, day, day.AddDate(0, 0, 1))
			placed++
		case !p.at.Before(begin):
			p.at = moment(r, s.From, begin)
		}
	}
	inOrder(s.reports)
}

// receptionCentres is one centre in each region, with what is told and asked there.
func receptionCentres() demo.Organisation {
	var o struct {
		demo.Organisation
		Stories map[string][]demo.Story `json:"stories"`
	}
	if err := json.Unmarshal(receptionJSON, &o); err != nil {
		panic(fmt.Sprintf("embedded account: %v", err))
	}
	for i, c := range o.Categories {
		o.Categories[i].Stories = o.Stories[c.Code]
	}
	for i := range o.Staff {
		o.Staff[i].Password = demo.Password
	}
	all := demo.Load()
	o.Calendar = all.Calendar
	o.Calendar.Holidays = nil // those of other years
	for _, c := range all.Centres {
		if c.Body.Region == "" {
			continue
		}
		for language, words := range map[string][2]string{"ar": {"فرع الوزارة", "مركز الاستقبال والاتصال"},
			"en": {"Ministry Branch", "Reception and Contact Centre"}, "ur": {"وزارت کی شاخ", "استقبالیہ و رابطہ مرکز"}} {
			c.Body.Names[language] = strings.Replace(c.Body.Names[language], words[0], words[1], 1)
		}
		c.Body.Parent = ""
		o.Centres = append(o.Centres, c)
	}
	return o.Organisation
}
