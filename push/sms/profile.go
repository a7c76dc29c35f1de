package sms

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/balagh/balagh/push"
)

//go:embed profiles
var profiles embed.FS

// Profile describes an HTTP gateway. It is read from JSON with the names below; one that says something else is refused.
type Profile struct {
	Name    string            `json:"name"`    // for sentences about it
	URL     string            `json:"url"`     // unless Config.URL says otherwise
	Method  string            `json:"method"`  // POST, PUT, or GET, which puts the form into the address
	Headers map[string]string `json:"headers"` // may hold {key}, {sender} and {id}
	Keyless bool              `json:"keyless"` // may be used without a key; what holds {key} is left out then
	// One of the two is what is sent. In its texts {to} stands for the number, digits only, {text} for the text, {sender} and {key}
	// (or {token}) for those of Config, {id} for the id of the delivery, which is the same for each attempt.
	JSON json.RawMessage   `json:"json"`
	Form map[string]string `json:"form"`

	Success  Test      `json:"success"`  // of an answer that says that the text was taken, besides a status of 2xx
	ID       string    `json:"id"`       // where the answer has the gateway's name for the text; none when empty
	Refusals []Refusal `json:"refusals"` // asked first, in this order
	Callback *Callback `json:"callback"` // of a gateway that says later what became of a text
}

// Test of an answer. Each condition that is there must hold.
type Test struct {
	Statuses []string `json:"statuses"` // "201", or "2xx"
	Path     string   `json:"path"`     // into the JSON, such as data.messages.0.status
	Values   []string `json:"values"`   // one of which is there, as text
}

// Refusal says what an answer means.
type Refusal struct {
	Test
	Means string `json:"means"` // a key of meanings
}

// meanings are the words of Refusal.Means. Wrong credentials, an unknown sender and an empty account are nobody's message's fault:
// they wait until somebody puts that right.
var meanings = map[string]push.Outcome{
	"bad_number":   {Answer: push.Refused, Reason: reasonNumber},
	"refused":      {Answer: push.Refused, Reason: reasonRefused},
	"throttled":    {Answer: push.Throttled, Reason: reasonThrottled},
	"unauthorized": {Answer: push.Later, Reason: reasonCredentials},
	"unavailable":  {Answer: push.Later, Reason: reasonUnavailable},
}

// Callback describes what a gateway says of a text later.
type Callback struct {
	Encoding  string            `json:"encoding"`  // json, or form; json when empty
	ID        string            `json:"id"`        // where the name is that the answer gave
	Status    string            `json:"status"`    // where its word for the state is
	States    map[string]string `json:"states"`    // word, in any case → delivered, failed or pending
	Signature string            `json:"signature"` // header; X-Balagh-Signature when empty
}

// states are the words of Callback.States. "" says nothing final.
var states = map[string]push.State{"delivered": push.Delivered, "failed": push.Failed, "pending": ""}

var (
	statusForm  = regexp.MustCompile(`^[1-5]([0-9]{2}|xx)$`)
	pathForm    = regexp.MustCompile(`^[A-Za-z0-9_@-]+(\.[A-Za-z0-9_@-]+)*$`)
	placeholder = regexp.MustCompile(`\{[A-Za-z_]*\}`)
	inBody      = []string{"{to}", "{text}", "{sender}", "{key}", "{token}", "{id}"}
	inHeader    = []string{"{sender}", "{key}", "{token}", "{id}"}
)

// loadProfile is an embedded one by its name, or the JSON file of that path.
func loadProfile(name string) (*Profile, error) {
	b, err := profiles.ReadFile("profiles/" + name + ".json")
	if err != nil {
		if !strings.ContainsAny(name, `/\.`) {
			return nil, fmt.Errorf("the SMS profile %s is not known: BALAGH_SMS_PROFILE must be %s, or the path of a JSON file",
				name, strings.Join(ready(), ", "))
		}
		if b, err = os.ReadFile(name); err != nil {
			return nil, fmt.Errorf("BALAGH_SMS_PROFILE: read the SMS profile: %w", err)
		}
	}
	p, err := parseProfile(path.Base(name), b)
	if err != nil {
		return nil, fmt.Errorf("BALAGH_SMS_PROFILE: %w", err)
	}
	return p, nil
}

// ready are the names of the embedded profiles.
func ready() []string {
	var names []string
	entries, _ := profiles.ReadDir("profiles")
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".json"))
	}
	return names
}

// parseProfile reads a profile; the file's name is how sentences call one that does not say its own.
func parseProfile(file string, b []byte) (*Profile, error) {
	p := &Profile{Name: file}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("the SMS profile %s: %w", p.Name, plain(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("the SMS profile %s: there is something after the JSON", p.Name)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("the SMS profile %s: %w", p.Name, err)
	}
	return p, nil
}

// plain says where a value of the wrong type is, without Go's types.
func plain(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s: must not be a JSON %s", t.Field, t.Value)
	}
	return err
}

func (p *Profile) check() error {
	if p.Method == "" {
		p.Method = http.MethodPost
	}
	if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodGet}, p.Method) {
		return errors.New("method: must be POST, PUT or GET")
	}
	if placeholder.MatchString(p.URL) {
		return errors.New("url: may hold no placeholder")
	}
	if err := p.checkTexts(); err != nil {
		return err
	}
	if len(p.Success.Statuses) == 0 && p.Success.Path == "" {
		return errors.New("success: there is no success test: name statuses, or a path and the values that say so")
	}
	if err := p.Success.check(); err != nil {
		return fmt.Errorf("success: %w", err)
	}
	for _, s := range p.Success.Statuses {
		if s[0] != '2' {
			return fmt.Errorf("success: statuses: %s is none of success", s)
		}
	}
	if p.ID != "" && !pathForm.MatchString(p.ID) {
		return errors.New("id: must be a path such as data.id")
	}
	for i, r := range p.Refusals {
		if len(r.Statuses) == 0 && r.Path == "" {
			return fmt.Errorf("refusals/%d: names neither statuses nor a path", i)
		}
		if err := r.check(); err != nil {
			return fmt.Errorf("refusals/%d: %w", i, err)
		}
		if _, ok := meanings[r.Means]; !ok {
			return fmt.Errorf("refusals/%d: means: must be one of %s", i, strings.Join(slices.Sorted(maps.Keys(meanings)), ", "))
		}
	}
	if p.Callback == nil {
		return nil
	}
	if err := p.Callback.check(); err != nil {
		return fmt.Errorf("callback: %w", err)
	}
	return nil
}

// checkTexts looks at what is sent.
func (p *Profile) checkTexts() error {
	var body any = p.Form
	switch {
	case (p.JSON == nil) == (p.Form == nil):
		return errors.New("there must be either json or form: what is sent to the gateway")
	case p.Method == http.MethodGet && p.Form == nil:
		return errors.New("method: GET goes with form only")
	case p.JSON != nil:
		if err := json.Unmarshal(p.JSON, &body); err != nil {
			return fmt.Errorf("json: %w", err)
		}
	}
	name := "json"
	if p.Form != nil {
		name = "form"
	}
	all := texts(body)
	for _, v := range []string{"{to}", "{text}"} {
		if !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, v) }) {
			return fmt.Errorf("%s: has no %s in it", name, v)
		}
	}
	if err := known(all, inBody); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for k, v := range p.Headers {
		if err := known([]string{v}, inHeader); err != nil {
			return fmt.Errorf("headers/%s: %w", k, err)
		}
	}
	return nil
}

// uses reports whether a placeholder is anywhere in what is sent.
func (p *Profile) uses(placeholders ...string) bool {
	all := append(slices.Collect(maps.Values(p.Headers)), slices.Collect(maps.Values(p.Form))...)
	all = append(all, string(p.JSON))
	return slices.ContainsFunc(all, func(s string) bool {
		return slices.ContainsFunc(placeholders, func(v string) bool { return strings.Contains(s, v) })
	})
}

func (t *Test) check() error {
	for _, s := range t.Statuses {
		if !statusForm.MatchString(s) {
			return fmt.Errorf(`statuses: %q is no status such as "201" or "2xx"`, s)
		}
	}
	if (t.Path == "") != (len(t.Values) == 0) {
		return errors.New("path and values go together")
	}
	if t.Path != "" && !pathForm.MatchString(t.Path) {
		return errors.New("path: must be a path such as data.status")
	}
	return nil
}

func (c *Callback) check() error {
	switch {
	case c.Encoding != "" && c.Encoding != "json" && c.Encoding != "form":
		return errors.New("encoding: must be json or form")
	case !pathForm.MatchString(c.ID):
		return errors.New("id: must be a path such as data.id")
	case !pathForm.MatchString(c.Status):
		return errors.New("status: must be a path such as data.status")
	case len(c.States) == 0:
		return errors.New("states: says of no word what it means")
	}
	byWord := map[string]string{}
	for word, state := range c.States {
		if _, ok := states[state]; !ok {
			return fmt.Errorf("states/%s: must be delivered, failed or pending", word)
		}
		byWord[strings.ToLower(word)] = state
	}
	c.States = byWord
	if c.Signature == "" {
		c.Signature = "X-Balagh-Signature"
	}
	return nil
}

// known says whether only these placeholders are in texts.
func known(all, placeholders []string) error {
	for _, s := range all {
		for _, v := range placeholder.FindAllString(s, -1) {
			if !slices.Contains(placeholders, v) {
				return fmt.Errorf("%s is not known: there are %s", v, strings.Join(placeholders, ", "))
			}
		}
	}
	return nil
}

// texts are all that is text in a JSON value or a form, but no names.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case map[string]string:
		return slices.Collect(maps.Values(v))
	case []any:
		var all []string
		for _, w := range v {
			all = append(all, texts(w)...)
		}
		return all
	case map[string]any:
		return texts(slices.Collect(maps.Values(v)))
	}
	return nil
}
