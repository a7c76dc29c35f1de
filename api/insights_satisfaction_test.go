package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/xuri/excelize/v2"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/openapi"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/store/teststore"
	"github.com/balagh/balagh/surveys"
)

var everywhere = []string{actor.All}

// asked is a context as the middleware leaves it.
func asked(t *testing.T, a actor.Actor, language string) context.Context {
	t.Helper()
	return context.WithValue(t.Context(), requestKey, &request{actor: a, language: language})
}

// conforms checks what a handler answers against a schema of the contract.
func conforms(t *testing.T, schema string, body any) {
	t.Helper()
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if err := doc.Components.Schemas[schema].Value.VisitJSON(v); err != nil {
		t.Errorf("%s does not conform to %s: %v", b, schema, err)
	}
}

// surveyed is a server with one named centre, another that is no longer known, and a clock that stands at noon.
func surveyed(t *testing.T) *Server {
	t.Helper()
	db := teststore.Open(t)
	now := func() time.Time { return time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC) }
	cases := reports.New(db, nil, time.FixedZone("Asia/Riyadh", 3*60*60))
	if err := cases.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	admin := actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: everywhere, Departments: everywhere}
	names := map[string]string{"ar": "=منطقة الرياض", "en": "=Riyadh Region", "ur": "=ریاض ریجن"} // an administrator's trick
	if _, err := cases.PutCentre(t.Context(), admin, reports.Centre{Code: "sa-01", Names: names, Active: true}, nil); err != nil {
		t.Fatal(err)
	}
	return &Server{Reports: cases, Now: now, Surveys: &surveys.Service{Store: db, Now: now, NewID: uuid.NewString}}
}

// ratedReport resolves a report of the citizen, and rates it when level is not 0.
func ratedReport(t *testing.T, s *Server, citizen, centre string, level int) string {
	t.Helper()
	id := uuid.NewString()
	err := s.Surveys.On(t.Context(), event.Event{Type: event.ReportMoved, At: s.Now().Add(-time.Hour),
		Report: &event.Report{ID: id, Citizen: citizen,
			Centre: centre, Department: "maintenance", Category: "maintenance", Channel: "app", To: "resolved", Closure: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if level > 0 {
		ctx := asked(t, actor.Actor{Kind: actor.Citizen, ID: citizen}, "ar")
		if _, err := s.RateReport(ctx, gen.RateReportRequestObject{Id: id,
			Body: &gen.NewRating{Level: level, Solved: level > 2}}); err != nil {
			t.Fatal(err)
		}
	}
	return id
}

func TestServer_RateReport(t *testing.T) {
	t.Parallel()
	s := surveyed(t)
	id := ratedReport(t, s, "c", "sa-01", 0)
	ctx := asked(t, actor.Actor{Kind: actor.Citizen, ID: "c"}, "ar")
	if _, err := s.GetRating(ctx, gen.GetRatingRequestObject{Id: id}); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("before it was rated: %v", err)
	}
	comment := "لم يُحل شيء"
	r, err := s.RateReport(ctx, gen.RateReportRequestObject{Id: id,
		Body: &gen.NewRating{Level: 1, Reasons: []gen.RatingReason{"not_solved"}, Comment: &comment}})
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, "Rating", r)
	body := gen.Rating(r.(gen.RateReport201JSONResponse))
	if body.ReportId != id || body.Closure != 1 || body.Level != 1 || *body.Comment != comment || !body.MayReopen ||
		body.ReopenUntil == nil {
		t.Errorf("rating %+v", body)
	}
	again, err := s.GetRating(ctx, gen.GetRatingRequestObject{Id: id})
	if err != nil || fmt.Sprint(again) == "" {
		t.Fatal(err)
	}
	conforms(t, "Rating", again)
	if _, err := s.RateReport(ctx, gen.RateReportRequestObject{Id: id,
		Body: &gen.NewRating{Level: 5, Solved: true}}); fault.CodeOf(err) != fault.Exists {
		t.Errorf("a second rating: %v", err)
	}
	if _, err := s.GetRating(asked(t, actor.Actor{Kind: actor.Citizen, ID: "d"}, "ar"),
		gen.GetRatingRequestObject{Id: id}); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("another citizen: %v", err)
	}
}

func TestServer_RateReport_PlainRating(t *testing.T) {
	t.Parallel()
	s := surveyed(t)
	id := ratedReport(t, s, "c", "sa-01", 5)
	r, err := s.GetRating(asked(t, actor.Actor{Kind: actor.Citizen, ID: "c"}, "ar"), gen.GetRatingRequestObject{Id: id})
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, "Rating", r)
	if body := gen.Rating(r.(gen.GetRating200JSONResponse)); body.Reasons == nil || body.Comment != nil || body.MayReopen ||
		body.ReopenUntil != nil {
		t.Errorf("rating %+v", body)
	}
}

func TestServer_Satisfaction(t *testing.T) {
	t.Parallel()
	s := surveyed(t)
	for _, level := range []int{0, 1, 1, 1, 4, 4, 4, 5, 5, 5, 5, 5, 5} {
		ratedReport(t, s, "c", "sa-01", level)
	}
	for range 10 {
		ratedReport(t, s, "c", "sa-99", 3)
	}
	ctx := asked(t, actor.Actor{Kind: actor.Staff, Role: actor.Manager, Centres: everywhere, Departments: everywhere}, "en")
	by, first := gen.SatisfactionDimension("centre"), "2026-11-01"
	r, err := s.Satisfaction(ctx, gen.SatisfactionRequestObject{Params: gen.SatisfactionParams{By: &by, From: &first}})
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, "Satisfaction", r)
	body := gen.Satisfaction(r.(gen.Satisfaction200JSONResponse))
	if body.From != "2026-11-01" || body.To != "2026-11-20" || body.Formula != "top2" || body.Version != 1 || len(body.Rows) != 2 {
		t.Fatalf("satisfaction %+v", body)
	}
	if row := body.Rows[0]; *row.Key != "sa-01" || *row.Name != "=Riyadh Region" || row.N != 12 || row.Eligible != 13 ||
		*row.Top2 != .75 || row.Suppressed {
		t.Errorf("row %+v", row)
	}
	if row := body.Rows[1]; *row.Name != "sa-99" || *row.Top2 != 0 || row.Interval == nil {
		t.Errorf("row of a centre that is no longer known %+v", row)
	}
	if body.Total.Key != nil || body.Total.Eligible != 23 {
		t.Errorf("total %+v", body.Total)
	}

	f, err := s.SatisfactionCsv(ctx, gen.SatisfactionCsvRequestObject{Params: gen.SatisfactionCsvParams{By: &by, From: &first}})
	if err != nil {
		t.Fatal(err)
	}
	got := f.(csvFile).body
	want, err := os.ReadFile("testdata/satisfaction.csv")
	if err != nil {
		t.Fatal(err)
	}
	if want = bytes.ReplaceAll(want, []byte("\n"), []byte("\r\n")); !bytes.Equal(got, want) {
		t.Errorf("got\n%s", got)
	}
}

func TestServer_Satisfaction_Undivided(t *testing.T) {
	t.Parallel()
	s := surveyed(t)
	admin := actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: everywhere, Departments: everywhere}
	r, err := s.Satisfaction(asked(t, admin, "ar"), gen.SatisfactionRequestObject{})
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, "Satisfaction", r)
	if body := gen.Satisfaction(r.(gen.Satisfaction200JSONResponse)); body.By != "none" || len(body.Rows) != 0 ||
		body.Total.ResponseRate != nil {
		t.Errorf("satisfaction %+v", body)
	}
	by := gen.SatisfactionDimension("channel")
	ratedReport(t, s, "c", "sa-01", 5)
	r, err = s.Satisfaction(asked(t, admin, "ar"), gen.SatisfactionRequestObject{Params: gen.SatisfactionParams{By: &by}})
	if err != nil || *gen.Satisfaction(r.(gen.Satisfaction200JSONResponse)).Rows[0].Name != "التطبيق" {
		t.Fatalf("by channel %+v, %v", r, err)
	}
	conforms(t, "Satisfaction", r)
	if row := gen.Satisfaction(r.(gen.Satisfaction200JSONResponse)).Rows[0]; !row.Suppressed || *row.Reason != "too_few" || row.N != 0 || row.Top2 != nil {
		t.Errorf("a row of one rating %+v", row)
	}
	f, err := s.SatisfactionCsv(asked(t, admin, "ar"), gen.SatisfactionCsvRequestObject{Params: gen.SatisfactionCsvParams{By: &by}})
	if err != nil || !strings.Contains(string(f.(csvFile).body),
		"app,التطبيق"+strings.Repeat(",", 16)+"top2,1,2025-11-21,2026-11-20,1,too_few\r\n") {
		t.Errorf("a row of one rating in the file: %s, %v", f.(csvFile).body, err)
	}
}

// Every dimension is named in the caller's language, and each file has the same rows.
func TestServer_Satisfaction_Dimensions(t *testing.T) {
	t.Parallel()
	s := surveyed(t)
	for range 12 {
		err := s.Surveys.On(t.Context(), event.Event{Type: event.ReportMoved, At: s.Now(), Report: &event.Report{ID: uuid.NewString(), Citizen: "c", Centre: "sa-01", Region: "SA-01",
			Department: "maintenance", Category: "maintenance", Channel: "app", Gender: "female", To: "resolved", Closure: 1}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ by, language, key, name string }{
		{"region", "en", "SA-01", "Riyadh Region"},
		{"gender", "ar", "female", "نساء"},
		{"gender", "ur", "female", "خواتین"},
		{"residency", "en", "", "Not stated"},
		{"company", "ur", "no", "افراد"},
		{"day", "en", "2026-11-20", "2026-11-20"},
		{"month", "ar", "2026-11", "2026-11"},
		{"hijri_month", "en", "1448-06", "1448-06"},
	} {
		ctx := asked(t, actor.Actor{Kind: actor.Staff, Role: actor.Manager, Centres: everywhere, Departments: everywhere}, c.language)
		by, region, gender := gen.SatisfactionDimension(c.by), "SA-01", gen.Gender("female")
		p := gen.SatisfactionParams{By: &by, From: new("2026-11-20"), Region: &region, Gender: &gender}
		r, err := s.Satisfaction(ctx, gen.SatisfactionRequestObject{Params: p})
		if err != nil {
			t.Fatalf("by %s: %v", c.by, err)
		}
		conforms(t, "Satisfaction", r)
		rows := gen.Satisfaction(r.(gen.Satisfaction200JSONResponse)).Rows
		if len(rows) != 1 || *rows[0].Key != c.key || *rows[0].Name != c.name || !rows[0].Suppressed {
			t.Errorf("by %s: %+v", c.by, rows)
		}
		x, err := s.SatisfactionXlsx(ctx, gen.SatisfactionXlsxRequestObject{Params: gen.SatisfactionXlsxParams(p)})
		if err != nil {
			t.Fatal(err)
		}
		f, err := excelize.OpenReader(bytes.NewReader(x.(download).body))
		if err != nil {
			t.Fatal(err)
		}
		sheet, err := f.GetRows(f.GetSheetName(0))
		if err != nil || len(sheet) != 3 || sheet[0][0] != word(c.by, c.language) || sheet[1][1] != c.name {
			t.Errorf("by %s: %v, %v", c.by, sheet, err)
		}
	}
}

func TestServer_Satisfaction_Refused(t *testing.T) {
	t.Parallel()
	s := surveyed(t)
	wrong := "2026-02-30"
	manager := actor.Actor{Kind: actor.Staff, Role: actor.Manager, Centres: everywhere, Departments: everywhere}
	if _, err := s.Satisfaction(asked(t, manager, "ar"),
		gen.SatisfactionRequestObject{Params: gen.SatisfactionParams{From: &wrong}}); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("a day that is not: %v", err)
	}
	manager.Role = actor.Supervisor
	if _, err := s.SatisfactionCsv(asked(t, manager, "ar"), gen.SatisfactionCsvRequestObject{}); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("a supervisor: %v", err)
	}
}
