package desk

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

// call is the page on which a report is registered for somebody who calls, writes or comes.
type call struct {
	*office
	Typed   url.Values
	Wrong   *page.Problem
	Key     string
	Opened  int64 // when the form was opened, in milliseconds since 1970
	Caller  *caller
	Near    []gen.DeskNear
	Centred bool // who registers works for several centres
}

// caller is who calls, and what they reported lately.
type caller struct {
	gen.DeskCallers
	Wrong *page.Problem
}

// target that the reception centre set itself, from the beginning of a call to the number.
const target = 7 * time.Minute

var byStaff = []gen.DeskNewReportChannel{gen.DeskNewReportChannelPhone, gen.DeskNewReportChannelVisit, gen.DeskNewReportChannelEmail, gen.DeskNewReportChannelTelegram}

func newCall(v *page.Visit) error {
	return showCall(v, call{Typed: url.Values{"channel": {"phone"}, "citizen_phone": {v.Query("phone")}}, Opened: v.Now().UnixMilli()})
}

func showCall(v *page.Visit, p call) error {
	var err error
	if p.office, err = readOffice(v); err != nil {
		return err
	}
	p.Categories = slices.DeleteFunc(p.Categories, func(c gen.Category) bool { return !c.Active })
	p.Centres = slices.DeleteFunc(p.Centres, func(c gen.Centre) bool {
		return !c.Active || !slices.Contains(v.Me.Centres, "*") && !slices.Contains(v.Me.Centres, c.Code)
	})
	p.Centred = len(v.Me.Centres) != 1 || v.Me.Centres[0] == "*"
	p.Key = rand.Text()
	if phone := p.Typed.Get("citizen_phone"); phone != "" {
		if p.Caller, err = lookUp(v, phone); err != nil {
			return err
		}
	}
	return v.Show(templates["new"], "desk-new", v.T("desk_new"), p)
}

// Target in seconds.
func (p call) Target() int { return int(target.Seconds()) }

// Channels by which people reach staff.
func (p call) Channels() []gen.DeskNewReportChannel { return byStaff }

// Is says whether a field has that value.
func (p call) Is(field, value string) bool { return slices.Contains(p.Typed[field], value) }

// View of the map: the only centre of who registers, "" for the whole country.
func (p call) View() string {
	if len(p.Centres) == 1 {
		return p.Centres[0].Code
	}
	return ""
}

// register takes the form. What is refused is shown again as it was typed, and the stopwatch runs on.
func register(v *page.Visit) error {
	if v.Form("do") == "look" { // without scripts: look the caller up, and go on
		return showCall(v, call{Typed: v.Typed(), Opened: opened(v)})
	}
	var c gen.CategoryList
	if err := v.Get("/v1/categories", nil, &c); err != nil {
		return err
	}
	o := office{Categories: c.Items}
	r := dictated(v, o.category(v.Form("category")))
	if took := (v.Now().UnixMilli() - opened(v)) / 1000; took > 0 && took < 24*3600 {
		r.RegistrationSeconds = new(int(took))
	}
	var made gen.DeskReport
	if _, err := v.Call(http.MethodPost, "/v1/desk/reports", nil, map[string]string{"Idempotency-Key": v.Form("key")}, r, &made); err != nil {
		refused := page.Refused(err)
		if refused == nil {
			return err
		}
		if refused.Code == string(gen.ProblemCodeOutsideServedArea) {
			refused.Fields = append(refused.Fields, page.Field{Path: "place", Message: refused.Title})
		}
		v.Status(refused.Status)
		return showCall(v, call{Typed: v.Typed(), Opened: opened(v), Wrong: refused})
	}
	if slices.Contains(v.Me.Centres, "*") || slices.Contains(v.Me.Centres, made.Centre.Code) {
		return v.Redirect("/desk/reports/" + made.Id + "/receipt")
	}
	v.Status(http.StatusCreated)
	return giveReceipt(v, &receipt{Report: made, Elsewhere: true}) // of another centre: this is the one time that it is seen here
}

func opened(v *page.Visit) int64 {
	at, err := strconv.ParseInt(v.Form("opened"), 10, 64)
	if err != nil {
		return v.Now().UnixMilli()
	}
	return at
}

// dictated is the report as it was typed.
func dictated(v *page.Visit, c *gen.Category) gen.DeskNewReport {
	r := gen.DeskNewReport{Category: v.Form("category"), Channel: gen.DeskNewReportChannel(v.Form("channel")), Description: v.Form("description"),
		CitizenName: typed(v, "citizen_name"), Centre: typed(v, "centre")}
	if x := page.Digits(v.Form("citizen_phone")); x != "" {
		r.CitizenPhone = &x
		if x := gen.Gender(v.Form("citizen_gender")); x != "" {
			r.CitizenGender = &x
		}
		if x := gen.Residency(v.Form("citizen_residency")); x != "" {
			r.CitizenResidency = &x
		}
	}
	if x := gen.Language(v.Form("language")); x != "" {
		r.Language = &x
	}
	if v.Form("company") != "" {
		r.OnBehalfOfCompany = new(true)
	}
	address := typed(v, "address")
	if at := point(v.Form("coordinates")); at != nil {
		r.Place = &gen.Place{Latitude: at[0], Longitude: at[1], Address: address, Source: gen.PlaceSourceMap}
		r.Centre = nil
	} else if address != nil && r.Description != "" {
		r.Description += "\n" + v.T("desk_address") + ": " + *address // the API knows no place without a point
	}
	if c != nil && len(c.Attributes) > 0 {
		answers := gen.Attributes{}
		for _, a := range c.Attributes {
			if x := told(v, &a); x != nil {
				answers[a.Code] = x
			}
		}
		r.Attributes = &answers
	}
	return r
}

// told is the answer to a question of the category; nil for none. What does not parse is sent as it is: the API says what is wrong with it.
func told(v *page.Visit, a *gen.Attribute) any {
	field := "attributes." + a.Code
	x := v.Form(field)
	switch {
	case a.Datatype == gen.DatatypeMultivaluelist:
		if all := v.Forms(field); len(all) > 0 {
			return all
		}
		return nil
	case x == "":
		return nil
	case a.Datatype == gen.DatatypeNumber:
		if n, err := strconv.ParseFloat(strings.ReplaceAll(page.Digits(x), "٫", "."), 64); err == nil {
			return n
		}
	case a.Datatype == gen.DatatypeDatetime:
		if t, err := time.ParseInLocation("2006-01-02T15:04", x, v.Zone); err == nil {
			return t.Format(time.RFC3339)
		}
	}
	return x
}

var degrees = regexp.MustCompile(`(-?\d{1,3}(?:\.\d+)?)[\s,،;]+(-?\d{1,3}(?:\.\d+)?)`)

// point reads latitude and longitude in degrees, as people copy them from a map; nil for none.
func point(s string) []float64 {
	m := degrees.FindStringSubmatch(strings.ReplaceAll(page.Digits(s), "٫", "."))
	if m == nil {
		return nil
	}
	latitude, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return nil
	}
	longitude, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return nil
	}
	return []float64{latitude, longitude}
}

// lookUp finds who calls, by a phone or by the number of a report.
func lookUp(v *page.Visit, by string) (*caller, error) {
	by = page.Digits(strings.TrimSpace(by))
	name := "phone"
	if len(by) == 10 && !strings.HasPrefix(by, "05") {
		name = "number"
	}
	c := &caller{}
	if err := v.Get("/v1/desk/callers", url.Values{name: {by}}, &c.DeskCallers); err != nil {
		if c.Wrong = page.Refused(err); c.Wrong == nil {
			return nil, err
		}
	}
	return c, nil
}

// showCaller is the part of the page about who calls, for the page's script.
func showCaller(v *page.Visit) error {
	c, err := lookUp(v, v.Query("phone"))
	if err != nil {
		return err
	}
	return v.Show(templates["new"].Lookup("caller"), "caller", "", call{Caller: c})
}

// showNear is the part of the page about open reports nearby, for the page's script.
func showNear(v *page.Visit) error {
	at := point(v.Query("coordinates"))
	if at == nil {
		return v.Show(templates["new"].Lookup("near"), "near", "", call{})
	}
	query := url.Values{"latitude": {strconv.FormatFloat(at[0], 'f', -1, 64)}, "longitude": {strconv.FormatFloat(at[1], 'f', -1, 64)}, "limit": {"8"}}
	if c := v.Query("category"); c != "" {
		query.Set("category", c)
	}
	var near gen.DeskNearList
	if err := v.Get("/v1/desk/nearby", query, &near); err != nil && page.Refused(err) == nil {
		return err
	}
	return v.Show(templates["new"].Lookup("near"), "near", "", call{Near: near.Items})
}
