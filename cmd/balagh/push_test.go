package main

import (
	"bufio"
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tryOut runs `balagh push test` and gives what it printed, what it logged and how it ended.
func tryOut(t *testing.T, args ...string) (out, log string, err error) {
	t.Helper()
	var o, l bytes.Buffer
	store := "--store=sqlite:" + filepath.Join(t.TempDir(), "balagh.db")
	err = run(t.Context(), append([]string{"push", "test", store, "--wait=20s"}, args...), stdio{&o, &l})
	return o.String(), l.String(), err
}

// wantTried holds what came of an attempt to what is wanted: lines in the order of the output, and a sentence when it was not accepted.
func wantTried(t *testing.T, out, log string, err error, lines []string, sentence string) {
	t.Helper()
	rest := out
	for _, want := range lines {
		i := strings.Index(rest, want)
		if i < 0 {
			t.Fatalf("%q is missing in\n%s(%v)", want, out, err)
		}
		rest = rest[i+len(want):]
	}
	switch {
	case sentence == "" && err != nil, sentence != "" && (err == nil || !strings.Contains(err.Error(), sentence)):
		t.Errorf("want %q, got %v\n%s", sentence, err, out)
	}
	if log != "" {
		t.Errorf("it logged %s", log)
	}
}

const notAccepted = "the message was not accepted"

func TestPushTest_FCM(t *testing.T) {
	t.Parallel()
	fcm, journal := standinProcess(t)
	for to, want := range map[string]struct {
		lines    []string
		sentence string
	}{
		"phone-1":   {[]string{"channel   push\n", "language  ur\n", "answer    accepted after", "name      projects/demo/messages/"}, ""},
		"dead-1":    {[]string{"channel   push\n", "answer    gone: the token would be dropped", "reason    unregistered\n"}, notAccepted},
		"bad-1":     {[]string{"channel   push\n", "answer    refused: it would be set aside", "reason    invalid_argument\n"}, notAccepted},
		"foreign-1": {[]string{"channel   push\n", "answer    the token belongs to another sender", "reason    sender_id_mismatch\n"}, notAccepted},
	} {
		out, log, err := tryOut(t, "--dev", "--fcm-project=demo", "--fcm-endpoint="+fcm+"/v1", "--language=ur", "--to="+to)
		wantTried(t, out, log, err, want.lines, want.sentence)
		if strings.Contains(out+fmt.Sprint(err), to) {
			t.Errorf("the token is shown: %s%v", out, err)
		}
	}
	sent, err := os.ReadFile(journal)
	if err != nil || bytes.Count(sent, []byte("\n")) != 1 || !bytes.Contains(sent, []byte(testNumber)) || !bytes.Contains(sent, []byte("phone-1")) {
		t.Errorf("what FCM took: %s %v", sent, err)
	}
}

// TestPushTest_Exit: whoever calls it in a script sees by the exit status what came of it.
func TestPushTest_Exit(t *testing.T) {
	t.Parallel()
	fcm, _ := standinProcess(t)
	for to, status := range map[string]int{"phone-1": 0, "dead-1": 1} {
		cmd := program(t, "push", "test", "--dev", "--fcm-project=demo", "--fcm-endpoint="+fcm+"/v1", "--to="+to)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		var ended *exec.ExitError
		if errors.As(err, &ended); cmd.ProcessState.ExitCode() != status {
			t.Errorf("%s: %v, want %d\n%s", to, err, status, out)
		}
		if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) != 0 {
			t.Errorf("it wrote %v %v", left, err)
		}
	}
}

func TestPushTest_SMS(t *testing.T) {
	t.Parallel()
	const number = "+966512345678"
	var got struct{ To, Text string }
	status := http.StatusOK
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(b, &got) != nil || r.Header.Get("Authorization") != "Bearer a key" {
			t.Errorf("the gateway was asked %s %v", b, err)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"id":"m-77"}`)
	}))
	defer gateway.Close()
	args := []string{"--dev", "--sms-profile=generic", "--sms-url=" + gateway.URL, "--sms-key=a key", "--to=" + number}

	out, log, err := tryOut(t, args...)
	wantTried(t, out, log, err, []string{"channel   sms\n", "language  ar\n", "segments  ", ", ucs2\n", "answer    accepted after", "name      m-77\n"}, "")
	if strings.TrimPrefix(got.To, "+") != number[1:] || !strings.Contains(got.Text, testNumber) {
		t.Errorf("the gateway got %+v", got)
	}
	out, log, err = tryOut(t, append(args, "--to=+٩٦٦ ٥١ ٢٣٤ ٥٦٧٨")...)
	if wantTried(t, out, log, err, []string{"answer    accepted after"}, ""); strings.TrimPrefix(got.To, "+") != "966512345678" {
		t.Errorf("a number as people type it went as %q", got.To)
	}
	status = http.StatusServiceUnavailable
	out, log, err = tryOut(t, args...)
	wantTried(t, out, log, err, []string{"answer    not now: it would be tried again", "reason    unavailable\n"}, notAccepted)
	status = http.StatusUnauthorized
	out, log, err = tryOut(t, args...)
	wantTried(t, out, log, err, []string{"answer    not now", "reason    unauthorized\n"}, notAccepted)

	out, log, err = tryOut(t, "--dev", "--wait=300ms", "--smpp-address="+freePort(t), "--smpp-system-id=b", "--smpp-password=p", "--sms-sender=Balagh", "--to="+number)
	if err == nil || err.Error() != notAccepted || !strings.Contains(out, "answer    not now") || strings.Contains(out+log, number[1:]) {
		t.Errorf("an SMS centre that is not there: %v\n%s%s", err, out, log)
	}
}

func TestPushTest_Email(t *testing.T) {
	t.Parallel()
	address, mails := mailServer(t)
	_, port, _ := strings.Cut(address, ":")
	args := []string{"--dev", "--smtp-host=127.0.0.1", "--smtp-port=" + port, "--smtp-tls=none", "--smtp-from=Balagh <reports@balagh.example>", "--language=en"}
	out, log, err := tryOut(t, append(args, "--to=noura@example.sa")...)
	wantTried(t, out, log, err, []string{"channel   email\n", "language  en\n", "answer    accepted after"}, "")
	if mail := <-mails; !strings.Contains(mail, testNumber) || !strings.Contains(mail, "To: <noura@example.sa>") {
		t.Errorf("the mail server got %s", mail)
	}
	out, log, err = tryOut(t, append(args, "--to=nobody@example.sa")...)
	wantTried(t, out, log, err, []string{"channel   email\n", "answer    refused", "reason    "}, notAccepted)
}

// mailServer says what an SMTP server says, knows nobody@, and gives the mails that it took.
func mailServer(t *testing.T) (address string, mails <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	took := make(chan string, 10)
	talk := func(c net.Conn) {
		defer c.Close()
		say := func(line string) { _, _ = io.WriteString(c, line+"\r\n") }
		say("220 mail.test")
		lines := bufio.NewScanner(c)
		var mail strings.Builder
		for inside := false; lines.Scan(); {
			switch line := lines.Text(); {
			case inside && line == ".":
				inside = false
				took <- mail.String()
				say("250 2.0.0 taken")
			case inside:
				mail.WriteString(line + "\n")
			case line == "DATA":
				inside = true
				say("354 go on")
			case strings.HasPrefix(line, "RCPT TO:<nobody@"):
				say("550 5.1.1 no such user")
			case line == "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go talk(c)
		}
	}()
	return l.Addr().String(), took
}

func TestPushTest_Web(t *testing.T) {
	t.Parallel()
	status := http.StatusCreated
	browser := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }))
	defer browser.Close()
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	to := fmt.Sprintf(`{"endpoint":"%s/push/1","expirationTime":null,"keys":{"p256dh":"%s","auth":"%s"}}`, browser.URL, b64(private.PublicKey().Bytes()), b64(make([]byte, 16)))
	args := []string{"--dev", "--web-push-subject=mailto:push@example.sa", "--secret=" + strings.Repeat("s", secretLength), "--to=" + to}
	out, log, err := tryOut(t, args...)
	wantTried(t, out, log, err, []string{"channel   web\n", "answer    accepted after"}, "")
	status = http.StatusGone
	out, log, err = tryOut(t, args...)
	wantTried(t, out, log, err, []string{"answer    gone", "reason    "}, notAccepted)
}

func TestPushTest_Refuses(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		sentence string
		args     []string
	}{
		{"the channel push is not configured: balagh config shows its settings, BALAGH_FCM_…", []string{"--to=a-token"}},
		{"the channel web is not configured: balagh config shows its settings, BALAGH_WEB_PUSH_…", []string{`--to={"endpoint":"https://fcm.googleapis.com/x"}`}},
		{"the channel email is not configured: balagh config shows its settings, BALAGH_SMTP_…", []string{"--to=noura@example.sa"}},
		{"BALAGH_SMS_PROFILE", []string{"--to=+966512345678"}},
		{"write the number with its country", []string{"--to=0512345678"}},
		{"write a number with its country", []string{"--to=٠٥١٢٣٤٥٦٧٨"}},
		{"that is no token", []string{"--to= "}},
		{"not the JSON of a browser's subscription", []string{`--to={"endpoint"`}},
		{"not the JSON of a browser's subscription", []string{`--to={"keys":{}}`}},
		{"--to", nil},
		{"--language", []string{"--to=x", "--language=fr"}},
		{"BALAGH_FCM_ENDPOINT", []string{"--to=x", "--fcm-project=demo", "--fcm-endpoint=http://127.0.0.1:1/v1"}},
		{"BALAGH_SMTP_FROM", []string{"--to=noura@example.sa", "--smtp-host=127.0.0.1"}},
	} {
		out, log, err := tryOut(t, x.args...)
		wantTried(t, out, log, err, nil, x.sentence)
		if out != "" || strings.Contains(fmt.Sprint(err), "noura") || strings.Contains(fmt.Sprint(err), "512345678\"") {
			t.Errorf("%v: %s%v", x.args, out, err)
		}
	}
}
