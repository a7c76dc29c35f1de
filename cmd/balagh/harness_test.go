package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"go.uber.org/goleak"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/openapi"
	"github.com/balagh/balagh/photos/phototest"
	"github.com/balagh/balagh/store/teststore"
)

// asProgram makes the test binary behave as the program itself: what is killed in a test is a process of its own.
const asProgram = "BALAGH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Unsetenv(asProgram)
		if file := os.Getenv(surveysClock); file != "" {
			if err := serveByClock(file); err != nil {
				fmt.Fprintln(os.Stderr, "balagh:", err)
				os.Exit(1)
			}
			return
		}
		main()
		return
	}
	if !phototest.Prepare(fmt.Println) {
		os.Exit(1)
	}
	goleak.VerifyTestMain(browsed{teststore.Tests{M: m}}, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"),
		goleak.IgnoreAnyFunction("go.opencensus.io/stats/view.(*worker).start"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// contract is the router of openapi.yaml, for checking what the server answers.
var contract = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi.Load()
	if err != nil {
		return nil, err
	}
	here := *doc
	here.Servers = nil
	return gorillamux.NewRouter(&here)
})

// installation is a whole program that serves on a port of its own.
type installation struct {
	t     testing.TB
	url   string
	parts *parts
	log   *logBuffer
	stop  func()
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// install starts one with a small organisation in it: two regions that lie side by side, two departments, two categories.
func install(t testing.TB, change ...func(*settings)) *installation {
	t.Helper()
	i := installAt(t, change...)
	i.organise(i.staff(actor.Admin, "*", "*"))
	return i
}

// installAt starts one with nothing in it, or with what its store has.
func installAt(t testing.TB, change ...func(*settings)) *installation {
	t.Helper()
	s := &settings{storage: storage{Store: teststore.URI(t), Dev: true, beside: t.TempDir()}, Address: "127.0.0.1:0", Issuer: "balagh",
		TimeZone: "Asia/Riyadh", channels: channels{FcmWorkers: 8, SmppWindow: 1}, DeliveryAlarm: time.Hour, CodesPerPhone: 3, CodesPerClient: 1000, AnonPerClient: 20, ShutdownTime: 20 * time.Second, LogLevel: slog.LevelDebug}
	for _, c := range change {
		c(s)
	}
	i := &installation{t: t, log: &logBuffer{}}
	p, err := s.assemble(t.Context(), s.logger(i.log))
	if err != nil {
		t.Fatal(err)
	}
	p.server.Accounts.PasswordCost = accounts.PasswordCost{MemoryKiB: 64, Passes: 1}
	i.parts = p
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- p.serve(ctx, s, func(addr string) { ready <- addr }) }()
	select {
	case addr := <-ready:
		i.url = "http://" + addr
	case err := <-done:
		t.Fatal(err)
	}
	i.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := p.close(); err != nil {
			t.Errorf("close: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	t.Cleanup(i.stop)
	return i
}

func square(west, south, east, north float64) string {
	return fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%[1]v,%[2]v],[%[3]v,%[2]v],[%[3]v,%[4]v],[%[1]v,%[4]v],[%[1]v,%[2]v]]]}`, west, south, east, north)
}

func (i *installation) organise(admin *client) {
	i.t.Helper()
	put := func(path, body string) {
		i.t.Helper()
		admin.do("PUT", "/v1/admin/"+path, body).want(200)
	}
	names := `"names":{"ar":"اسم","en":"Name","ur":"نام"}`
	put("departments/maintenance", `{`+names+`,"active":true}`)
	put("departments/sound", `{`+names+`,"active":true}`)
	put("centres/riyadh", `{`+names+`,"active":true,"area":`+square(45, 23, 48, 26)+`}`)
	put("centres/qassim", `{`+names+`,"active":true,"area":`+square(42, 23, 45, 26)+`}`)
	put("categories/loudspeakers", `{`+names+`,"keywords":["مكبر"],"department":"sound","first_answer_days":1,"resolution_days":5,"anonymous":false,"active":true,
		"attributes":[{"code":"mosque_name","labels":{"ar":"اسم المسجد","en":"Mosque","ur":"مسجد"},"datatype":"string","required":true,"order":1}]}`)
	put("categories/maintenance", `{`+names+`,"keywords":[],"department":"maintenance","first_answer_days":2,"resolution_days":10,"anonymous":true,"active":true,"attributes":[]}`)
}

// client is one person at a phone or desk.
type client struct {
	i     *installation
	t     testing.TB
	token string
	id    string
	lang  string
}

const staffPassword = "a long enough password"

// staff signs in a new member of staff.
func (i *installation) staff(role actor.Role, centre, department string) *client {
	i.t.Helper()
	email := fmt.Sprintf("%s-%s@example.sa", role, strings.ToLower(i.parts.server.Reports.NewID()))
	x, err := i.parts.server.Accounts.CreateStaff(i.t.Context(), actor.Actor{Kind: actor.System}, accounts.NewStaff{Email: email, Name: "موظف",
		Password: staffPassword, Role: role, Centres: []string{centre}, Departments: []string{department}, Language: "ar"})
	if err != nil {
		i.t.Fatal(err)
	}
	c := &client{i: i, t: i.t, id: x.ID}
	c.signIn(email)
	return c
}

func (c *client) signIn(email string) {
	c.t.Helper()
	c.token = c.do("POST", "/v1/auth/token", map[string]any{"grant_type": "password", "email": email, "password": staffPassword}).want(200).str("access_token")
}

// citizen signs in by one-time code.
func (i *installation) citizen(phone string) *client {
	i.t.Helper()
	c := &client{i: i, t: i.t}
	c.do("POST", "/v1/auth/otp", map[string]any{"phone": phone}).want(202)
	r := c.do("POST", "/v1/auth/token", map[string]any{"grant_type": "otp", "phone": phone, "code": i.code(phone)}).want(200)
	c.token, c.id = r.str("access_token"), r.str("account", "id")
	return c
}

// code reads the newest one-time code that went to a phone.
func (i *installation) code(phone string) string {
	i.t.Helper()
	res, err := http.Get(i.url + "/dev/outbox?to=" + url.QueryEscape(phone))
	if err != nil {
		i.t.Fatal(err)
	}
	defer res.Body.Close()
	var texts struct{ Items []struct{ Code string } }
	if err := json.NewDecoder(res.Body).Decode(&texts); err != nil {
		i.t.Fatal(err)
	}
	for _, x := range texts.Items {
		if x.Code != "" { // other texts are notices
			return x.Code
		}
	}
	i.t.Fatal("no code went to the phone")
	return ""
}

// answer is what the server said.
type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   []byte
}

// unled follows no redirect: where one leads is for the test to see.
var unled = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// do sends a request, body as JSON unless it is a string or bytes, and holds the answer to the contract.
func (c *client) do(method, path string, body any, headers ...string) *answer {
	c.t.Helper()
	var r io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.i.url+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.lang != "" {
		req.Header.Set("Accept-Language", c.lang)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		req.Header.Set(headers[n], headers[n+1])
	}
	res, err := unled.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	a := &answer{c.t, method + " " + path, res.StatusCode, res.Header, b}
	a.lawful(req)
	return a
}

// lawful checks status, headers and body against the contract.
func (a *answer) lawful(req *http.Request) {
	a.t.Helper()
	if a.status == 500 {
		a.t.Errorf("%s: an internal error: %s", a.what, a.body)
	}
	router, err := contract()
	if err != nil {
		a.t.Fatal(err)
	}
	bare := req.Clone(context.Background())
	bare.URL.Scheme, bare.URL.Host, bare.Host = "", "", ""
	route, params, err := router.FindRoute(bare)
	if err != nil {
		if a.status < 400 {
			a.t.Errorf("%s: answered %d, and the contract does not know it", a.what, a.status)
		}
		return
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: bare, PathParams: params, Route: route},
		Status:                 a.status, Header: a.header, Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	in.SetBodyBytes(a.body)
	if answer := route.Operation.Responses.Status(a.status); answer != nil {
		for name := range answer.Value.Headers {
			if a.header.Get(name) == "" {
				a.t.Errorf("%s: the answer %d lacks the %s that the contract promises", a.what, a.status, name)
			}
		}
	}
	if err := openapi3filter.ValidateResponse(context.Background(), in); err != nil {
		a.t.Errorf("%s: the answer breaks the contract: %v", a.what, err)
	}
}

func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d, want %d: %s", a.what, a.status, status, a.body)
	}
	return a
}

// refused wants a problem document with that status and code.
func (a *answer) refused(status int, code string) *answer {
	a.t.Helper()
	if a.want(status).str("code") != code {
		a.t.Fatalf("%s: %s, want %s", a.what, a.body, code)
	}
	if a.str("title") == "" || !strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") {
		a.t.Fatalf("%s: not a problem document: %s", a.what, a.body)
	}
	return a
}

// at is the JSON value at a path of keys and list indexes.
func (a *answer) at(path ...any) any {
	a.t.Helper()
	var v any
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("%s: no JSON: %s", a.what, a.body)
	}
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (a *answer) str(path ...any) string {
	a.t.Helper()
	s, _ := a.at(path...).(string)
	return s
}

func (a *answer) len(path ...any) int {
	a.t.Helper()
	l, _ := a.at(path...).([]any)
	return len(l)
}

// eventually asks until ok says so, at first often and later seldom: asking must not keep from answering.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ask(t, what, 100*time.Millisecond, ok)
}

// ask waits no longer than that before it asks again.
func ask(t testing.TB, what string, most time.Duration, ok func() bool) {
	t.Helper()
	pause := time.NewTimer(0)
	defer pause.Stop()
	const patience = 90 * time.Second // leases of a killed process have to end; what asking takes is not counted
	for next, waited := 5*time.Millisecond, time.Duration(0); waited < patience; next = min(2*next, most) {
		if ok() {
			return
		}
		waited += next
		pause.Reset(next)
		<-pause.C
	}
	t.Fatalf("it never came: %s", what)
}
