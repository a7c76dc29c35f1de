package demo

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// longestForm is how many steps somebody goes through before giving up.
const longestForm = 12

// page is what a browser shows.
type page struct {
	status int
	url    string // after every redirect
	html   string
}

var (
	hiddenFields = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)
	questionsOf  = regexp.MustCompile(`name="q\.([a-z_]+)"`)
	mainButton   = regexp.MustCompile(`<button class="main"(?: name="go" value="([a-z]+)")?>`)
)

// browse opens a page; with a form it sends that. Redirects are followed. The address names the person, and is in no error.
func (c *citizen) browse(ctx context.Context, address string, form url.Values) (*page, error) {
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("a link that leads nowhere")
	}
	req.Header.Set("Accept-Language", c.language)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the page of a survey: %w", errors.Unwrap(err))
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("the page of a survey: %w", err)
	}
	if res.StatusCode >= 400 && res.StatusCode != http.StatusGone {
		return nil, fmt.Errorf("the page of a survey: %d", res.StatusCode)
	}
	return &page{res.StatusCode, res.Request.URL.String(), string(b)}, nil
}

// asks says whether there is a form on the page.
func (p *page) asks() bool {
	return strings.Contains(p.html, "<form ") && mainButton.MatchString(p.html)
}

// filled is the form with the answers to what it asks, and the button pressed that leads on.
func (p *page) filled(answers map[string]any) url.Values {
	form := url.Values{}
	for _, x := range hiddenFields.FindAllStringSubmatch(p.html, -1) {
		form.Set(x[1], html.UnescapeString(x[2]))
	}
	for _, x := range questionsOf.FindAllStringSubmatch(p.html, -1) {
		switch a := answers[x[1]].(type) {
		case nil:
		case bool:
			form.Set("q."+x[1], map[bool]string{true: "yes", false: "no"}[a])
		case []string:
			form["q."+x[1]] = a
		default:
			form.Set("q."+x[1], fmt.Sprint(a))
		}
	}
	if x := mainButton.FindStringSubmatch(p.html); x != nil && x[1] != "" {
		form.Set("go", x[1])
	}
	return form
}

// answerByLink goes through the steps of the page behind the link; half of it is the first step.
func (c *citizen) answerByLink(ctx context.Context, answers map[string]any, all bool) error {
	p, err := c.browse(ctx, c.survey.link, nil)
	for step := 0; err == nil && step < longestForm; step++ {
		switch {
		case p.status == http.StatusGone:
			c.survey.unsure = step > 0 // whether the last step was kept is not said
			return c.took("", &Problem{Operation: "/s/", Status: p.status, Code: "gone"})
		case !p.asks() && step > 0:
			return c.took(complete, nil)
		case !p.asks():
			return errors.New("the page of a survey asks nothing")
		case step == 1 && !all:
			return c.took(partial, nil)
		case step > 0:
			c.survey.state = partial
		}
		p, err = c.browse(ctx, p.url, p.filled(answers))
	}
	if err == nil {
		err = errors.New("the page of a survey comes to no end")
	}
	return err
}

// refuseByLink says no on the page, and once more when it asks whether that is meant.
func (c *citizen) refuseByLink(ctx context.Context) error {
	p, err := c.browse(ctx, c.survey.link+"/refuse", nil)
	if err == nil && p.asks() {
		p, err = c.browse(ctx, p.url, p.filled(nil))
	}
	if err == nil && p.status == http.StatusGone {
		return c.took("", &Problem{Operation: "/s/", Status: p.status, Code: "gone"})
	}
	if err != nil {
		return err
	}
	return c.took(refused, nil)
}
