package email_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/email"
)

func TestClient_Send_keepsConnections(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	c := client(t, s.config())
	for range 3 {
		if o := c.Send(t.Context(), notice("noura@example.sa")); o.Answer != push.Taken {
			t.Fatalf("outcome %+v", o)
		}
	}
	first := s.next(t, "mail")
	if n := s.next(t, "noop"); n.Peer != first.Peer {
		t.Errorf("another connection")
	}
	if m := s.next(t, "mail"); m.Peer != first.Peer {
		t.Errorf("another connection")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	s.next(t, "quit")
	if o := c.Send(t.Context(), notice("noura@example.sa")); o.Answer != push.Taken { // and keeps nothing any more
		t.Errorf("after Close: %+v", o)
	}
	s.next(t, "quit")
}

func TestClient_Send_idle(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	c := client(t, s.config())
	email.KeepFor(c, time.Millisecond)
	if o := c.Send(t.Context(), notice("noura@example.sa")); o.Answer != push.Taken {
		t.Fatalf("outcome %+v", o)
	}
	s.next(t, "quit")
}

// A connection is renewed before a server ends it.
func TestClient_Send_renews(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	c := client(t, s.config())
	for range 51 {
		if o := c.Send(t.Context(), notice("noura@example.sa")); o.Answer != push.Taken {
			t.Fatalf("outcome %+v", o)
		}
	}
	s.next(t, "quit")
	_ = c.Close()
	peers := map[int]bool{}
	for _, e := range s.rest() {
		peers[e.Peer] = true
	}
	if len(peers) > 1 {
		t.Errorf("%d connections after the first was given up", len(peers))
	}
}

// A server that nothing is sent to keeps no connection either.
func TestClient_Send_leavesNothingOpen(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			ended <- err
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(conn, "220 here\r\n250 no extensions\r\n")
		_, err = io.Copy(io.Discard, conn) // until the other side closes
		ended <- err
	}()
	c := email.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, From: "reports@balagh.example"}
	if o := client(t, c).Send(t.Context(), notice("noura@example.sa")); o != (push.Outcome{Reason: "tls_missing"}) {
		t.Errorf("outcome %+v", o)
	}
	if err := <-ended; err != nil {
		t.Errorf("the connection was left open: %v", err)
	}
}

// A kept connection that died costs no attempt.
func TestClient_Send_restart(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	c := client(t, s.config())
	if o := c.Send(t.Context(), notice("noura@example.sa")); o.Answer != push.Taken {
		t.Fatalf("outcome %+v", o)
	}
	s.kill()
	s = serve(t, options{"port": s.port, "cert": s.ca, "key": strings.Replace(s.ca, "cert.pem", "key.pem", 1)})
	if o := c.Send(t.Context(), notice("noura@example.sa")); o.Answer != push.Taken {
		t.Errorf("after a restart: %+v", o)
	}
	if all := s.rest(); count(all, "mail") != 1 {
		t.Errorf("the server saw %+v", all)
	}
}

func TestClient_Send_many(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	c := client(t, s.config())
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for range 15 {
				if o := c.Send(t.Context(), notice("noura@example.sa")); o.Answer != push.Taken {
					t.Errorf("outcome %+v", o)
				}
			}
		})
	}
	senders.Wait()
	_ = c.Close()
	if all := s.rest(); count(all, "mail") != 120 {
		t.Errorf("%d mails", count(all, "mail"))
	}
}
