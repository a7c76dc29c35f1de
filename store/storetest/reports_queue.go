package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/balagh/balagh/fold"
	"github.com/balagh/balagh/reports"
)

func wantQueue(t *testing.T, s ReportsStore, q reports.QueueQuery, want ...int) []reports.Summary {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 50
	}
	if q.Sort == "" {
		q.Sort = reports.Newest
	}
	items, err := s.Queue(t.Context(), q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	wantNumbers(t, items, want...)
	return items
}

func queueFilters(t *testing.T, s ReportsStore) {
	addReports(t, s, aReport(0),
		aReport(1, func(r *reports.Report) { r.Centre = "SA-02" }), aReport(2, func(r *reports.Report) { r.Department = "dawah" }),
		aReport(3, func(r *reports.Report) { r.Category = "maintenance" }), aReport(4, func(r *reports.Report) { r.Channel = reports.Phone }),
		aReport(5, func(r *reports.Report) { r.Assignee = reporter(9) }), aReport(6, status(reports.Closed)),
		aReport(7, status(reports.InProgress), func(r *reports.Report) { r.FirstAnswer = r.ReceivedAt.Add(time.Hour) }))
	wantQueue(t, s, reports.QueueQuery{}, 7, 6, 5, 4, 3, 2, 1, 0)
	wantQueue(t, s, reports.QueueQuery{Centre: "SA-02"}, 1)
	wantQueue(t, s, reports.QueueQuery{Department: "dawah"}, 2)
	wantQueue(t, s, reports.QueueQuery{Category: "maintenance"}, 3)
	wantQueue(t, s, reports.QueueQuery{Channel: reports.Phone}, 4)
	wantQueue(t, s, reports.QueueQuery{Assignee: reporter(9)}, 5)
	wantQueue(t, s, reports.QueueQuery{Statuses: []reports.Status{reports.Closed}}, 6)
	wantQueue(t, s, reports.QueueQuery{Statuses: []reports.Status{reports.Closed, reports.InProgress}}, 7, 6)
	wantQueue(t, s, reports.QueueQuery{Statuses: []reports.Status{reports.InProgress, reports.Assigned}}, 7)
	wantQueue(t, s, reports.QueueQuery{Centre: "SA-02", Category: "maintenance"})
	wantQueue(t, s, reports.QueueQuery{Number: "1000000003"}, 3)
	wantQueue(t, s, reports.QueueQuery{Number: "1000000003", Category: "loudspeakers"})
	wantQueue(t, s, reports.QueueQuery{Citizen: reporter(1), Category: "maintenance"}, 3)
	wantQueue(t, s, reports.QueueQuery{Citizen: reporter(2)})
	wantQueue(t, s, reports.QueueQuery{Citizen: reporter(1), Number: "1000000003"}, 3)
	wantQueue(t, s, reports.QueueQuery{IDs: []string{reportID(2), reportID(6), reportID(1), "nobody"}}, 6, 2, 1)
	wantQueue(t, s, reports.QueueQuery{IDs: []string{reportID(2), reportID(6)}, Scope: reports.Scope{Departments: []string{"dawah"}}}, 2)
	wantQueue(t, s, reports.QueueQuery{IDs: []string{}})
	minute := func(n int) time.Time { return receivedFirst.Add(time.Duration(n) * time.Minute) }
	wantQueue(t, s, reports.QueueQuery{From: minute(5)}, 7, 6, 5)
	wantQueue(t, s, reports.QueueQuery{To: minute(2)}, 1, 0)
	wantQueue(t, s, reports.QueueQuery{From: minute(2), To: minute(4)}, 3, 2)
	// The seventh was answered, so its resolution counts; the sixth is closed, so nothing does.
	wantQueue(t, s, reports.QueueQuery{OverdueAt: minute(1).AddDate(0, 0, 2)}, 0)
	wantQueue(t, s, reports.QueueQuery{OverdueAt: minute(60).AddDate(0, 0, 2)}, 5, 4, 3, 2, 1, 0)
	items := wantQueue(t, s, reports.QueueQuery{OverdueAt: minute(60).AddDate(0, 0, 10), Statuses: []reports.Status{reports.InProgress}}, 7)
	r := aReport(7, status(reports.InProgress), func(r *reports.Report) { r.FirstAnswer, r.Rev = r.ReceivedAt.Add(time.Hour), 1 })
	if len(items) == 1 && !reflect.DeepEqual(items[0], r.Summary()) {
		t.Errorf("got  %+v\nwant %+v", items[0], r.Summary())
	}
	for _, text := range []string{"' OR '1'='1", `{"$gt":""}`, "%", "SA-0_", "\x00"} {
		wantQueue(t, s, reports.QueueQuery{Centre: text})
		wantQueue(t, s, reports.QueueQuery{Assignee: text})
		wantQueue(t, s, reports.QueueQuery{Statuses: []reports.Status{reports.Status(text)}})
	}
}

func queueScope(t *testing.T, s ReportsStore) {
	put := func(centre, department string) func(*reports.Report) {
		return func(r *reports.Report) { r.Centre, r.Department = centre, department }
	}
	addReports(t, s, aReport(0, put("SA-01", "a")), aReport(1, put("SA-01", "b")), aReport(2, put("SA-02", "a")), aReport(3, put("SA-03", "b")))
	must(t, s.Settle(t.Context()))
	all, none := []string(nil), []string{}
	for _, c := range []struct {
		centres, departments []string
		want                 []int
	}{
		{all, all, []int{3, 2, 1, 0}}, {none, all, nil}, {all, none, nil}, {none, none, nil},
		{[]string{"SA-01"}, all, []int{1, 0}}, {[]string{"SA-01", "SA-03"}, all, []int{3, 1, 0}}, {all, []string{"a"}, []int{2, 0}},
		{[]string{"SA-01"}, []string{"a"}, []int{0}}, {[]string{"SA-03"}, []string{"a"}, nil}, {[]string{"*"}, []string{"*"}, nil},
		{[]string{"SA-0"}, all, nil}, {[]string{`SA-01","SA-02`}, all, nil},
	} {
		scope := reports.Scope{Centres: c.centres, Departments: c.departments}
		wantQueue(t, s, reports.QueueQuery{Scope: scope}, c.want...)
		wantQueue(t, s, reports.QueueQuery{Scope: scope, Terms: []string{"الصوت"}}, c.want...)
		wantQueue(t, s, reports.QueueQuery{Scope: scope, Sort: reports.ByDue, Limit: 9}, reversed(c.want)...)
	}
	wantQueue(t, s, reports.QueueQuery{Scope: reports.Scope{Centres: []string{"SA-01"}}, Centre: "SA-02"})
	wantQueue(t, s, reports.QueueQuery{Scope: reports.Scope{Centres: []string{"SA-01"}}, Number: "1000000002"})
}

func reversed(in []int) (out []int) {
	for i := len(in) - 1; i >= 0; i-- {
		out = append(out, in[i])
	}
	return out
}

func queueOrders(t *testing.T, s ReportsStore) {
	due := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	for i := range 9 {
		addReports(t, s, aReport(i, func(r *reports.Report) {
			r.Due.FirstAnswer = due.AddDate(0, 0, -(i / 3)) // three share each
			if i == 4 {
				r.Status = reports.Closed
			}
		}))
	}
	wantQueue(t, s, reports.QueueQuery{Sort: reports.Oldest}, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	wantQueue(t, s, reports.QueueQuery{Sort: reports.ByDue}, 6, 7, 8, 3, 5, 0, 1, 2)
	for _, order := range []reports.Sort{reports.Newest, reports.Oldest, reports.ByDue} {
		whole, err := s.Queue(t.Context(), reports.QueueQuery{Sort: order, Limit: 50})
		must(t, err)
		var paged []reports.Summary
		var mark reports.Mark
		for {
			items, err := s.Queue(t.Context(), reports.QueueQuery{Sort: order, Limit: 2, After: mark})
			must(t, err)
			if len(items) == 0 || len(paged) > len(whole) {
				break
			}
			paged = append(paged, items...)
			mark = markOf(items)
			if order == reports.ByDue {
				mark.At = items[len(items)-1].Deadline
			}
		}
		if !reflect.DeepEqual(numbers(paged), numbers(whole)) {
			t.Errorf("%s in pages %v, whole %v", order, numbers(paged), numbers(whole))
		}
	}
}

func queueWords(t *testing.T, s ReportsStore) {
	texts := []string{
		0: "مُكَبِّرات الصَّوتِ الخارجيّة في مسجدِ الأمّة لا تعمل",
		1: "تسرّب مياه في دورة المياه — الدور ١٢، رقم الجوال ٠٥٠١٢٣٤٥٦٧",
		2: "إنارة ســـاحة المسجد مطفأة منذ أُسبوع",
		3: "مسئول المصلى غير موجود",
		4: "The air conditioner of the prayer hall is BROKEN (unit 12)",
		5: "مسجد کے لاؤڈ اسپیکر خراب ہیں",
	}
	for i, text := range texts {
		addReports(t, s, aReport(i, func(r *reports.Report) { r.Description, r.Place.Address = text, fmt.Sprint("شارع ", 100+i) }))
	}
	addReports(t, s, aReport(6, func(r *reports.Report) {
		r.Description, r.Attributes = "عطل", map[string]any{"mosque_name": "جامع الإمام تركي", "kinds": []string{"نوافذ"}, "count": 7.0}
	}), aReport(7, func(r *reports.Report) {
		r.Description, r.Attributes = "عطل", map[string]any{"kinds": []any{"أبواب"}}
		r.Place = nil
	}))
	must(t, s.Settle(t.Context()))
	wantQueue(t, s, reports.QueueQuery{IDs: []string{reportID(0), reportID(1), reportID(2)}, Terms: []string{"مسجد"}}, 0)
	wantQueue(t, s, reports.QueueQuery{IDs: []string{reportID(1), reportID(2)}, Terms: []string{"مكبرات"}})
	wantQueue(t, s, reports.QueueQuery{Citizen: reporter(1), Terms: []string{"broken"}}, 4)
	for query, want := range map[string][]int{
		"مكبرات الصوت":     {0},
		"مكبّرات":          {0},
		"الخارجيه":         {0},
		"خارجية":           nil, // a word is looked for from its beginning
		"الامه":            {0},
		"الأمة":            {0},
		"آلأمة":            {0},
		"المسجد":           {2},
		"مسجد":             {5, 0},
		"مسج":              {5, 0},
		"ساحة":             {2},
		"ســاحه":           {2},
		"اسبوع":            {2},
		"إسبوع":            {2},
		"اناره ساحه":       {2},
		"ساحه اناره":       {2},
		"مسؤول":            nil, // another spelling of another letter: waw
		"مسئول":            {3},
		"المصلي":           {3},
		"broken":           {4},
		"BROK":             {4},
		"12":               {4, 1},
		"١٢":               {4, 1},
		"۱۲":               {4, 1},
		"0501234567":       {1},
		"٠٥٠١٢٣٤٥٦٧":       {1},
		"05012345":         nil, // numbers are whole
		"مكبرات 0501":      nil,
		"مكبرات تسرب":      nil,
		"لاؤڈ سپيكر":       nil,
		"لاوڈ":             {5},
		"لاؤڈ اسپيكر":      {5},
		"شارع 103":         {3},
		"الامام تركي":      {6},
		"نوافذ":            {6},
		"ابواب":            {7},
		"عطل":              {7, 6},
		"اسم غير موجود":    nil,
		"مياه, دورة؛ (12)": {1},
	} {
		t.Run(query, func(t *testing.T) { wantQueue(t, s, reports.QueueQuery{Terms: fold.Terms(query)}, want...) })
	}
	addReports(t, s, aReport(30, func(r *reports.Report) { r.Description = "مكبرات جديدة" }))
	must(t, s.Settle(t.Context()))
	wantQueue(t, s, reports.QueueQuery{Terms: []string{"مكبرات"}, Sort: reports.Oldest}, 0, 30)
	wantQueue(t, s, reports.QueueQuery{Terms: []string{"مكبرات"}, Statuses: []reports.Status{reports.Closed}})
}

func queueOperators(t *testing.T, s ReportsStore) {
	addReports(t, s, aReport(0, func(r *reports.Report) { r.Description = "speaker broken" }),
		aReport(1, func(r *reports.Report) { r.Description = "or not near and window" }))
	must(t, s.Settle(t.Context()))
	for query, want := range map[string][]int{
		`speaker OR window`: nil, `speaker NOT broken`: nil, `NEAR(speaker broken)`: nil, `"speaker broken"`: {0}, `words:speaker`: nil,
		`-broken`: {0}, `^speaker`: {0}, `spea*`: {0}, `speaker" OR "window`: nil, `{"$gt":""}`: nil, `{"$regex":"."}`: nil, `%`: nil, `' OR 1=1 --`: nil,
		`or`: {1}, `not near`: {1}, `speaker AND broken`: nil, `(speaker`: {0}, `speaker + broken`: {0},
	} {
		t.Run(query, func(t *testing.T) {
			terms := fold.Terms(query)
			if len(terms) == 0 { // the service does not ask then
				return
			}
			wantQueue(t, s, reports.QueueQuery{Terms: terms}, want...)
		})
	}
	for _, raw := range []string{`"`, `" OR speaker "`, `*`, `a" OR broken`, "\x00", `NEAR(a b)`, `:`, `^`, ``, `'`} { // even terms that are none
		if items, err := s.Queue(t.Context(), reports.QueueQuery{Terms: []string{raw}, Sort: reports.Newest, Limit: 5}); err != nil || len(items) > 0 {
			t.Errorf("%q: %v, %v", raw, numbers(items), err)
		}
	}
}
