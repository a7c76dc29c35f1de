package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// How many of the citizens do what.
const (
	withoutAccount = .1 // of those whom pushes reach
	tellsName      = .6
	setsWishes     = .15
	supports       = .15
	sendsTwice     = .05
	withdraws      = .06
	comments       = .10
	addsPhoto      = .04
	looksAtPhoto   = .2
	opensMessage   = .85
	rates          = .72
	reopens        = .6 // of those who may
)

const (
	patience  = 75 * time.Second // that a citizen waits for a report to come to its end
	codeComes = 10 * time.Second
)

// citizen is one person with a phone.
type citizen struct {
	client
	*play
	rng       chance // decides what does not depend on when things happen
	mood      chance // decides how the handling is judged
	idle      chance // decides the rest
	name      string
	phone     string // E.164
	account   bool
	device    string // id; empty when the app may not be told
	pushToken string // empty without a device
	way       way
	received  int // pushes that the phone showed
	texts     int // text messages that came
	read      int // messages that were opened
	seen      map[string]bool
	looks     int
	report    string // id
	number    int    // among those who play
	status    string // of the report, as it was last seen
	level     int    // of the rating; 0 without one
	survey    survey
}

func (p *play) citizen(i int) *citizen {
	rng, once := newChance(p.seed, uint64(i)+1), newChance(p.run, uint64(i)+1)
	c := &citizen{play: p, rng: rng, mood: newChance(p.seed, 1<<34+uint64(i)), idle: once, way: mix[i%len(mix)], seen: map[string]bool{},
		number: i, survey: survey{manner: manners[i%len(manners)]},
		client: client{http: p.web, base: p.URL, language: Languages[rng.weighted(75, 10, 15)]}}
	c.account = !rng.once(withoutAccount) || c.way != awake
	c.phone = fmt.Sprintf("+9665%c%04d%03d", "0345689"[once.IntN(7)], once.IntN(10_000), i%1000)
	var namesakes []Person
	for _, x := range p.org.People {
		if x.Language == c.language {
			namesakes = append(namesakes, x)
		}
	}
	c.name = pick(rng, namesakes).Name
	switch {
	case c.way.deadToken():
		c.device, c.pushToken = once.uuid(), "dead-"+once.uuid()
	case c.way.device():
		c.device, c.pushToken = once.uuid(), "phone-"+once.uuid()
	}
	return c
}

// live is the day of a citizen, from the one-time code to the rating.
func (c *citizen) live(ctx context.Context) error {
	if !c.account {
		return c.fileAnonymously(ctx)
	}
	if err := c.signUp(ctx); err != nil {
		return err
	}
	where, mosque := c.country.somewhere(c.rng.Rand)
	if c.rng.once(supports) {
		if err := c.supportNearby(ctx, where); err != nil {
			return err
		}
	}
	r, err := c.file(ctx, where, mosque)
	if err != nil {
		return err
	}
	c.report = r.ID
	if gone, err := c.secondThoughts(ctx, r); gone || err != nil {
		return err
	}
	return c.follow(ctx)
}

func (c *citizen) signUp(ctx context.Context) error {
	asked := time.Now().Add(-2 * time.Second)
	body := map[string]string{"phone": c.phone, "language": c.language}
	if _, err := c.do(ctx, call{operation: "requestCode", method: http.MethodPost, path: "/v1/auth/otp", body: body, plain: true}, nil); err != nil {
		return err
	}
	code, err := c.code(ctx, asked)
	if err != nil {
		return err
	}
	proof := map[string]string{"grant_type": "otp", "phone": c.phone, "code": code}
	if c.device != "" {
		proof["device_id"] = c.device
	}
	if err := c.signIn(ctx, proof); err != nil {
		return err
	}
	if c.device != "" {
		system := []string{"android", "ios"}[c.rng.weighted(6, 4)]
		model := map[string]string{"android": "Galaxy S25", "ios": "iPhone 17"}[system]
		device := map[string]string{"platform": system, "push_token": c.pushToken, "language": c.language, "app_version": appVersion, "model": model}
		if err := c.put(ctx, "putDevice", "/v1/me/devices/"+c.device, device, nil); err != nil {
			return err
		}
	}
	if c.rng.once(tellsName) || c.way.alone() {
		me := call{operation: "updateMe", method: http.MethodPatch, path: "/v1/me", body: map[string]string{"name": c.name, "language": c.language}}
		if _, err := c.do(ctx, me, nil); err != nil {
			return err
		}
	}
	wishes, err := c.wishes(time.Now())
	if wishes == nil || err != nil {
		return err
	}
	return c.put(ctx, "putPreferences", "/v1/me/preferences", wishes, nil)
}

// text is a text message that came to the number.
type text struct {
	Text string    `json:"text"`
	Code string    `json:"code"`
	At   time.Time `json:"at"`
}

func (c *citizen) outbox(ctx context.Context) ([]text, error) {
	var texts struct {
		Items []text `json:"items"`
	}
	_, err := c.get(ctx, "/dev/outbox", "/dev/outbox", url.Values{"to": {c.phone}}, &texts)
	return texts.Items, err
}

// code reads the text message with the one-time code.
func (c *citizen) code(ctx context.Context, since time.Time) (string, error) {
	for until := time.Now().Add(codeComes); time.Now().Before(until); {
		texts, err := c.outbox(ctx)
		if err != nil {
			return "", err
		}
		newest, code := since, ""
		for _, t := range texts {
			if t.Code != "" && !t.At.Before(newest) {
				newest, code = t.At, t.Code
			}
		}
		if code != "" {
			return code, nil
		}
		if !pause(ctx, 50*time.Millisecond) {
			return "", ctx.Err()
		}
	}
	return "", errors.New("no one-time code came")
}

// supportNearby says "me too" to a report of somebody else around here, if there is one.
func (c *citizen) supportNearby(ctx context.Context, at point) error {
	query := url.Values{"latitude": {fmt.Sprint(at.Latitude)}, "longitude": {fmt.Sprint(at.Longitude)}, "radius_m": {"5000"}, "limit": {"5"}}
	var near reports
	if _, err := c.get(ctx, "nearbyReports", "/v1/reports/nearby", query, &near); err != nil || len(near.Items) == 0 {
		return err
	}
	err := c.put(ctx, "supportReport", "/v1/reports/"+pick(c.idle, near.Items).ID+"/support", nil, nil)
	if lostRace(err) {
		return nil // it is handled by now
	}
	c.tally.count(supported, err == nil)
	return err
}

// secondThoughts are what some do right after filing. It is true when the report was taken back.
func (c *citizen) secondThoughts(ctx context.Context, r *report) (gone bool, err error) {
	at := "/v1/reports/" + r.ID
	if len(r.Photos) > 0 && c.rng.once(looksAtPhoto) {
		if _, err := c.image(ctx, r.Photos[0].ThumbnailURL); err != nil {
			return false, err
		}
	}
	switch u := c.rng.Float64(); {
	case u < withdraws:
		err := c.post(ctx, "withdrawReport", at+"/withdraw", map[string]string{"reason": withdrawals[c.language]}, nil)
		if lostRace(err) {
			return false, nil
		}
		return true, err
	case u < withdraws+comments:
		if err = c.post(ctx, "addComment", at+"/comments", map[string]string{"text": additions[c.language]}, nil); lostRace(err) {
			return false, nil
		}
	case u < withdraws+comments+addsPhoto:
		p := c.album.take(c.rng.Rand, time.Now(), point{r.Place.Latitude, r.Place.Longitude})
		_, err = c.do(ctx, call{operation: "addReportPhoto", method: http.MethodPost, path: at + "/photos", raw: p.bytes, contentType: p.mediaType}, nil)
		if lostRace(err) || c.refused(err) {
			return false, nil
		}
		c.tally.count(photosTaken, err == nil)
	}
	return false, err
}

// image loads a picture as it is served.
func (c *citizen) image(ctx context.Context, path string) (answer, error) {
	return c.do(ctx, call{operation: "getPhotoImage", method: http.MethodGet, path: path}, nil)
}

// follow waits for news of the report and reacts to them, until it has come to rest.
func (c *citizen) follow(ctx context.Context) error {
	for until := time.Now().Add(patience); time.Now().Before(until); {
		news, err := c.news(ctx)
		if err != nil {
			return err
		}
		if news {
			if rest, err := c.react(ctx); rest || err != nil {
				return err
			}
		}
		if !pause(ctx, c.idle.between(120*time.Millisecond, 250*time.Millisecond)) {
			return ctx.Err()
		}
	}
	return errors.New("nothing more was heard of a report")
}

// news looks whether the phone showed something new. Whom a push or a text reaches, opens the app; now and then everybody whom
// pushes reach does. The others come to look at their report by themselves.
func (c *citizen) news(ctx context.Context) (news bool, err error) {
	c.looks++
	shown, err := c.hear(ctx)
	if err != nil {
		return false, err
	}
	came := false
	if c.way.texted() {
		if came, err = c.textsCame(ctx); err != nil {
			return false, err
		}
	}
	switch {
	case c.way == awake && (shown > 0 || c.looks%16 == 0), came && c.way != off:
		return c.openInbox(ctx)
	}
	return shown > 0 || came || c.looks%8 == 0, nil
}

// openInbox reads what is new and says so.
func (c *citizen) openInbox(ctx context.Context) (news bool, err error) {
	var box struct {
		Items []message `json:"items"`
	}
	if _, err := c.get(ctx, "listInbox", "/v1/inbox", url.Values{"limit": {"50"}}, &box); err != nil {
		return false, err
	}
	var fetched, opened []string
	for _, m := range box.Items {
		if c.seen[m.NotificationID] {
			continue
		}
		c.seen[m.NotificationID], news = true, true
		switch {
		case m.ReadAt.IsZero() && (c.way != awake || c.idle.once(opensMessage)):
			opened = append(opened, m.ID)
		case m.DeliveredAt.IsZero():
			fetched = append(fetched, m.ID)
		}
	}
	if err := c.acknowledge(ctx, "markAllDelivered", "/v1/inbox/delivered", fetched); err != nil {
		return news, err
	}
	c.read += len(opened)
	return news, c.acknowledge(ctx, "markAllRead", "/v1/inbox/read", opened)
}

// react looks at the report and does what its state asks for. It is true when nothing more is to be expected.
func (c *citizen) react(ctx context.Context) (rest bool, err error) {
	var r report
	if _, err := c.get(ctx, "getReport", "/v1/reports/"+c.report, nil, &r); err != nil {
		return false, err
	}
	c.status = r.Status
	switch r.Status {
	case "waiting_for_citizen":
		err := c.post(ctx, "addComment", "/v1/reports/"+r.ID+"/comments", map[string]string{"text": availability[c.language]}, nil)
		if lostRace(err) {
			err = nil
		}
		return false, err
	case "resolved", "closed":
		if !c.mood.once(rates) {
			return true, nil
		}
		reopened, err := c.rate(ctx, &r)
		return !reopened, err
	case "rejected", "duplicate", "withdrawn":
		return true, nil
	}
	return r.said(later), nil
}

// lastLook is what the citizen sees in the evening: what the app shows to those whom a push or a text has told of it.
func (c *citizen) lastLook(ctx context.Context) error {
	if c.token == "" {
		return nil
	}
	c.tally.add(pushesShown, c.received)
	if c.way == awake {
		if _, err := c.openInbox(ctx); err != nil {
			return err
		}
	}
	c.tally.add(messagesRead, c.read)
	if err := c.recall(ctx); err != nil {
		return err
	}
	if !c.way.deadToken() {
		return nil
	}
	var devices struct {
		Items []struct {
			PushToken string `json:"push_token"`
		} `json:"items"`
	}
	_, err := c.get(ctx, "listDevices", "/v1/me/devices", nil, &devices)
	kept := false
	for _, d := range devices.Items {
		kept = kept || d.PushToken == c.pushToken
	}
	c.tally.count(tokensDropped, err == nil && !kept)
	return err
}
