package api

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/store/teststore"
)

// TestServer_DeskEvents/outlives the time for writing an answer: over a real socket, for several times as long.
func TestServer_DeskEvents(t *testing.T) {
	t.Parallel()
	s, _ := staffed(t)
	s.Feed = &reports.Feed{Store: teststore.Open(t), Log: slog.New(slog.DiscardHandler), Pause: 20 * time.Millisecond}
	s.Log, s.Metrics, s.Heartbeat = slog.New(slog.DiscardHandler), NewMetrics(), 100*time.Millisecond
	const email = "clerk@example.sa"
	if _, err := s.Accounts.CreateStaff(t.Context(), actor.Actor{Kind: actor.System}, accounts.NewStaff{Email: email, Name: "موظف", Password: somePassword,
		Role: actor.Clerk, Centres: []string{"*"}, Departments: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	token := tokens(t, s, gen.TokenRequest{GrantType: gen.TokenRequestGrantTypePassword, Email: new(gen.Email(email)), Password: new(string(somePassword))}).AccessToken
	app, err := s.App()
	if err != nil {
		t.Fatal(err)
	}
	const limit = 500 * time.Millisecond
	app.Server().WriteTimeout = limit
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	var jobs sync.WaitGroup
	jobs.Go(func() { s.Feed.Run(ctx) })
	jobs.Go(func() { _ = app.Listener(listener) })
	stop := sync.OnceFunc(func() {
		end()
		if err := app.ShutdownWithTimeout(5 * time.Second); err != nil {
			t.Errorf("an open stream keeps the server from stopping: %v", err)
		}
		jobs.Wait()
	})
	t.Cleanup(stop)
	req, err := http.NewRequest(http.MethodGet, "http://"+listener.Addr().String()+"/v1/desk/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Transport: &http.Transport{}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	began, beats := time.Now(), 0
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), ":") {
			beats++
		}
		if time.Since(began) > 3*limit {
			stop()
		}
	}
	if took := time.Since(began); took < 3*limit || beats < 8 {
		t.Errorf("the stream ended after %v and %d heartbeats", took, beats)
	}
	head, err := client.Head(req.URL.String())
	if err == nil {
		_ = head.Body.Close()
		t.Error("the server is still there")
	}
}
