package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/reports"
)

// What is read by everybody is listed here: a field more is a decision, not an accident.
func TestNearbyReport_Keys(t *testing.T) {
	t.Parallel()
	want := []string{"category", "distance_m", "id", "number", "place", "received_at", "status", "supports"}
	if got := keysOf(t, gen.NearbyReport{}); !slices.Equal(got, want) {
		t.Errorf("everybody reads %v, want %v", got, want)
	}
	want = []string{"category", "description", "id", "number", "photo_count", "place", "received_at", "status", "supports", "updated_at"}
	if got := keysOf(t, gen.ReportSummary{Place: &gen.Place{}}); !slices.Equal(got, want) {
		t.Errorf("the citizen reads %v, want %v", got, want)
	}
}

func keysOf(t *testing.T, v any) []string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(m))
}

func TestServer_report_hidesStaff(t *testing.T) {
	t.Parallel()
	s := &Server{Reports: reports.New(nil, nil, nil)}
	staff := reports.By{Kind: actor.Staff, ID: "secret-staff", Department: "maintenance"}
	body, err := s.report(context.Background(), &reports.Report{ID: "r", Assignee: "secret-assignee", RegisteredBy: "secret-clerk", ResolvedBy: "secret-officer",
		Contact: &reports.Contact{Phone: "+966500000001"}, Merged: []reports.Ref{{ID: "secret-merged", Number: "secret-number"}},
		DuplicateOf: &reports.Ref{ID: "secret-other", Number: "4821907356"},
		Timeline: []reports.Entry{{ID: "1", Kind: reports.EntryNote, Text: "secret-note", By: staff, Internal: true},
			{ID: "2", Kind: reports.EntryReply, Text: "shown", By: staff, Assignee: "secret-assignee", Other: &reports.Ref{Number: "secret-number"}}}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(b); strings.Contains(text, "secret") || strings.Contains(text, "+9665") || !strings.Contains(text, "shown") ||
		!strings.Contains(text, `"by":{"kind":"staff","name":"maintenance"}`) {
		t.Errorf("the citizen reads %s", text)
	}
}

func TestNames_dimension(t *testing.T) {
	t.Parallel()
	n := names{catalogue: &reports.Catalogue{}}
	for _, c := range []struct {
		by       reports.Dimension
		language string
		key      string
		want     string
	}{
		{reports.ByGender, "ar", "female", "نساء"}, {reports.ByGender, "en", "", "Not stated"}, {reports.ByResidency, "ur", "citizen", "شہری"},
		{reports.ByCompany, "en", "no", "Persons"}, {reports.ByRegion, "en", "SA-01", "SA-01"}, {reports.ByRegion, "ar", "", "غير مذكور"},
		{reports.ByMonth, "ar", "2026-10", "2026-10"},
		{reports.ByHijriMonth, "ar", "1448-05", "1448-05"}, {reports.ByDepartment, "ar", "gone", "gone"},
	} {
		n.language = c.language
		if got := n.dimension(c.by, c.key); got != c.want {
			t.Errorf("%s %q: %q", c.by, c.key, got)
		}
	}
	for _, by := range reports.Dimensions {
		if names, told := reporters[by]; told && len(names) != 2 {
			t.Errorf("%s: %v", by, names)
		}
	}
}

func TestVolumesTable(t *testing.T) {
	t.Parallel()
	b, err := volumesTable(&gen.Volumes{By: gen.VolumesBy{"category", "month"}, Rows: []gen.VolumesRow{
		{Keys: []string{"loudspeakers", "2026-10"}, Names: []string{"=مكبرات", "2026-10"}, Count: 214}}}).csv()
	if want := "category,category_name,month,count\r\nloudspeakers,'=مكبرات,2026-10,214\r\n"; err != nil || string(b) != want {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestFiguresWorkbook(t *testing.T) {
	t.Parallel()
	b, err := figuresWorkbook("en", "volumes", volumesTable(&gen.Volumes{By: gen.VolumesBy{"category", "hijri_month"}, Rows: []gen.VolumesRow{
		{Keys: []string{"loudspeakers", "1448-05"}, Names: []string{"=1+1", "1448-05"}, Count: 214}}}))
	if err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("Volumes")
	if want := "[[Category (Code) Category Hijri month Count] [loudspeakers =1+1 1448-05 214]]"; err != nil || fmt.Sprint(rows) != want {
		t.Errorf("got %v, %v", rows, err)
	}
}

func TestDeadlinesTable(t *testing.T) {
	t.Parallel()
	asked := gen.Promptness{Due: 4, Met: 3, Missed: 1, N: 3, MedianMinutes: new(int64(90)), P90Minutes: new(int64(200))}
	row := gen.DeadlinesRow{Received: 5, Open: 2, Ages: []int{1, 0, 1, 0, 0, 0}, FirstAnswer: asked, Resolution: gen.Promptness{Due: 1, Missed: 1, Overdue: 1}}
	total := row
	row.Key, row.Name = new("riyadh"), new("=الرياض")
	body := &gen.Deadlines{From: "2026-10-01", To: "2026-10-31", AsOf: time.Date(2026, 11, 1, 6, 30, 0, 0, time.UTC), By: "centre", Rows: []gen.DeadlinesRow{row}, Total: total}
	got := deadlinesTable(body)
	b, err := got.csv()
	const figures = ",5,2,1,0,1,0,0,0,4,3,1,0,3,90,200,1,0,1,1,0,,,2026-10-01,2026-10-31,2026-11-01T06:30:00Z\r\n"
	want := strings.Join(got.header, ",") + "\r\nriyadh,'=الرياض" + figures + "," + figures
	if err != nil || string(b) != want || len(got.header) != len(got.rows[0]) {
		t.Errorf("got  %q, %v\nwant %q", b, err, want)
	}
	for _, column := range got.header {
		for _, language := range []string{"ar", "en", "ur"} {
			if words[column][language] == "" {
				t.Errorf("%s has no name in %s", column, language)
			}
		}
	}
	for _, by := range reports.Dimensions {
		if words[string(by)]["ar"] == "" {
			t.Errorf("%s has no name", by)
		}
	}
}
