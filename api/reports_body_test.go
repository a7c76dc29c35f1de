package api

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

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
