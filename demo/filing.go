package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// How photos come with a report.
const (
	noPhotos     = 25
	photosBefore = 35 // uploaded one by one, then named
	photosInForm = 40 // one request with everything
)

// file reports something that was seen at a place, and gives the report as the phone shows it.
func (c *citizen) file(ctx context.Context, where point, m Mosque) (*report, error) {
	category, err := c.choose(ctx, false)
	if err != nil {
		return nil, err
	}
	body := c.write(category, where, m)
	body.ID = c.idle.uuid7()
	switch c.rng.weighted(noPhotos, photosBefore, photosInForm) {
	case 0:
		return c.sendJSON(ctx, body)
	case 1:
		if body.Photos, err = c.upload(ctx, where); err != nil {
			return nil, err
		}
		return c.sendJSON(ctx, body)
	}
	return c.sendForm(ctx, body, where)
}

// fileAnonymously reports without an account, in a category that allows it, and goes away.
func (c *citizen) fileAnonymously(ctx context.Context) error {
	where, m := c.country.somewhere(c.rng.Rand)
	category, err := c.choose(ctx, true)
	if err != nil {
		return err
	}
	body := c.write(category, where, m)
	if c.rng.once(.4) {
		body.Contact = map[string]string{"phone": c.phone}
	}
	if c.rng.once(photosInForm / 100.) {
		_, err = c.sendForm(ctx, body, where)
	} else {
		_, err = c.sendJSON(ctx, body)
	}
	c.tally.count(anonymous, err == nil)
	return err
}

// choose asks what can be reported, and again when it files, as an app does that was open for a while.
func (c *citizen) choose(ctx context.Context, anonymous bool) (Category, error) {
	var list struct {
		Items []struct {
			Code      string `json:"code"`
			Anonymous bool   `json:"anonymous"`
			Active    bool   `json:"active"`
		} `json:"items"`
	}
	a, err := c.get(ctx, "listCategories", "/v1/categories", nil, &list)
	if err != nil {
		return Category{}, err
	}
	again, err := c.do(ctx, call{operation: "listCategories", method: http.MethodGet, path: "/v1/categories", noneMatch: a.etag}, nil)
	if err != nil {
		return Category{}, err
	}
	c.tally.count(notModified, again.status == http.StatusNotModified)
	weights := make([]int, len(c.org.Categories))
	for i, x := range c.org.Categories {
		for _, offered := range list.Items {
			if offered.Code == x.Code && offered.Active && (!anonymous || offered.Anonymous) {
				weights[i] = x.Weight
			}
		}
	}
	if len(list.Items) == 0 {
		return Category{}, errors.New("there is no category to report in")
	}
	return c.org.Categories[c.rng.weighted(weights...)], nil
}

// write is what the citizen has to say about a mosque.
func (c *citizen) write(category Category, where point, m Mosque) newReport {
	var own []Story
	for _, s := range category.Stories {
		if s.Language == c.language {
			own = append(own, s)
		}
	}
	if len(own) == 0 {
		own = category.Stories
	}
	observed := time.Now().Add(-c.rng.between(time.Minute, 3*time.Hour)).Truncate(time.Second)
	r := newReport{Category: category.Code, Channel: []string{"app", "web"}[c.rng.weighted(85, 15)], Language: c.language, ObservedAt: observed.UTC(),
		Place: place{point: where, Source: "gps", Accuracy: float64(4 + c.rng.IntN(30)), Address: m.Address()}}
	r.Description, r.Attributes = pick(c.rng, own).About(m, observed)
	if metres(where, point{m.Latitude, m.Longitude}) > 1000 { // set on the map, from elsewhere
		r.Place.Source, r.Place.Accuracy, r.Place.Address = "map", 0, ""
	}
	return r
}

// upload sends one to three photos and gives their ids. Photos that are refused are left out.
func (c *citizen) upload(ctx context.Context, where point) (ids []string, err error) {
	for range 1 + c.rng.weighted(6, 3, 1) {
		p := c.album.take(c.rng.Rand, time.Now(), where)
		var got photo
		_, err := c.do(ctx, call{operation: "uploadPhoto", method: http.MethodPost, path: "/v1/photos", raw: p.bytes, contentType: p.mediaType}, &got)
		if c.refused(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c.tally.add(photosTaken, 1)
		ids = append(ids, got.ID)
	}
	return ids, nil
}

// refused reports whether a photo was not taken, and counts why.
func (c *citizen) refused(err error) bool {
	if !is(err, "unsupported_media_type", "photo_refused", "too_large") {
		return false
	}
	var p *Problem
	errors.As(err, &p)
	c.tally.refuse(p.Code)
	return true
}

func (c *citizen) sendJSON(ctx context.Context, body newReport) (*report, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, call{raw: b, contentType: "application/json"})
}

// sendForm sends a report with its photos in one request. When one of them is refused, it goes without.
func (c *citizen) sendForm(ctx context.Context, body newReport, where point) (*report, error) {
	var pictures []picture
	for range 1 + c.rng.weighted(6, 3, 1) {
		pictures = append(pictures, c.album.take(c.rng.Rand, time.Now(), where))
	}
	b, contentType, err := form(body, pictures)
	if err != nil {
		return nil, err
	}
	r, err := c.send(ctx, call{raw: b, contentType: contentType})
	if c.refused(err) {
		return c.sendJSON(ctx, body)
	}
	if err == nil {
		c.tally.add(photosTaken, len(pictures))
	}
	return r, err
}

// form is a report and its photos as multipart/form-data.
func form(body newReport, pictures []picture) (b []byte, contentType string, err error) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	part := func(disposition, mediaType string, content []byte) {
		p, failed := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {mediaType}})
		if failed == nil {
			_, failed = p.Write(content)
		}
		err = errors.Join(err, failed)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, "", err
	}
	part(`form-data; name="report"`, "application/json", text)
	for i, p := range pictures {
		part(fmt.Sprintf(`form-data; name="photo"; filename="%d.%s"`, i+1, strings.TrimPrefix(p.mediaType, "image/")), p.mediaType, p.bytes)
	}
	err = errors.Join(err, w.Close())
	return out.Bytes(), w.FormDataContentType(), err
}

// send files a report and notes how long it took. Some phones lose the answer and send it again: it is the same report.
func (c *citizen) send(ctx context.Context, r call) (*report, error) {
	r.operation, r.method, r.path, r.key = "fileReport", http.MethodPost, "/v1/reports", c.idle.uuid()
	var filed report
	began := time.Now()
	if _, err := c.do(ctx, r, &filed); err != nil {
		return nil, err
	}
	c.tally.filing(time.Since(began))
	if !c.rng.once(sendsTwice) {
		return &filed, nil
	}
	var again report
	if _, err := c.do(ctx, r, &again); err != nil {
		return nil, fmt.Errorf("sent twice: %w", err)
	}
	if again.Number != filed.Number || again.ID != filed.ID {
		return nil, errors.New("a report that was sent twice exists twice")
	}
	c.tally.add(sentTwice, 1)
	return &filed, nil
}
