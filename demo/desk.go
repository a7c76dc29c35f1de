package demo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	deskPause = 150 * time.Millisecond // of somebody whose queue is empty
	queuePage = 50
	atATime   = 6 // reports before the queue is looked at again
)

// fate is what the desk makes of a report. It is decided by the report alone, so that all who see it agree.
type fate struct{ reject, merge, leave, ask, reply, proof, close bool }

func fateOf(r *report) fate {
	luck := luckOf(r)
	f := fate{close: luck.once(.15), reply: luck.once(.35), proof: luck.once(.08)}
	app := r.Channel == "app" || r.Channel == "web"
	switch u := luck.Float64(); {
	case u < .03:
		f.reject = true
	case u < .06:
		f.merge = true
	case u < .11:
		f.leave = true
	case u < .21:
		f.ask = app
	}
	return f
}

// worker is somebody at the desk.
type worker struct {
	client
	*play
	colleague
	rng    chance
	done   map[string]bool // reports that wait for something outside this play
	rounds int
}

// desk is everybody who works with reports, and the calls that they still have to take.
type desk struct {
	workers []*worker
	calls   chan newReport
}

// openDesk signs in everybody who works with reports.
func (p *play) openDesk(ctx context.Context) (*desk, error) {
	d := &desk{calls: make(chan newReport, p.Citizens)}
	for i := range (p.Citizens + 14) / 15 {
		d.calls <- p.phoneCall(i)
	}
	passwords := map[string]string{p.AdminEmail: p.AdminPassword}
	for _, s := range p.org.Staff {
		passwords[s.Email] = s.Password
	}
	for i, x := range p.staff {
		if passwords[x.Email] == "" || !slices.Contains([]string{"clerk", "officer", "supervisor"}, x.Role) {
			continue
		}
		rng := newChance(p.seed, 1<<32+uint64(i))
		w := &worker{play: p, colleague: x, rng: rng, done: map[string]bool{}, client: client{http: p.web, base: p.URL, language: "ar"}}
		if err := w.signInAsStaff(ctx, x.Email, passwords[x.Email]); err != nil {
			return nil, err
		}
		d.workers = append(d.workers, w)
	}
	if len(d.workers) == 0 {
		return nil, errors.New("nobody works at the desk")
	}
	return d, nil
}

// phoneCall is what somebody says who calls, writes or comes instead of using the app.
func (p *play) phoneCall(i int) newReport {
	rng := newChance(p.seed, 1<<33+uint64(i))
	c := &citizen{play: p, rng: rng, client: client{language: "ar"}}
	weights := make([]int, len(p.org.Categories))
	for i, x := range p.org.Categories {
		weights[i] = x.Weight
	}
	where, m := p.country.somewhere(rng.Rand)
	r := c.write(p.org.Categories[rng.weighted(weights...)], where, m)
	r.Channel = []string{"phone", "email", "telegram", "visit"}[rng.weighted(55, 20, 10, 15)]
	r.Place.Source, r.Place.Accuracy = "map", 0
	r.CitizenPhone, r.CitizenName = "+96655"+strconv.Itoa(1_000_000+newChance(p.run, 1<<33+uint64(i)).IntN(9_000_000)), pick(rng, p.org.People).Name
	return r
}

// work lets everybody work until ctx ends.
func (d *desk) work(ctx context.Context) {
	var all sync.WaitGroup
	for _, w := range d.workers {
		all.Go(func() {
			for ctx.Err() == nil {
				n, err := w.round(ctx, d)
				if err != nil && ctx.Err() == nil {
					w.tally.trouble(err)
				}
				if n == 0 && !pause(ctx, deskPause+w.rng.between(0, deskPause)) {
					return
				}
			}
		})
	}
	all.Wait()
}

// round is one look at the queue and the work on what it shows. It gives how many reports went on.
func (w *worker) round(ctx context.Context, d *desk) (moved int, err error) {
	var statuses []string
	var handle func(context.Context, *report) (bool, error)
	switch w.Role {
	case "clerk":
		statuses, handle = []string{"received"}, w.pass
		if took, err := w.takeCall(ctx, d); took || err != nil {
			return 1, err
		}
	case "officer":
		statuses, handle = []string{"assigned", "in_progress"}, w.handle
	default: // what is resolved is the most, and would hide the rest
		statuses, handle = []string{"received", "reopened"}, w.supervise
		if w.rounds++; w.rounds%2 == 0 {
			statuses = []string{"resolved"}
		}
	}
	query := url.Values{"status": statuses, "limit": {strconv.Itoa(queuePage)}, "sort": {"newest"}}
	if w.Role == "officer" {
		query.Set("assignee", "me")
	}
	var page reports
	if _, err := w.get(ctx, "deskQueue", "/v1/desk/reports", query, &page); err != nil {
		return 0, err
	}
	w.rng.Shuffle(len(page.Items), func(i, j int) { page.Items[i], page.Items[j] = page.Items[j], page.Items[i] })
	for i := range page.Items {
		r := &page.Items[i]
		if w.done[r.ID] {
			continue
		}
		did, err := handle(ctx, r)
		if lostRace(err) {
			w.tally.add(lostRaces, 1)
			continue
		}
		if err != nil {
			return moved, err
		}
		if did {
			moved++
		}
		if moved == atATime {
			break
		}
	}
	return moved, nil
}

// takeCall registers a report for somebody who did not use the app.
func (w *worker) takeCall(ctx context.Context, d *desk) (bool, error) {
	select {
	case r := <-d.calls:
		err := w.post(ctx, "deskRegister", "/v1/desk/reports", r, nil)
		w.tally.count(registered, err == nil)
		return true, err
	default:
		return false, nil
	}
}

// pass gives a report to who is in charge of it. What is not the service's, or known already, is left to a supervisor.
func (w *worker) pass(ctx context.Context, r *report) (bool, error) {
	if f := fateOf(r); f.reject || f.merge {
		return false, nil
	}
	return true, w.assign(ctx, r, noteOfClerk)
}

// assign gives a report to an officer, unless somebody was faster.
func (w *worker) assign(ctx context.Context, r *report, note string) error {
	tag, err := w.open(ctx, r)
	if err != nil {
		return err
	}
	if r.Status != "received" && r.Status != "reopened" {
		w.tally.add(lostRaces, 1)
		return nil
	}
	officer := w.officer(r.Centre.Code, r.Department.Code)
	if officer == "" {
		return errors.New("nobody handles the reports of " + r.Department.Code)
	}
	body := map[string]string{"assignee": officer, "note": note}
	_, err = w.do(ctx, call{operation: "assignReport", method: http.MethodPost, path: "/v1/desk/reports/" + r.ID + "/assign", body: body, match: tag}, nil)
	return err
}

// officer is who handles the reports of a department in a region: the one there, if there is one.
func (w *worker) officer(centre, department string) (id string) {
	for _, x := range w.staff {
		if x.Role != "officer" || !slices.Contains(x.Departments, department) {
			continue
		}
		if slices.Contains(x.Centres, centre) {
			return x.ID
		}
		if slices.Contains(x.Centres, "*") {
			id = x.ID
		}
	}
	return id
}

// open reads the whole report, and gives the version that was read.
func (w *worker) open(ctx context.Context, r *report) (version string, err error) {
	var whole report
	a, err := w.get(ctx, "deskReport", "/v1/desk/reports/"+r.ID, nil, &whole)
	*r = whole
	return a.etag, err
}

func (w *worker) move(ctx context.Context, r *report, version, to string, body map[string]any) error {
	body["to"] = to
	_, err := w.do(ctx, call{operation: "moveReport", method: http.MethodPost, path: "/v1/desk/reports/" + r.ID + "/transitions", body: body, match: version}, nil)
	return err
}

// handle is one step of an officer's work on a report.
func (w *worker) handle(ctx context.Context, r *report) (bool, error) {
	id, f := r.ID, fateOf(r)
	version, err := w.open(ctx, r)
	if err != nil {
		return false, err
	}
	language := r.Language
	if !slices.Contains(Languages, language) {
		language = "ar"
	}
	category := w.category(r.Category.Code)
	switch {
	case r.Status == "assigned":
		return true, w.move(ctx, r, version, "in_progress", map[string]any{"note": noteOfOfficer})
	case r.Status != "in_progress":
		return false, nil
	case r.was("reopened"):
		return true, w.move(ctx, r, version, "resolved", map[string]any{"text": again[language]})
	case f.leave:
		w.done[id] = true
		if r.said(later) {
			return false, nil
		}
		return true, w.reply(ctx, r, later[language])
	case f.ask && r.Citizen.ID != "" && !r.was("waiting_for_citizen"):
		return true, w.move(ctx, r, version, "waiting_for_citizen", map[string]any{"text": questions[language]})
	}
	if f.reply && !slices.ContainsFunc(category.FirstAnswers, r.said) {
		return true, w.reply(ctx, r, pick(w.rng, category.FirstAnswers)[language])
	}
	body := map[string]any{"text": pick(w.rng, category.Resolutions)[language]}
	if f.proof && r.Place != nil {
		p := w.album.take(w.rng.Rand, time.Now(), r.Place.point)
		var got photo
		_, err := w.do(ctx, call{operation: "uploadPhoto", method: http.MethodPost, path: "/v1/photos", raw: p.bytes, contentType: p.mediaType}, &got)
		if err == nil {
			w.tally.add(photosTaken, 1)
			body["photo_ids"] = []string{got.ID}
		} else if !is(err, "unsupported_media_type", "photo_refused", "too_large") {
			return false, err
		}
	}
	return true, w.move(ctx, r, version, "resolved", body)
}

func (w *worker) category(code string) Category {
	for _, c := range w.org.Categories {
		if c.Code == code {
			return c
		}
	}
	return w.org.Categories[0]
}

func (w *worker) reply(ctx context.Context, r *report, text string) error {
	return w.post(ctx, "addReply", "/v1/desk/reports/"+r.ID+"/replies", map[string]string{"text": text}, nil)
}

// supervise decides what others may not.
func (w *worker) supervise(ctx context.Context, r *report) (bool, error) {
	f := fateOf(r)
	switch {
	case r.Status == "reopened":
		return true, w.assign(ctx, r, noteOfReopened)
	case r.Status == "resolved":
		if !f.close {
			return false, nil
		}
		return true, w.move(ctx, r, "", "closed", map[string]any{})
	case f.reject:
		version, err := w.open(ctx, r)
		if err != nil {
			return false, err
		}
		return true, w.move(ctx, r, version, "rejected", map[string]any{"text": rejections[r.Language]})
	case f.merge:
		return true, w.merge(ctx, r)
	}
	return false, nil
}

// merge looks for an older report of the same thing. When there is none, the report is no duplicate and goes its way.
func (w *worker) merge(ctx context.Context, r *report) error {
	query := url.Values{"category": {r.Category.Code}, "centre": {r.Centre.Code}, "status": {"received", "assigned", "in_progress", "resolved"}, "limit": {"100"}}
	var page reports
	if _, err := w.get(ctx, "deskQueue", "/v1/desk/reports", query, &page); err != nil {
		return err
	}
	for i := range page.Items {
		x := &page.Items[i]
		if f := fateOf(x); x.ID == r.ID || f.merge || f.reject || x.Place == nil || r.Place == nil || metres(x.Place.point, r.Place.point) > 50_000 {
			continue
		}
		err := w.post(ctx, "mergeReport", "/v1/desk/reports/"+r.ID+"/merge", map[string]string{"into": x.ID}, nil)
		if !is(err, "validation_failed") { // or the other one was withdrawn meanwhile
			return err
		}
	}
	return w.assign(ctx, r, noteOfClerk)
}
