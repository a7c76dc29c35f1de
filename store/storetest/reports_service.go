package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

func testReportsService(t *testing.T, open func(t *testing.T) ReportsStore) {
	for name, test := range map[string]func(*reportsDesk){
		"File/routes, promises and tells":            serviceFile,
		"File/who it is from":                        serviceReporter,
		"TakeOver/as if it had happened here":        serviceTakeOver,
		"File/tells every fault at once":             serviceFileFaults,
		"File/the same id is the same report":        serviceFileTwice,
		"File/a number that is taken is drawn again": serviceFileNumber,
		"File/photos":           serviceFilePhotos,
		"Register/for a caller": serviceRegister,
		"Mine/cursors":          serviceMine,
		"Get/one's own, without what is internal":      serviceGet,
		"Comment/only while open":                      serviceComment,
		"Reopen/within the days allowed":               serviceReopen,
		"Support/another's open one, once":             serviceSupport,
		"Move/by the matrix, within the scope":         serviceMove,
		"Assign/centre, department, employee":          serviceAssign,
		"Merge/supporters follow, no chains":           serviceMerge,
		"Merge/in opposite directions at once":         serviceMergeRace,
		"Timeline/is full one day":                     serviceTimelineFull,
		"CloseResolved/after the days for reopening":   serviceClose,
		"Volumes/managers only, days of the time zone": serviceVolumes,
		"PutCategory/every fault at once, rev by rev":  servicePut,
	} {
		t.Run("Service."+name, func(t *testing.T) { t.Parallel(); test(newDesk(t, open(t))) })
	}
}

// reportsDesk is a service on a fresh store with a clock that stands still.
type reportsDesk struct {
	*testing.T
	*reports.Service
	store ReportsStore
	mu    sync.Mutex
	clock time.Time
}

var riyadh = time.FixedZone("Asia/Riyadh", 3*60*60)

func newDesk(t *testing.T, s ReportsStore) *reportsDesk {
	d := &reportsDesk{T: t, store: s, clock: time.Date(2026, 3, 4, 21, 30, 0, 0, time.UTC)} // Thursday 00:30 in Riyadh
	d.Service = reports.New(s, attached{}, riyadh)
	d.Now = func() time.Time {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.clock
	}
	ctx := t.Context()
	for _, code := range []string{"maintenance", "dawah"} {
		_, err := d.PutDepartment(ctx, admin, reports.Department{Code: code, Names: threeNames, Active: true}, nil)
		must(t, err)
	}
	for code, west := range map[string]int{"SA-01": 46, "SA-02": 39} {
		_, err := d.PutCentre(ctx, admin, reports.Centre{Code: code, Names: threeNames, Region: "R" + code[3:], Active: true, Area: json.RawMessage(fmt.Sprintf(
			`{"type":"Polygon","coordinates":[[[%d,20],[%d,20],[%d,26],[%d,26],[%d,20]]]}`, west, west+2, west+2, west, west))}, nil)
		must(t, err)
	}
	_, err := d.PutCategory(ctx, admin, reports.Category{Code: "loudspeakers", Names: threeNames, Department: "maintenance", FirstAnswerDays: 2,
		ResolutionDays: 5, Anonymous: true, Active: true, Attributes: []reports.Attribute{{Code: "mosque", Labels: threeNames, Datatype: reports.String}}}, nil)
	must(t, err)
	_, err = d.PutCategory(ctx, admin, reports.Category{Code: "posts", Names: threeNames, Department: "dawah", Active: true}, nil)
	must(t, err)
	return d
}

func (d *reportsDesk) later(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clock = d.clock.Add(by)
}

// attached is the photos domain as far as reports needs it: a photo whose name begins with "foreign" is another's.
type attached struct{}

func (attached) Attach(_ context.Context, _ actor.Actor, ids []string, _ string) (refs []reports.PhotoRef, err error) {
	for i, id := range ids {
		if strings.HasPrefix(id, "foreign") {
			return nil, fault.At(fmt.Sprintf("photos/%d", i), fault.Unknown)
		}
		refs = append(refs, reports.PhotoRef{ID: id, Width: 4, Height: 3, Bytes: 9, MediaType: "image/jpeg"})
	}
	return refs, nil
}

var (
	threeNames = map[string]string{"ar": "اسم", "en": "Name", "ur": "نام"}
	admin      = staffOf(actor.Admin, actor.All, actor.All)
	sara       = actor.Actor{Kind: actor.Citizen, ID: reporter(1)}
	omar       = actor.Actor{Kind: actor.Citizen, ID: reporter(2)}
	clerk      = staffOf(actor.Clerk, "SA-01", actor.All)
	officer    = staffOf(actor.Officer, "SA-01", "maintenance")
	supervisor = staffOf(actor.Supervisor, "SA-01", actor.All)
	manager    = staffOf(actor.Manager, actor.All, actor.All)
	stranger   = staffOf(actor.Supervisor, "SA-02", actor.All)
)

func staffOf(r actor.Role, centre, department string) actor.Actor {
	return actor.Actor{Kind: actor.Staff, ID: "staff-" + string(r) + "-" + centre, Role: r, Centres: []string{centre}, Departments: []string{department}}
}

func aNew(change ...func(*reports.NewReport)) reports.NewReport {
	n := reports.NewReport{Channel: reports.App, Category: "loudspeakers", Description: "  مكبرات الصوت لا تعمل\r\nمنذ الفجر ", Language: "ar",
		Place: &reports.Place{Latitude: 24.7, Longitude: 46.7, Source: reports.FromGPS}, Attributes: map[string]any{"mosque": "جامع الملك خالد"}}
	for _, c := range change {
		c(&n)
	}
	return n
}

func (d *reportsDesk) file(a actor.Actor, change ...func(*reports.NewReport)) *reports.Report {
	d.Helper()
	r, _, err := d.File(d.Context(), a, aNew(change...))
	must(d.T, err)
	return r
}

// to takes a report through the lifecycle.
func (d *reportsDesk) to(id string, steps ...reports.Status) *reports.Report {
	d.Helper()
	var r *reports.Report
	for _, st := range steps {
		var err error
		r, err = d.Move(d.Context(), supervisor, id, reports.Move{To: st})
		must(d.T, err)
	}
	return r
}

func (d *reportsDesk) wantFault(err error, want fault.Code, fields ...string) {
	d.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != want {
		d.Errorf("got %v, want %s", err, want)
		return
	}
	var got []string
	for _, field := range f.Fields {
		got = append(got, field.Path+" "+string(field.Reason))
	}
	if len(fields) > 0 && !slices.Equal(got, fields) {
		d.Errorf("got %v, want %v", got, fields)
	}
}

func (d *reportsDesk) facts() (facts []event.Event) {
	d.Helper()
	for {
		leased, err := d.store.Lease(d.Context(), time.Now().Add(time.Hour), time.Minute, 100)
		must(d.T, err)
		if len(leased) == 0 {
			return facts
		}
		for _, l := range leased {
			facts = append(facts, l.Event)
		}
		must(d.T, d.store.Done(d.Context(), leased))
	}
}

// wantFacts compares the facts since the last time, as "type from>to".
func (d *reportsDesk) wantFacts(want ...string) {
	d.Helper()
	var got []string
	for _, f := range d.facts() {
		got = append(got, fmt.Sprintf("%s %s>%s", strings.TrimPrefix(string(f.Type), "report."), f.Report.From, f.Report.To))
	}
	if !slices.Equal(got, want) {
		d.Errorf("facts %q, want %q", got, want)
	}
}

// serviceReporter sees that figures and facts keep what was known of somebody when it was filed.
func serviceReporter(d *reportsDesk) {
	ctx := d.Context()
	who := reports.Reporter{Gender: "female", Residency: "resident", Company: true}
	r := d.file(sara, func(n *reports.NewReport) { n.Reporter = who })
	d.later(time.Hour)
	d.to(r.ID, reports.Assigned, reports.InProgress, reports.Resolved)
	for i, f := range d.facts() {
		got, due := f.Report, r.Due.FirstAnswer
		if i == 3 { // resolved: nothing is awaited any more
			due = time.Time{}
		}
		if got.Region != "R01" || (reports.Reporter{Gender: got.Gender, Residency: got.Residency, Company: got.Company}) != who ||
			!got.Received.Equal(r.ReceivedAt) || !got.Due.Equal(due) {
			d.Errorf("fact %d: %+v", i, got)
		}
	}
	kept, err := d.Get(ctx, sara, r.ID)
	if err != nil || kept.Reporter != who || kept.AsFiled().Reporter != who {
		d.Errorf("kept %+v, %v", kept, err)
	}
}

// serviceTakeOver compares a report that was taken over with one that lived here.
func serviceTakeOver(d *reportsDesk) {
	ctx := d.Context()
	system := actor.Actor{Kind: actor.System}
	n := aNew(func(n *reports.NewReport) { n.Reporter = reports.Reporter{Gender: "male", Company: true} })
	taken := reports.Taken{By: sara, At: d.clock, New: n}
	r, _, err := d.File(ctx, sara, n)
	must(d.T, err)
	for i, to := range []reports.Status{reports.Assigned, reports.InProgress, reports.Resolved, reports.Closed} {
		d.later(time.Duration(i+1) * time.Hour)
		taken.Past = append(taken.Past, reports.Step{By: supervisor, At: d.clock, To: to})
		r = d.to(r.ID, to)
	}
	lived := d.facts()
	got, err := d.TakeOver(ctx, system, taken)
	must(d.T, err)
	facts := d.facts()
	if len(facts) != len(lived) {
		d.Fatalf("%d facts, want %d", len(facts), len(lived))
	}
	for i, f := range facts {
		want := lived[i]
		if f.Report.ID != got.ID || f.Report.Number != got.Number || f.Subject != "report/"+got.ID || f.Report.Step != got.Timeline[i].ID {
			d.Errorf("fact %d is of another: %+v", i, f.Report)
		}
		f.Report.ID, f.Report.Number, f.Report.Step = want.Report.ID, want.Report.Number, want.Report.Step
		if f.Type != want.Type || !f.At.Equal(want.At) || *f.Report != *want.Report {
			d.Errorf("fact %d: %+v, want %+v", i, f.Report, want.Report)
		}
	}
	kept, err := d.store.Report(ctx, got.ID)
	must(d.T, err)
	if *kept.Place != *r.Place || len(kept.Timeline) != len(r.Timeline) {
		d.Errorf("taken over %+v", kept)
	}
	kept.ID, kept.Number, kept.Rev, kept.Timeline, kept.Place = r.ID, r.Number, r.Rev, r.Timeline, r.Place
	if a, b := fmt.Sprintf("%+v", *kept), fmt.Sprintf("%+v", *r); a != b { // with one order of what is in maps
		d.Errorf("taken over\n%s\nlived\n%s", a, b)
	}
	for name, bad := range map[string]func(*reports.Taken){
		"nobody else's":   func(t *reports.Taken) { t.Past[0].By = stranger },
		"of the table":    func(t *reports.Taken) { t.Past[0].To = reports.Closed },
		"not backwards":   func(t *reports.Taken) { t.Past[1].At = t.At },
		"a known subject": func(t *reports.Taken) { t.New.Category = "gone" },
	} {
		x := taken
		x.Past = slices.Clone(taken.Past)
		bad(&x)
		if _, err := d.TakeOver(ctx, system, x); fault.CodeOf(err) == "" {
			d.Errorf("%s: %v", name, err)
		}
	}
	_, err = d.TakeOver(ctx, supervisor, taken)
	d.wantFault(err, fault.Forbidden)
	d.wantFacts()
}

func serviceFile(d *reportsDesk) {
	r := d.file(sara)
	day := time.Date(2026, 3, 5, 0, 0, 0, 0, riyadh) // received on Thursday; Friday and Saturday are off
	if r.Centre != "SA-01" || r.Department != "maintenance" || r.Status != reports.Received || r.Citizen != sara.ID || r.Day != "2026-03-05" ||
		r.Description != "مكبرات الصوت لا تعمل\nمنذ الفجر" || !r.Due.FirstAnswer.Equal(day.AddDate(0, 0, 5)) || !r.Due.Resolution.Equal(day.AddDate(0, 0, 8)) {
		d.Errorf("filed %+v", r)
	}
	if u, err := uuid.Parse(r.ID); err != nil || u.Version() != 7 || !reports.ValidNumber(r.Number) || r.SelfFiled || len(r.Timeline) != 1 {
		d.Errorf("filed %+v", r)
	}
	if west := d.file(omar, func(n *reports.NewReport) { n.Place.Longitude = 39.5 }); west.Centre != "SA-02" {
		d.Errorf("in the west: %s", west.Centre)
	}
	facts := d.facts()
	if len(facts) != 2 || facts[0].Type != event.ReportReceived || facts[0].Subject != "report/"+r.ID || *facts[0].Report != (event.Report{ID: r.ID,
		Number: r.Number, Citizen: sara.ID, Centre: "SA-01", Department: "maintenance", Category: "loudspeakers", Channel: "app", To: "received",
		Step: r.Timeline[0].ID, ByCitizen: true, Region: "R01", Received: r.ReceivedAt, Due: r.Due.FirstAnswer}) {
		d.Errorf("facts %+v", facts)
	}
	anonymous := d.file(actor.Actor{}, func(n *reports.NewReport) {
		n.Contact = &reports.Contact{Phone: "+966500000001", Email: "a@example.com"}
	})
	if anonymous.Citizen != "" || anonymous.Contact == nil || anonymous.Timeline[0].By != (reports.By{Kind: actor.Citizen}) {
		d.Errorf("anonymous: %+v", anonymous)
	}
	if own := d.file(clerk); !own.SelfFiled || own.Citizen != "" || own.RegisteredBy != clerk.ID {
		d.Errorf("by staff for themselves: %+v", own)
	}
	_, _, err := d.File(d.Context(), actor.Actor{}, aNew(func(n *reports.NewReport) { n.Category, n.Attributes = "posts", nil }))
	d.wantFault(err, fault.Unauthenticated)
	_, _, err = d.File(d.Context(), sara, aNew(func(n *reports.NewReport) { n.Place.Longitude = 42 }))
	d.wantFault(err, fault.OutsideArea)
}

func serviceFileFaults(d *reportsDesk) {
	long := strings.Repeat("ب", reports.MaxDescription)
	if r := d.file(sara, func(n *reports.NewReport) { n.Description = long }); r.Description != long {
		d.Error("4,000 characters are not kept")
	}
	nan := 0.0
	nan /= nan
	for name, c := range map[string]struct {
		change func(*reports.NewReport)
		want   []string
	}{
		"one character too many": {func(n *reports.NewReport) { n.Description = long + "ت" }, []string{"description too_long"}},
		"nothing but spaces":     {func(n *reports.NewReport) { n.Description = " \n\t " }, []string{"description required"}},
		"NUL":                    {func(n *reports.NewReport) { n.Description = "a\x00b" }, []string{"description wrong_format"}},
		"escape":                 {func(n *reports.NewReport) { n.Description = "a\x1bb" }, []string{"description wrong_format"}},
		"not UTF-8":              {func(n *reports.NewReport) { n.Description = "a\xffb" }, []string{"description wrong_format"}},
		"no place":               {func(n *reports.NewReport) { n.Place = nil }, []string{"place required"}},
		"NaN":                    {func(n *reports.NewReport) { n.Place.Latitude = nan }, []string{"place/latitude out_of_range"}},
		"off the map":            {func(n *reports.NewReport) { n.Place.Longitude = 181 }, []string{"place/longitude out_of_range"}},
		"accuracy":               {func(n *reports.NewReport) { n.Place.Accuracy = nan }, []string{"place/accuracy_m out_of_range"}},
		"address":                {func(n *reports.NewReport) { n.Place.Address = strings.Repeat("ش", 301) }, []string{"place/address too_long"}},
		"source":                 {func(n *reports.NewReport) { n.Place.Source = "guess" }, []string{"place/source unknown"}},
		"category":               {func(n *reports.NewReport) { n.Category = "x" }, []string{"category unknown"}},
		"no category":            {func(n *reports.NewReport) { n.Category = "" }, []string{"category required"}},
		"channel":                {func(n *reports.NewReport) { n.Channel = reports.Phone }, []string{"channel not_allowed"}},
		"language":               {func(n *reports.NewReport) { n.Language = "fr" }, []string{"language unknown"}},
		"contact":                {func(n *reports.NewReport) { n.Contact = &reports.Contact{Phone: "1"} }, []string{"contact not_allowed", "contact/phone wrong_format"}},
		"attribute":              {func(n *reports.NewReport) { n.Attributes = map[string]any{"mosque": 7.0} }, []string{"attributes/mosque wrong_type"}},
		"observed later":         {func(n *reports.NewReport) { n.ObservedAt = d.clock.Add(time.Hour) }, []string{"observed_at out_of_range"}},
		"id of another kind":     {func(n *reports.NewReport) { n.ID = uuid.NewString() }, []string{"id wrong_format"}},
		"id that is none":        {func(n *reports.NewReport) { n.ID = "{" + uuid.NewString() + "}" }, []string{"id wrong_format"}},
		"id of next week":        {func(n *reports.NewReport) { n.ID = "0fffffff-ffff-7c3e-9d0e-000000000001" }, []string{"id out_of_range"}},
		"photos":                 {func(n *reports.NewReport) { n.Photos = strings.Split("123456789", "") }, []string{"photos too_many"}},
		"a photo twice":          {func(n *reports.NewReport) { n.Photos = []string{"a", "b", "a"} }, []string{"photos/2 duplicate"}},
		"a foreign photo":        {func(n *reports.NewReport) { n.Photos = []string{"a", "foreign"} }, []string{"photos/1 unknown"}},
		"everything": {func(n *reports.NewReport) { n.Category, n.Description, n.Place, n.Language = "x", "", nil, "x" },
			[]string{"place required", "category unknown", "description required", "language unknown"}},
	} {
		d.T.Run(name, func(t *testing.T) {
			_, _, err := d.File(t.Context(), sara, aNew(c.change))
			(&reportsDesk{T: t}).wantFault(err, fault.Invalid, c.want...)
		})
	}
	items, _, err := d.Service.Mine(d.Context(), sara, nil, reports.Page{Limit: 9})
	must(d.T, err)
	if len(items) != 1 {
		d.Errorf("refused, and yet %d are written", len(items))
	}
}

func serviceFileTwice(d *reportsDesk) {
	id := uuid.Must(uuid.NewV7()).String()
	d.clock = time.Now().UTC()
	again := func(n *reports.NewReport) { n.ID = id }
	first := d.file(sara, again)
	if first.ID != id {
		d.Fatalf("filed as %s", first.ID)
	}
	for name, change := range map[string]func(*reports.NewReport){
		"as it was": again, "with upper-case letters": func(n *reports.NewReport) { n.ID = strings.ToUpper(id) },
		"with other words":              func(n *reports.NewReport) { n.ID, n.Description = id, "other" },
		"when it is no longer accepted": func(n *reports.NewReport) { n.ID, n.Category = id, "gone" },
	} {
		r, existing, err := d.File(d.Context(), sara, aNew(change))
		if name == "with upper-case letters" && err == nil && existing && r.ID == id {
			continue
		}
		if err != nil || !existing || r.Number != first.Number || r.Description != first.Description {
			d.Errorf("%s: %v, %v, %+v", name, existing, err, r)
		}
	}
	for _, other := range []actor.Actor{omar, {}, clerk} {
		r, _, err := d.File(d.Context(), other, aNew(again, func(n *reports.NewReport) { n.Photos = []string{"p"} }))
		d.wantFault(err, fault.Conflict)
		if r != nil {
			d.Error("told whose it is")
		}
	}
	derived := event.Derive("key-1")
	for i := range 2 {
		r, existing, err := d.File(d.Context(), sara, aNew(func(n *reports.NewReport) { n.DerivedID = derived }))
		if err != nil || r.ID != derived || existing != (i == 1) {
			d.Errorf("by its key: %v, %v, %v", r, existing, err)
		}
	}
	if facts := d.facts(); len(facts) != 2 {
		d.Errorf("%d facts of two reports", len(facts))
	}
}

func serviceFileNumber(d *reportsDesk) {
	same := make([]byte, 64)
	random := make([]byte, 4096)
	_, _ = rand.Read(random)
	d.Rand = bytes.NewReader(same)
	first := d.file(sara)
	d.Rand = bytes.NewReader(append(same[:16], random...))
	second := d.file(sara)
	if first.Number == second.Number || first.ID == second.ID {
		d.Errorf("%s and %s", first.Number, second.Number)
	}
	d.Rand = bytes.NewReader(nil)
	if _, _, err := d.File(d.Context(), sara, aNew()); err == nil || fault.CodeOf(err) != fault.Internal {
		d.Errorf("without randomness: %v", err)
	}
}

func serviceFilePhotos(d *reportsDesk) {
	r := d.file(sara, func(n *reports.NewReport) { n.Photos = []string{"a", "b"} })
	if len(r.Photos) != 2 || r.Photos[1].ID != "b" {
		d.Errorf("photos %+v", r.Photos)
	}
	for i := range 6 {
		got, ref, err := d.AddPhoto(d.Context(), sara, r.ID, fmt.Sprint("more-", i))
		must(d.T, err)
		if len(got.Photos) != 3+i || ref.ID != fmt.Sprint("more-", i) {
			d.Errorf("photos %+v, added %+v", got.Photos, ref)
		}
	}
	_, _, err := d.AddPhoto(d.Context(), sara, r.ID, "ninth")
	d.wantFault(err, fault.Invalid, "photos too_many")
	if got, _, err := d.AddPhoto(d.Context(), sara, r.ID, "more-3"); err != nil || len(got.Photos) != 8 {
		d.Errorf("one that is there: %v", err)
	}
	_, _, err = d.AddPhoto(d.Context(), omar, r.ID, "x")
	d.wantFault(err, fault.NotFound)
	other := d.file(sara)
	_, _, err = d.AddPhoto(d.Context(), sara, other.ID, "foreign")
	d.wantFault(err, fault.Invalid)
	d.to(other.ID, reports.Rejected)
	_, _, err = d.AddPhoto(d.Context(), sara, other.ID, "late")
	d.wantFault(err, fault.Conflict)
}

func serviceRegister(d *reportsDesk) {
	ctx := d.Context()
	call := func(change ...func(*reports.NewReport)) reports.NewReport {
		return aNew(append([]func(*reports.NewReport){func(n *reports.NewReport) { n.Channel, n.Place, n.Citizen = reports.Phone, nil, omar.ID }}, change...)...)
	}
	r, existing, err := d.Register(ctx, clerk, call())
	must(d.T, err)
	if existing || r.Centre != "SA-01" || r.Citizen != omar.ID || r.RegisteredBy != clerk.ID || r.SelfFiled || r.Channel != reports.Phone ||
		r.Timeline[0].By.ID != clerk.ID {
		d.Errorf("registered %+v", r)
	}
	if mine, err := d.Get(ctx, omar, r.ID); err != nil || mine.RegisteredBy != "" || mine.Timeline[0].By.ID != "" {
		d.Errorf("the caller sees %+v, %v", mine, err)
	}
	if facts := d.facts(); len(facts) != 1 || facts[0].Report.ByCitizen || facts[0].Report.Citizen != omar.ID {
		d.Errorf("facts %+v", facts)
	}
	r, _, err = d.Register(ctx, clerk, call(func(n *reports.NewReport) { n.Place = &reports.Place{Latitude: 21, Longitude: 40} }))
	if err != nil || r.Centre != "SA-02" {
		d.Errorf("by its place: %+v, %v", r, err)
	}
	everywhere := staffOf(actor.Clerk, actor.All, actor.All)
	_, _, err = d.Register(ctx, everywhere, call())
	d.wantFault(err, fault.Invalid, "centre required")
	_, _, err = d.Register(ctx, everywhere, call(func(n *reports.NewReport) { n.Centre = "SA-99" }))
	d.wantFault(err, fault.Invalid, "centre unknown")
	_, _, err = d.Register(ctx, clerk, call(func(n *reports.NewReport) { n.Channel = reports.App }))
	d.wantFault(err, fault.Invalid, "channel not_allowed")
	_, _, err = d.Register(ctx, clerk, call(func(n *reports.NewReport) { n.Place = &reports.Place{Latitude: 1, Longitude: 1} }))
	d.wantFault(err, fault.OutsideArea)
	for _, a := range []actor.Actor{manager, admin, sara, {}} {
		_, _, err = d.Register(ctx, a, call())
		d.wantFault(err, fault.Forbidden)
	}
}
