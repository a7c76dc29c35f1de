package admin

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/balagh/balagh/web/page"
)

// sheet is the page of one: its form, or what it is where nothing of it can be changed.
type sheet struct {
	*page.Visit
	Name, Key, Heading, Action string
	Inputs                     []input
	Facts                      []difference
	Tag, Once                  string // what the form began with, and a key that makes it safe to send again
	Wrong                      *page.Problem
	Untold                     []page.Field
	Warnings                   []option
	Beside                     []difference // what somebody else has written meanwhile, beside what was typed
	Done                       string
	Actions                    []action
	History                    string // address of its changes
	Live, Looked               bool   // there is something beside the form; it was asked for
	Old                        string // version that was taken into the form
	Aside                      any

	r      *resource
	d      *drawing
	value  map[string]any // as stored; nil for a new one
	answer map[string]any // that it came in
	typed  map[string]any // as the form has it
}

// Named are for templates.
func (a action) Word() string { return "do_" + a.name }
func (a action) Sure() string { return "sure_" + a.name }
func (a action) Name() string { return a.name }
func (a action) Grave() bool  { return a.danger }
func (s *sheet) Parent() string {
	if s.r.parent != "" {
		return s.r.parent
	}
	return s.Name
}
func (s *sheet) Single() bool       { return s.r.single }
func (s *sheet) New() bool          { return s.Key == "" && !s.r.single }
func (s *sheet) Changes() bool      { return s.New() || s.r.change != "" }
func (s *sheet) Of(name string) any { return s.value[name] }

// one shows one that is there.
func (r *resource) one(v *page.Visit) error { return r.look(v, r.keyOf(v), nil) }

func (r *resource) look(v *page.Visit, key string, wrong *page.Problem) error {
	value, answer, tag, err := r.read(v, key)
	if err != nil {
		return err
	}
	if wrong != nil {
		v.Status(wrong.Status)
	}
	s := &sheet{Key: key, Tag: tag, Wrong: wrong, value: value, answer: answer, typed: known(r.asked(false), value)}
	if n := v.Query("version"); n != "" && r.versions {
		if err := r.takeOld(v, s, page.Digits(n)); err != nil {
			return err
		}
	}
	return r.show(v, s)
}

// takeOld puts an old version into the form, to be saved as a new one.
func (r *resource) takeOld(v *page.Visit, s *sheet, n string) error {
	for _, x := range everything(v, r.at(s.Key)+"/versions", false) {
		if fmt.Sprint(x["version"]) == n {
			s.Old, s.typed = v.In(n), known(r.asked(false), x)
			return nil
		}
	}
	return &page.Problem{Status: http.StatusNotFound, Code: "not_found", Title: v.T("adm_not_there")}
}

// empty shows the form for a new one.
func (r *resource) empty(v *page.Visit) error {
	fresh := map[string]any{"active": true}
	for _, x := range r.fields {
		if s := v.Query(x.name); s != "" { // links may begin one
			fresh[x.name] = s
		}
	}
	return r.show(v, &sheet{typed: fresh})
}

// show draws a sheet.
func (r *resource) show(v *page.Visit, s *sheet) (err error) {
	s.Visit, s.r, s.Name, s.Done = v, r, r.name, done(v)
	if s.Once == "" {
		s.Once = rand.Text()
	}
	if s.d == nil {
		s.d = draw(v, s.Wrong)
	}
	s.entitle()
	if s.Changes() {
		s.Inputs = s.d.inputs(r.asked(s.New()), "", s.typed)
	} else {
		s.Facts = s.d.facts(r.fields, known(r.fields, s.value))
	}
	s.Untold = s.d.untold()
	if s.Wrong != nil && r.confirms {
		for _, w := range s.Wrong.Allowed {
			s.Warnings = append(s.Warnings, option{Value: w, Text: v.Either("warning_"+w, w)})
		}
	}
	name := "form"
	if r.aside != nil {
		name, s.Live = r.name, true
		if s.Aside, err = r.aside(s); err != nil {
			return err
		}
	}
	return show(v, name, s.Heading, s)
}

// entitle says what the page is about, and what can be done there.
func (s *sheet) entitle() {
	r := s.r
	if s.New() {
		s.Heading, s.Action = s.T("new_"+r.name), "/admin/new/"+r.name
		return
	}
	s.Action, s.Heading = r.page(s.Key), s.T("res_"+r.name)
	if title := s.d.titleOf(s.value); r.heading != "" {
		s.Heading = s.d.show(find(r.fields, r.heading), s.value[r.heading])
	} else if title != "" && !r.single {
		s.Heading = title
	}
	if r.name != "audit" {
		s.History = "/admin/audit?path=" + url.QueryEscape(r.at(s.Key))
	}
	for _, a := range r.actions {
		if a.when == nil || a.when(s.value) {
			s.Actions = append(s.Actions, a)
		}
	}
}

// save takes the form of one, of a new one where the address has no key. A button may ask for something else than saving.
func (r *resource) save(v *page.Visit) error {
	s := &sheet{Key: r.keyOf(v), Tag: v.Form("tag"), Once: v.Form("once")}
	s.r = r
	s.typed = typedAll(v, r.asked(s.New()), "")
	act, at, _ := strings.Cut(v.Form("do"), ":")
	if !s.New() {
		now, answer, _, err := r.read(v, s.Key)
		if err != nil {
			return err
		}
		s.value, s.answer = now, answer
	}
	if act != "" {
		s.d = draw(v, nil)
		switch act {
		case "look":
			s.Looked = true
		case "theirs":
			s.typed[at] = known(r.asked(false), s.value)[at]
		default:
			s.d.about = rearrange(s.typed, act, at)
		}
		if v.Form("beside") != "" {
			s.besides()
		}
		return r.show(v, s)
	}
	return r.store(v, s)
}

// besides compares what was typed with what is there by now.
func (s *sheet) besides() {
	fields := s.r.asked(false)
	s.Beside = s.d.differences(fields, known(fields, s.value), s.typed)
}

// store sends the form.
func (r *resource) store(v *page.Visit, s *sheet) error {
	key, err := r.write(v, s)
	if err == nil {
		return v.Redirect(r.page(key) + "?done=adm_saved")
	}
	if s.Wrong = page.Refused(err); s.Wrong == nil {
		return err
	}
	s.d = draw(v, s.Wrong)
	if s.Wrong.Status == http.StatusPreconditionFailed {
		if s.New() { // its code is taken
			s.Wrong = &page.Problem{Status: http.StatusConflict, Title: v.T("adm_code_taken"), Fields: []page.Field{{Path: r.keys[0], Message: v.T("adm_code_taken")}}}
			s.d = draw(v, s.Wrong)
		} else if s.value, s.answer, s.Tag, err = r.read(v, s.Key); err != nil { // saved again it replaces what is there now
			return err
		} else {
			s.besides()
		}
	}
	v.Status(s.Wrong.Status)
	return r.show(v, s)
}

// write calls the operation that makes or changes one, and gives its key.
func (r *resource) write(v *page.Visit, s *sheet) (key string, err error) {
	body, method, to, headers := s.typed, r.change, r.at(s.Key), map[string]string{"If-Match": s.Tag}
	key = s.Key
	if s.New() {
		method, headers = r.make, map[string]string{}
		if method == http.MethodPost {
			to, headers["Idempotency-Key"] = r.path, s.Once
		} else {
			if key = r.keyIn(s.typed); key == "" {
				return "", r.keyMissing(v)
			}
			to, headers["If-Match"] = r.at(key), `"0"` // not there yet
		}
	}
	if method == http.MethodPatch {
		if body = s.changed(); len(body) == 0 {
			return key, nil
		}
	}
	var answer map[string]any
	if _, err := v.Call(method, to, url.Values{"confirm": v.Forms("confirm")}, headers, r.body(body), &answer); err != nil {
		return "", err
	}
	if key == "" && !r.single {
		key = r.keyIn(answer)
	}
	return key, nil
}

func (r *resource) keyMissing(v *page.Visit) error {
	p := &page.Problem{Status: http.StatusUnprocessableEntity, Title: v.T("adm_see_fields")}
	for _, k := range r.keys {
		p.Fields = append(p.Fields, page.Field{Path: k, Message: v.T("adm_code_missing")})
	}
	return p
}

// body is what the operation takes: a code that is in the address is not in it.
func (r *resource) body(typed map[string]any) map[string]any {
	b := map[string]any{}
	for name, x := range typed {
		if r.make != http.MethodPut || find(r.fields, name).only != "make" {
			b[name] = x
		}
	}
	return b
}

// changed is what was typed that differs from what is there.
func (s *sheet) changed() map[string]any {
	b := map[string]any{}
	for _, x := range s.r.asked(false) {
		if !same(s.typed[x.name], s.value[x.name]) && s.typed[x.name] != nil {
			b[x.name] = s.typed[x.name]
		}
	}
	return b
}
