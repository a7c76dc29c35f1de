package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	answerRate    = 1000 // a second
	pacedTime     = 20 * time.Second
	answerClients = 64
	screens       = 8           // dashboards that are looked at
	refreshed     = time.Second // each of them
	screenTarget  = 50 * time.Millisecond
	keptTarget    = 20 * time.Millisecond
	looksAtKept   = 100
	manager       = "manager@balagh.example"
)

// survey is a round, and those whom it asks.
type survey struct {
	*chain
	desk        client
	round       string
	invitations []string // by person
}

// measureSurveys lets everybody answer a round at an exact pace while management looks at it. Then the server is killed, and the round
// closed: what was answered must all be there.
func measureSurveys(ctx context.Context, c *chain) ([]figure, error) {
	s := &survey{chain: c, invitations: make([]string, c.respondents)}
	began := time.Now()
	if err := s.invite(ctx); err != nil {
		return nil, err
	}
	paced := min(c.respondents, answerRate*int(pacedTime/time.Second))
	before, err := s.take(ctx, s.invitations[paced:], 0)
	if err != nil {
		return nil, err
	}
	all := []figure{told("people", "%d, each registered, invited and looked up through the API, and %d of them answered, in %s", c.respondents,
		len(before.times), time.Since(began).Round(time.Second))}
	if err := s.quiet(ctx); err != nil {
		return nil, err
	}
	looked, answers, err := s.watched(ctx, paced)
	if err != nil {
		return nil, err
	}
	all = append(all, paceFigures(looked, answers)...)
	c.balagh.kill()
	if err := c.serve(ctx); err != nil {
		return nil, err
	}
	after, err := s.publish(ctx, len(before.times)+len(answers.times))
	return append(all, after...), err
}

// invite has a report of everybody, and a round that asks each of them.
func (s *survey) invite(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	place := object{"latitude": 24.7, "longitude": 46.6, "accuracy_m": 12.5, "source": "map"}
	err := s.each(ctx, "people registered", func(ctx context.Context, i int) error {
		return s.desk.call(ctx, "POST", "/v1/desk/reports", object{"category": fmt.Sprint("category_", i%8), "description": description,
			"channel": []string{"phone", "visit", "telegram"}[i%3], "place": place, "citizen_phone": phoneOf(i),
			"citizen_gender": []string{"male", "female"}[i/3%2], "citizen_residency": []string{"citizen", "resident"}[i/5%2]}, nil)
	})
	if err != nil {
		return err
	}
	const path = "/v1/admin/programmes/bench"
	programme := object{"names": named("استبيان", "Survey", "سروے"), "active": true, "questionnaire": "bench",
		"every": object{"rule": "FREQ=YEARLY", "start": "2040-01-01", "hour": 9, "window_days": 30}, "frame": object{},
		"sample": object{"method": "all"}, "weighting": object{"method": "rake", "by": []string{"category", "gender", "residency"}},
		"quarantine_days": 0, "open_days": 7, "reminders": []int{}, "channels": []string{"push"}}
	const confirmed = "?confirm=no_quarantine&confirm=asks_everybody_often&confirm=asks_nobody&confirm=no_channel"
	if err := s.admin.call(ctx, "PUT", path+confirmed, programme, nil); err != nil {
		return err
	}
	if err := s.until(ctx, "known to the programme", path+"/forecast", func(b body) bool { return b.Population >= s.respondents }); err != nil {
		return err
	}
	var begun body
	if err := s.admin.call(ctx, "POST", path+"/rounds", nil, &begun); err != nil {
		return err
	}
	s.round = begun.ID
	if err := s.until(ctx, "invited", "/v1/admin/rounds/"+s.round, func(b body) bool { return b.Round.State == "open" }); err != nil {
		return err
	}
	return s.each(ctx, "invitations looked up", func(ctx context.Context, i int) error {
		var found struct{ Items []struct{ ID string } }
		err := s.desk.call(ctx, "GET", "/v1/desk/surveys?phone="+phoneOf(i)[1:], nil, &found)
		if err != nil || len(found.Items) != 1 {
			return cmp.Or(err, fmt.Errorf("%d invitations of one person", len(found.Items)))
		}
		s.invitations[i] = found.Items[0].ID
		return nil
	})
}

func phoneOf(i int) string { return fmt.Sprintf("+9665%08d", i) }

// prepare has categories, staff and a questionnaire of twenty questions.
func (s *survey) prepare(ctx context.Context) error {
	if err := s.logIn(ctx); err != nil {
		return err
	}
	for i := range 8 {
		department, category := fmt.Sprint("department_", i%4), fmt.Sprint("category_", i)
		err := s.admin.call(ctx, "PUT", "/v1/admin/departments/"+department, object{"names": named("قسم", "Department", "شعبہ"), "active": true}, nil)
		if err != nil {
			return err
		}
		err = s.admin.call(ctx, "PUT", "/v1/admin/categories/"+category, object{"names": named("تصنيف", "Category", "زمرہ"),
			"keywords": []string{}, "attributes": []object{}, "department": department, "first_answer_days": 1, "resolution_days": 5,
			"anonymous": false, "active": true}, nil)
		if err != nil {
			return err
		}
	}
	for email, role := range map[string]string{supervisor: "supervisor", manager: "manager"} {
		err := s.admin.call(ctx, "POST", "/v1/admin/staff", object{"email": email, "name": "Bench", "password": adminPassword, "role": role,
			"centres": []string{"*"}, "departments": []string{"*"}}, nil)
		if err != nil {
			return err
		}
	}
	options := make([]object, 5)
	for i := range options {
		options[i] = object{"code": fmt.Sprint("option_", i), "label": named("خيار", "Option", "اختیار")}
	}
	questions := make([]object, 20)
	for i := range questions {
		q := object{"code": fmt.Sprint("question_", i), "type": kinds[i%len(kinds)], "label": named("سؤال", "Question", "سوال"), "required": i == 0}
		if q["type"] == "choice" {
			q["options"] = options
		}
		questions[i] = q
	}
	s.desk.base = s.admin.base
	var err error
	if s.desk.token, err = s.desk.logIn(ctx, supervisor); err != nil {
		return err
	}
	return s.admin.call(ctx, "PUT", "/v1/admin/questionnaires/bench",
		object{"title": named("استبيان", "Survey", "سروے"), "questions": questions}, nil)
}

var kinds = []string{"rating", "nps", "yes_no", "choice", "effort"}

// answersOf somebody, as JSON.
func answersOf() []byte {
	answers := object{}
	for i := range 20 {
		answers[fmt.Sprint("question_", i)] = []any{1 + rand.IntN(5), rand.IntN(11), rand.IntN(2) == 0, fmt.Sprint("option_", rand.IntN(5)),
			1 + rand.IntN(7)}[i%len(kinds)]
	}
	b, err := json.Marshal(object{"answers": answers, "complete": true, "language": "ar"})
	if err != nil {
		panic(err)
	}
	return b
}

// body is what is read of answers about rounds.
type body struct {
	ID         string
	Population int
	Round      struct{ State string }
}

// until asks until enough says so.
func (s *survey) until(ctx context.Context, what, path string, enough func(body) bool) error {
	for began := time.Now(); time.Since(began) < 10*time.Minute; {
		if err := s.logIn(ctx); err != nil {
			return err
		}
		var b body
		if err := s.admin.call(ctx, "GET", path, nil, &b); err != nil || enough(b) {
			return err
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("not all are %s after ten minutes", what)
}

// each does something for each person, many at once.
func (s *survey) each(ctx context.Context, what string, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var err error
	if s.desk.token, err = s.desk.logIn(ctx, supervisor); err != nil { // a token is good for minutes
		return err
	}
	bar := progress{of: s.respondents, what: what}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range s.clients {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < s.respondents && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					cancel(fmt.Errorf("%s: %w", what, err))
				}
				bar.step()
			}
		})
	}
	wg.Wait()
	bar.end()
	return context.Cause(ctx)
}

// take lets people answer, so many a second, or with 0 as fast as it goes. It gives the time from the moment when each was due.
func (s *survey) take(ctx context.Context, invitations []string, rate int) (result, error) {
	if len(invitations) == 0 {
		return result{}, nil
	}
	token, err := s.desk.logIn(ctx, supervisor)
	if err != nil {
		return result{}, err
	}
	began := time.Now()
	all, errs := make([]result, answerClients), make([]error, answerClients)
	var wg sync.WaitGroup
	for i := range answerClients {
		wg.Go(func() {
			errs[i] = func() error {
				to, err := newRaw(s.balagh.address)
				if err != nil {
					return err
				}
				defer to.close()
				for n := i; n < len(invitations); n += answerClients {
					b := answersOf()
					r := newRequest(append([]byte(head("PUT", "/v1/desk/surveys/"+invitations[n]+"/response", token)+
						"Content-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(b))+"\r\n\r\n"), b...))
					due := time.Now()
					if rate > 0 {
						due = began.Add(time.Duration(n) * time.Second / time.Duration(rate))
						if err := sleep(ctx, time.Until(due)); err != nil {
							return err
						}
					}
					status, answer, err := to.send(r)
					if err == nil && status >= 300 {
						err = fmt.Errorf("answer: %d %.300s", status, answer)
					}
					if err != nil {
						return err
					}
					all[i].times = append(all[i].times, time.Since(due))
				}
				return nil
			}()
		})
	}
	wg.Wait()
	took := time.Since(began)
	var got result
	for i := range all {
		got.add(all[i])
	}
	got.took = took
	return got, cmp.Or(errs...)
}

// queries are what a dashboard asks, by what they are called.
func (s *survey) queries() map[string]string {
	return map[string]string{"round": "/v1/insights/rounds/" + s.round, "ratings": "/v1/insights/ratings?by=department&days=90",
		"satisfaction": "/v1/insights/satisfaction?by=category", "volumes": "/v1/insights/volumes?by=category"}
}

// watched lets people answer at the pace while dashboards are refreshed. It gives what these saw, by query.
func (s *survey) watched(ctx context.Context, n int) (map[string]*result, result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	token, err := s.admin.logIn(ctx, manager)
	if err != nil {
		return nil, result{}, err
	}
	var done atomic.Bool
	var mu sync.Mutex
	looked, errs := map[string]*result{}, make([]error, screens)
	var wg sync.WaitGroup
	for i := range screens {
		wg.Go(func() {
			errs[i] = func() error {
				to, err := newRaw(s.balagh.address)
				if err != nil {
					return err
				}
				defer to.close()
				for due := time.Now().Add(time.Duration(i) * refreshed / screens); !done.Load(); due = due.Add(refreshed) {
					if err := sleep(ctx, time.Until(due)); err != nil {
						return err
					}
					for name, path := range s.queries() {
						sent := time.Now()
						status, answer, err := to.send(get(path, token))
						if err != nil || status >= 300 {
							return cmp.Or(err, fmt.Errorf("%s: %d %.300s", path, status, answer))
						}
						mu.Lock()
						looked[name] = cmp.Or(looked[name], &result{})
						looked[name].times = append(looked[name].times, time.Since(sent))
						mu.Unlock()
					}
				}
				return nil
			}()
		})
	}
	before, err := s.balagh.cost()
	if err != nil {
		return nil, result{}, err
	}
	answers, err := s.take(ctx, s.invitations[:n], answerRate)
	done.Store(true)
	wg.Wait()
	if err := cmp.Or(err, cmp.Or(errs...)); err != nil {
		return nil, result{}, err
	}
	answers.cost, err = s.balagh.cost()
	answers.cost.add(before, -1)
	return looked, answers, err
}

func paceFigures(looked map[string]*result, answers result) []figure {
	all := []figure{
		{"answers taken, each after its fsync", fmt.Sprintf("%.0f/s over %s", answers.rate(), answers.took.Round(100*time.Millisecond)),
			fmt.Sprintf("%d/s", answerRate), atLeast(answers.rate()*1.02, answerRate)}, // the last one is answered after the end
		told("from the moment when it was due to its answer", "p50 %s, p99 %s, most %s", ms(answers.quantile(.5)), ms(answers.quantile(.99)),
			ms(answers.quantile(1))),
		told("the server", "%s", &answers),
	}
	for _, name := range []string{"round", "ratings", "satisfaction", "volumes"} {
		r := looked[name]
		slices.Sort(r.times)
		all = append(all, figure{"insights: " + name + ", p99 meanwhile", fmt.Sprintf("%s; p50 %s, most %s, of %d", ms(r.quantile(.99)),
			ms(r.quantile(.5)), ms(r.quantile(1)), len(r.times)), "< 50 ms", atMost(r.quantile(.99).Seconds(), screenTarget.Seconds())})
	}
	return all
}

// publish closes the round, and reads its figures from the kept counts.
func (s *survey) publish(ctx context.Context, answered int) ([]figure, error) {
	s.since = time.Time{}
	if err := s.logIn(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := s.admin.call(ctx, "POST", "/v1/admin/rounds/"+s.round+"/close", nil, nil); err != nil {
		return nil, err
	}
	if err := s.until(ctx, "settled", "/v1/admin/rounds/"+s.round, func(b body) bool { return b.Round.State == "published" }); err != nil {
		return nil, err
	}
	took := time.Since(began)
	if err := s.quiet(ctx); err != nil {
		return nil, err
	}
	to, err := newRaw(s.balagh.address)
	if err != nil {
		return nil, err
	}
	defer to.close()
	var looks result
	var first time.Duration
	var got struct{ Respondents int }
	size := 0
	for n := range looksAtKept + 1 {
		sent := time.Now()
		status, answer, err := to.send(get("/v1/insights/rounds/"+s.round, s.admin.token))
		if err != nil || status >= 300 {
			return nil, cmp.Or(err, fmt.Errorf("results: %d %.300s", status, answer))
		}
		if n > 0 {
			looks.times = append(looks.times, time.Since(sent))
			continue
		}
		first, size = time.Since(sent), len(answer)
		if err := json.Unmarshal(answer, &got); err != nil {
			return nil, err
		}
	}
	slices.Sort(looks.times)
	return []figure{
		none("answers lost by SIGKILL", answered-got.Respondents),
		told("closed and published", "%d answers, after %s", got.Respondents, took.Round(100*time.Millisecond)),
		{"results from the kept counts, first time", fmt.Sprintf("%s; then p50 %s, most %s; %d KB", ms(first), ms(looks.quantile(.5)),
			ms(looks.quantile(1)), size>>10), "< 20 ms", atMost(first.Seconds(), keptTarget.Seconds())},
	}, nil
}
