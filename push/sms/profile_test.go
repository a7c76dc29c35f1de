package sms

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
)

const least = `"json":{"to":"{to}","text":"{text}"},"success":{"statuses":["2xx"]}`

func TestParseProfile_refuses(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]string{
		"the SMS profile file: unexpected EOF":                     `{`,
		"something after":                                          `{"name":"n",` + least + `} {}`,
		`unknown field "sucess"`:                                   `{"sucess":{}}`,
		"headers: must not be a JSON":                              `{"headers":[]}`,
		"the SMS profile n: success: there is no success test":     `{"name":"n","json":{"a":"{to}{text}"}}`,
		"success: path and values":                                 `{"json":{"a":"{to}{text}"},"success":{"path":"a"}}`,
		`success: statuses: "20x" is no status`:                    `{"json":{"a":"{to}{text}"},"success":{"statuses":["20x"]}}`,
		"success: statuses: 400 is none of success":                `{"json":{"a":"{to}{text}"},"success":{"statuses":["400"]}}`,
		"success: path: must be":                                   `{"json":{"a":"{to}{text}"},"success":{"path":"$.a[0]","values":["1"]}}`,
		"either json or form":                                      `{"success":{"statuses":["2xx"]}}`,
		"there must be either":                                     `{"form":{"a":"{to}{text}"},` + least + `}`,
		"json: has no {text}":                                      `{"json":{"a":"{to}"}}`,
		"form: has no {to}":                                        `{"form":{"a":"{text}"}}`,
		"json: {phone} is not known":                               `{"json":{"a":["{to}{text}{phone}"]}}`,
		"headers/X: {to} is not known":                             `{"headers":{"X":"{to}"},` + least + `}`,
		"method: must be":                                          `{"method":"PATCH",` + least + `}`,
		"method: GET":                                              `{"method":"GET",` + least + `}`,
		"url: may hold":                                            `{"url":"https://x/{key}",` + least + `}`,
		"id: must be":                                              `{"id":"a..b",` + least + `}`,
		"refusals/0: names neither":                                `{"refusals":[{"means":"refused"}],` + least + `}`,
		"refusals/1: means: must be one of bad_number, refused":    `{"refusals":[{"statuses":["400"],"means":"refused"},{"statuses":["4xx"],"means":"bad"}],` + least + `}`,
		`refusals/0: statuses: "600"`:                              `{"refusals":[{"statuses":["600"],"means":"refused"}],` + least + `}`,
		"callback: encoding":                                       `{"callback":{"encoding":"xml","id":"a","status":"b","states":{"c":"failed"}},` + least + `}`,
		"callback: id":                                             `{"callback":{"status":"b","states":{"c":"failed"}},` + least + `}`,
		"callback: status":                                         `{"callback":{"id":"b","states":{"c":"failed"}},` + least + `}`,
		"callback: states: says of no word":                        `{"callback":{"id":"b","status":"c"},` + least + `}`,
		"callback: states/c: must be delivered, failed or pending": `{"callback":{"id":"b","status":"c","states":{"c":"gone"}},` + least + `}`,
	} {
		if _, err := parseProfile("file", []byte(s)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q in it", s, err, want)
		}
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "p.json")
	if err := os.WriteFile(file, []byte(`{`+least+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	const address = "https://gateway.example/?secret"
	for want, c := range map[string]Config{
		"BALAGH_SMS_URL is not set":                 {},
		"must be an https address":                  {URL: "gateway?secret"},
		"must be https":                             {URL: "http://127.0.0.1/?secret"},
		"unknwon is not known":                      {Profile: "unknwon"},
		"read the SMS profile":                      {Profile: "./none.json"},
		"BALAGH_SMS_BODY: json":                     {URL: address, Body: `{to} {text}`},
		"BALAGH_SMS_BODY: json: has no {to}":        {URL: address, Body: `{"t":"{text}"}`},
		"BALAGH_SMS_BODY goes with":                 {Profile: "taqnyat", Key: "secret", Sender: "S", Body: body},
		"BALAGH_SMS_KEY is not set":                 {Profile: "taqnyat", Sender: "S"},
		"BALAGH_SMS_SENDER is not set":              {Profile: "unifonic", Key: "secret"},
		"must be one line":                          {Profile: "unifonic", Key: "secret\n", Sender: "S"},
		"BALAGH_SMS_CALLBACK_SECRET must have":      {Profile: "unifonic", Key: "secret", Sender: "S", CallbackSecret: "secret"},
		"SMS profile p.json has no callback":        {Profile: file, URL: address, CallbackSecret: strings.Repeat("secret", 9)},
		"the SMS profile p.json says no address of": {Profile: file},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v; want %q in it, and no secret", c, err, want)
		}
	}
	for _, c := range []Config{{URL: address}, {Profile: "unifonic", Key: "k", Sender: "S"}, {Profile: "taqnyat", Key: "k", Sender: "S"}, {Profile: file, URL: address}} {
		if _, err := New(c); err != nil {
			t.Errorf("%s: %v", c.Profile, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for said, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-7": 0, "999999999": longestWait, "soon": 0,
		"Sat, 21 Nov 2026 09:01:00 GMT": time.Minute, "Sat, 21 Nov 2026 08:00:00 GMT": 0} {
		if got := retryAfter(said, now); got != want {
			t.Errorf("%q: %v, want %v", said, got, want)
		}
	}
}

func FuzzParseProfile(f *testing.F) {
	f.Add([]byte(`{` + least + `}`))
	for _, n := range ready() {
		b, _ := profiles.ReadFile("profiles/" + n + ".json")
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseProfile("file", b)
		if err != nil {
			return
		}
		if len(p.Success.Statuses) == 0 && p.Success.Path == "" {
			t.Error("no success test")
		}
	})
}

func FuzzProfile_outcome(f *testing.F) {
	f.Add(200, []byte(`{"success":true,"data":{"MessageID":1}}`))
	f.Add(480, []byte(`[{"success":null}]`))
	p, err := loadProfile("unifonic")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, b []byte) {
		o := p.outcome(status, nil, b, time.Time{})
		if (o.Answer == push.Taken) != (o.Reason == "") || o.Answer == push.Taken && status/100 != 2 {
			t.Errorf("%d: %+v", status, o)
		}
	})
}
