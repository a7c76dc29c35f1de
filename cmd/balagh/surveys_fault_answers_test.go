//go:build !race

package main

import (
	"encoding/csv"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/store/teststore"
	"github.com/balagh/balagh/surveys"
)

// killedUnder lets workers do their tasks, and kills the server when about so many tasks more are done; what was not acknowledged is
// returned. do says whether the server acknowledged the task.
func killedUnder[T any](s *server, tasks []T, after int, do func(T) bool) (left []T) {
	s.t.Helper()
	var mu sync.Mutex
	var done atomic.Int64
	var load sync.WaitGroup
	queue := make(chan T, len(tasks))
	for _, x := range tasks {
		queue <- x
	}
	close(queue)
	enough := make(chan struct{})
	for range 8 {
		load.Go(func() {
			for x := range queue {
				if !do(x) {
					mu.Lock()
					left = append(left, x)
					mu.Unlock()
				} else if done.Add(1) == int64(after) {
					close(enough)
				}
			}
		})
	}
	<-enough
	s.signal(syscall.SIGKILL)
	load.Wait()
	s.start()
	s.t.Logf("killed after %d: %d of %d were acknowledged", after, done.Load(), len(tasks))
	return left
}

// TestSurveysFaults_answers kills a server twice while people answer: each answer that was acknowledged is in the figures, once.
func TestSurveysFaults_answers(t *testing.T) {
	t.Parallel()
	s, admin := serverProcess(t)
	p := &polled{installation: s.installation, admin: admin}
	const people = 60
	admin.do("PUT", "/v1/admin/questionnaires/service", serviceQuestions()).want(200)
	for n := range people {
		c := s.citizen(fmt.Sprintf("+9665000008%02d", n))
		c.do("POST", "/v1/reports", speakers).want(201)
		p.citizens = append(p.citizens, c)
	}
	admin.do("PUT", "/v1/admin/programmes/yearly?confirm=no_quarantine&confirm=asks_everybody_often&confirm=asks_nobody&confirm=no_channel", serviceProgramme()).want(200)
	eventually(t, "cases of all", func() bool {
		return admin.do("GET", "/v1/admin/programmes/yearly/forecast", nil).want(200).at("population") == float64(people)
	})
	p.round = admin.do("POST", "/v1/admin/programmes/yearly/rounds", nil).want(201).str("id")
	p.is("open")

	type task struct{ citizen, level int }
	paths, sent := map[int]string{}, map[string]int{}
	var tasks []task
	for n, c := range p.citizens {
		level := 1 + n%7
		paths[n] = asked(c)
		sent[fmt.Sprint(level)]++
		tasks = append(tasks, task{n, level})
	}
	rand.Shuffle(len(tasks), func(a, b int) { tasks[a], tasks[b] = tasks[b], tasks[a] })
	var mu sync.Mutex
	acknowledged := map[int]string{} // citizen → state
	put := func(x task) bool {
		for _, complete := range []bool{false, true} {
			body := fmt.Sprintf(`{"answers":{"easy":%d,"channel":"app"},"complete":%v}`, x.level, complete)
			var a struct{ State string }
			if !p.citizens[x.citizen].try("PUT", paths[x.citizen]+"/response", body, &a, "") {
				return false
			}
			mu.Lock()
			acknowledged[x.citizen] = a.State
			mu.Unlock()
		}
		return true
	}
	for range 2 {
		tasks = killedUnder(s, tasks, 8+rand.IntN(12), put)
		for n, state := range acknowledged {
			a := p.citizens[n].do("GET", paths[n], nil).want(200)
			if a.str("state") != state && a.str("state") != "complete" || a.at("answers", "easy") != float64(1+n%7) {
				t.Errorf("%s was acknowledged; there is %s, %v", state, a.str("state"), a.at("answers"))
			}
		}
	}
	for _, x := range tasks { // the phone tries again; an answer that arrived before the crash is already there
		c := p.citizens[x.citizen]
		c.do("PUT", paths[x.citizen]+"/response", object{"answers": object{"easy": x.level, "channel": "app"}, "complete": true}).want(200)
	}
	admin.do("POST", "/v1/admin/rounds/"+p.round+"/close", nil).want(200)
	p.is("published")

	path := "/v1/insights/rounds/" + p.round
	r := admin.do("GET", path, nil).want(200)
	if r.at("respondents") != float64(people) || r.at("dispositions", "complete") != float64(people) || r.at("questions", 0, "total", "n") != float64(people) {
		t.Errorf("the results: %s", r.body)
	}
	lines, err := csv.NewReader(strings.NewReader(string(admin.do("GET", path+"/responses.csv", nil).want(200).body))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got, column := map[string]int{}, slices.Index(lines[0], "easy")
	for _, l := range lines[1:] {
		got[l[column]]++
	}
	if !maps.Equal(got, sent) {
		t.Errorf("the file has %v; answered were %v", got, sent)
	}
	s.signal(syscall.SIGTERM)
}

// TestSurveysFaults_oneInvitation: a hundred different answers to one invitation at once, half by its link and half by the app. One of them is
// stored; the others are told that it is there.
func TestSurveysFaults_oneInvitation(t *testing.T) {
	t.Parallel()
	p := poll(t, nil)
	path := asked(p.citizens[0])
	id := path[strings.LastIndex(path, "/")+1:]
	link := p.parts.server.Programmes.Link(id)
	token := link[strings.LastIndex(link, "/")+1:]
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{}}
	t.Cleanup(browser.CloseIdleConnections)
	answers := func(n int) (level int, channel string) { return 4 + n%4, []string{"app", "phone"}[n%2] }

	var ready, all sync.WaitGroup
	ready.Add(100)
	var mu sync.Mutex
	taken := map[string]int{} // by answers
	for n := range 50 {
		level, channel := answers(n)
		all.Go(func() {
			ready.Done()
			ready.Wait()
			a := p.citizens[0].do("PUT", path+"/response", object{"answers": object{"easy": level, "channel": channel}, "complete": true})
			if a.status == 200 {
				mu.Lock()
				taken[fmt.Sprint(level, channel)]++
				mu.Unlock()
			} else {
				a.refused(409, "already_exists")
			}
		})
		all.Go(func() {
			ready.Done()
			ready.Wait()
			res, err := browser.PostForm(p.url+"/s/"+token, url.Values{"lang": {"en"}, "step": {"0"}, "q.easy": {fmt.Sprint(level)}, "q.channel": {channel}, "go": {"submit"}})
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusSeeOther && res.StatusCode != http.StatusOK {
				t.Errorf("the page answers %d", res.StatusCode)
			}
		})
	}
	all.Wait()
	r, err := p.parts.store.Response(t.Context(), surveys.ResponseID(id))
	if err != nil || !r.Complete {
		t.Fatalf("%+v, %v", r, err)
	}
	level, _ := r.Answers["easy"].(float64)
	stored := fmt.Sprint(int(level), r.Answers["channel"])
	delete(taken, stored)
	if len(taken) > 0 {
		t.Errorf("%v were told that they are taken; there is %s", taken, stored)
	}
	rows := 0
	if err := p.parts.store.ScanResponses(t.Context(), p.round, func([]byte) error { rows++; return nil }); err != nil || rows != 1 {
		t.Errorf("%d rows are counted, %v", rows, err)
	}
	p.admin.do("POST", "/v1/admin/rounds/"+p.round+"/close", nil).want(200)
	p.is("published")
	if f := p.admin.do("GET", "/v1/insights/rounds/"+p.round, nil).want(200); f.at("respondents") != 1.0 || f.at("dispositions", "complete") != 1.0 {
		t.Errorf("the results: %s", f.body)
	}
}

// TestSurveysFaults_ratings kills a server twice while citizens rate: the counts of the days are what was rated, or about to be.
func TestSurveysFaults_ratings(t *testing.T) {
	t.Parallel()
	s, admin := serverProcess(t)
	supervisor := &client{i: s.installation, t: t}
	admin.do("POST", "/v1/admin/staff", map[string]any{"email": "supervisor@example.sa", "name": "مشرف", "password": staffPassword, "role": actor.Supervisor,
		"centres": []string{"*"}, "departments": []string{"*"}, "language": "ar"}).want(201)
	supervisor.signIn("supervisor@example.sa")
	type task struct {
		citizen *client
		report  string
		level   int
	}
	var tasks []task
	levels := surveys.Counts{}
	for n := range 8 {
		c := s.citizen(fmt.Sprintf("+9665000009%02d", n))
		for k := range 8 {
			id := c.do("POST", "/v1/reports", speakers).want(201).str("id")
			for _, step := range []string{"assigned", "in_progress", "resolved"} {
				supervisor.do("POST", "/v1/desk/reports/"+id+"/transitions", object{"to": step}).want(200)
			}
			level := 1 + (n+k)%5
			levels[level-1]++
			tasks = append(tasks, task{c, id, level})
		}
	}
	eventually(t, "the last occasion", func() bool {
		last := tasks[len(tasks)-1]
		return last.citizen.do("GET", "/v1/reports/"+last.report, nil).want(200).at("can", "rate") == true
	})
	all := len(tasks)
	check := func() {
		t.Helper()
		if out, err := program(t, "surveys", "recount", "--check", "--store", storeOf(s)).CombinedOutput(); err != nil || !strings.Contains(string(out), "no difference") {
			t.Errorf("%v: %s", err, out)
		}
	}
	rate := func(x task) bool {
		return x.citizen.try("POST", "/v1/reports/"+x.report+"/rating", fmt.Sprintf(`{"level":%d,"solved":true}`, x.level), nil, "")
	}
	for range 2 {
		tasks = killedUnder(s, tasks, 8+rand.IntN(12), rate)
		check()
	}
	for _, x := range tasks { // tried again; some were there when the server died
		if a := x.citizen.do("POST", "/v1/reports/"+x.report+"/rating", object{"level": x.level, "solved": true}); a.status != 201 {
			a.refused(409, "already_exists")
		}
	}
	db := teststore.At(t, storeOf(s))
	defer db.Close()
	check()
	tomorrow := func() time.Time { return time.Now().AddDate(0, 0, 1) } // the server's day may be ahead
	counted := &surveys.Service{Store: db, Now: tomorrow, NewID: uuid.NewString}
	r, err := counted.Ratings(t.Context(), actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}, Departments: []string{actor.All}}, surveys.RatingQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Total.Counts != levels || r.Total.Eligible != int64(all) {
		t.Errorf("%d closures rated %v; want %d, %v", r.Total.Eligible, r.Total.Counts, all, levels)
	}
	s.signal(syscall.SIGTERM)
}
