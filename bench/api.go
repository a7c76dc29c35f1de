package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
)

// The organisation that the reports go to.
const (
	category      = "loudspeakers"
	adminEmail    = "bench@balagh.example"
	adminPassword = "correct-horse-battery-staple"
)

// client calls the API for what has to be there before the load.
type client struct{ base, token string }

var web = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: answerTime}

// call sends in as JSON and reads the answer into out, unless it is nil.
func (c client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := web.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %.500s", method, path, answer.StatusCode, b)
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, out)
}

type object = map[string]any

func named(ar, en, ur string) object { return object{"ar": ar, "en": en, "ur": ur} }

// organise makes an administrator by the command line, and with that account one centre, one department, one category.
func (c client) organise(ctx context.Context, balagh *process) error {
	cmd := exec.CommandContext(ctx, balagh.cmd.Path, "admin", "create-staff", "--email="+adminEmail, "--name=Bench", "--role=admin")
	cmd.Env = append(append(environment(), balagh.env...), "BALAGH_PASSWORD="+adminPassword)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("create the administrator: %w\n%s", err, out)
	}
	var err error
	if c.token, err = c.logIn(ctx, adminEmail); err != nil {
		return err
	}
	area := object{"type": "Polygon", "coordinates": [][][2]float64{{{45, 23}, {48, 23}, {48, 26}, {45, 26}, {45, 23}}}}
	for path, body := range map[string]object{
		"departments/maintenance": {"names": named("الصيانة", "Maintenance", "مرمت"), "active": true},
		"centres/riyadh":          {"names": named("الرياض", "Riyadh", "ریاض"), "area": area, "active": true},
	} {
		if err := c.call(ctx, "PUT", "/v1/admin/"+path, body, nil); err != nil {
			return err
		}
	}
	return c.call(ctx, "PUT", "/v1/admin/categories/"+category, object{"names": named("مكبرات الصوت", "Loudspeakers", "لاؤڈ سپیکر"),
		"keywords": []string{}, "attributes": []object{}, "department": "maintenance", "first_answer_days": 1, "resolution_days": 5,
		"anonymous": false, "active": true}, nil)
}

// logIn is the way of staff, who all have one password here.
func (c client) logIn(ctx context.Context, email string) (string, error) {
	var session struct {
		AccessToken string `json:"access_token"`
	}
	err := c.call(ctx, "POST", "/v1/auth/token", object{"grant_type": "password", "email": email, "password": adminPassword}, &session)
	return session.AccessToken, err
}

// signIn is the way of a phone: ask for a code, read it where development mode shows it, exchange it for a token.
func (c client) signIn(ctx context.Context, phone string) (string, error) {
	if err := c.call(ctx, "POST", "/v1/auth/otp", object{"phone": phone, "language": "ar"}, nil); err != nil {
		return "", err
	}
	var outbox struct {
		Items []struct{ To, Code string }
	}
	if err := c.call(ctx, "GET", "/dev/outbox?to="+url.QueryEscape(phone), nil, &outbox); err != nil {
		return "", err
	}
	for _, m := range outbox.Items {
		if m.Code == "" {
			continue
		}
		var session struct {
			AccessToken string `json:"access_token"`
		}
		err := c.call(ctx, "POST", "/v1/auth/token", object{"grant_type": "otp", "phone": phone, "code": m.Code}, &session)
		return session.AccessToken, err
	}
	return "", fmt.Errorf("no code for %s is at /dev/outbox", phone)
}
