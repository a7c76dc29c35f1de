package email_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/email"
)

// seen is what the server tells.
type seen struct {
	Event   string
	Peer    int // port of the connection
	TLS     bool
	Text    string
	Port    int
	Sender  string
	To      []string
	Options []string
	Content []byte
}

// server is aiosmtpd in a process of its own.
type server struct {
	port   int
	events <-chan seen
	kill   func()
	ca     string // file
}

type options map[string]any

// python is Debian's own, for which the package is.
func python() string {
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		return "/usr/bin/python3"
	}
	return "python3"
}

// TestMain sees to the server. CI must have it; elsewhere the tests that need none are run.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := exec.Command(python(), "-c", "import aiosmtpd").Run(); err != nil {
		fmt.Fprintln(os.Stderr, "e-mail is tested against a real SMTP server, which is not here: apt-get install python3-aiosmtpd")
		if os.Getenv("CI") != "" {
			os.Exit(1)
		}
		_ = flag.Set("test.run", "^(TestNew|Fuzz)")
	}
	os.Exit(m.Run())
}

func serve(t *testing.T, o options) *server {
	t.Helper()
	if o["cert"] == nil {
		o["cert"], o["key"] = certificate(t, "127.0.0.1")
	}
	if o["mode"] == nil {
		o["mode"] = "starttls"
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python(), "testdata/server.py", string(b))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	events := make(chan seen, 1000)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(events)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e seen
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				events <- e
			}
		}
	}()
	s := &server{events: events, ca: o["cert"].(string), kill: func() { _ = cmd.Process.Kill(); <-read; _ = cmd.Wait() }}
	t.Cleanup(s.kill)
	first, ok := <-events
	if !ok {
		s.kill()
		t.Fatalf("the SMTP server did not start: %s", stderr.String())
	}
	s.port = first.Port
	return s
}

// next is the next event of that name; those before it are passed over.
func (s *server) next(t *testing.T, event string) seen {
	t.Helper()
	for {
		select {
		case e, ok := <-s.events:
			if !ok {
				t.Fatalf("the server ended before %q", event)
			}
			if e.Event == event {
				return e
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("no %q from the server", event)
		}
	}
}

// rest are the events until the server is ended.
func (s *server) rest() (all []seen) {
	s.kill()
	for e := range s.events {
		all = append(all, e)
	}
	return all
}

func count(all []seen, event string) (n int) {
	for _, e := range all {
		if e.Event == event {
			n++
		}
	}
	return n
}

func (s *server) config() email.Config {
	return email.Config{Host: "127.0.0.1", Port: s.port, From: "بلاغ <reports@balagh.example>", CAFile: s.ca, Timeout: 20 * time.Second}
}

func client(t *testing.T, c email.Config) *email.Client {
	t.Helper()
	client, err := email.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// certificate makes one that is its own authority; it returns the files of it and of its key.
func certificate(t *testing.T, ip string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.ParseIP(ip)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret)
}

const delivery = "0193fa66-0000-8000-8000-0000000000aa"

func notice(to string) push.Notice {
	return push.Notice{ID: "0193fa66-0000-8000-8000-000000000000", Delivery: delivery, Kind: push.Resolved, Number: "1234567890", To: to,
		Name: "نورة القحطاني", Language: "ar", Text: push.Text{Title: "تمت معالجة بلاغك", Body: "انتهت معالجة البلاغ \u20681234567890\u2069. نأمل تقييم الخدمة."}, TTL: 24 * time.Hour}
}
