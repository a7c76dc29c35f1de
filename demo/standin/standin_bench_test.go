package standin

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/valyala/fasthttp"
)

const asServer = "BALAGH_TEST_STANDIN_JOURNAL"

// TestMain makes the test binary a stand-in when it is asked to be, so that its processor time can be told apart.
func TestMain(m *testing.M) {
	if journal := os.Getenv(asServer); journal != "" {
		if err := Run(context.Background(), "127.0.0.1:0", Options{Out: os.Stdout, Journal: journal}); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// BenchmarkServer is the load of many keep-alive connections. server-cpu-µs/op is the stand-in's own.
func BenchmarkServer(b *testing.B) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asServer+"="+filepath.Join(b.TempDir(), "journal"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	url := strings.TrimSpace(strings.TrimPrefix(line, "listening on ")) + sendPath
	var seq atomic.Int64
	client := &fasthttp.Client{MaxConnsPerHost: 64}
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		for pb.Next() {
			n := seq.Add(1)
			req.SetRequestURI(url)
			req.Header.SetMethod("POST")
			req.SetBodyString(fmt.Sprintf(`{"message":{"data":{"kind":"resolved","notification_id":"0193fa66-0000-8000-8000-%012d",`+
				`"report_id":"0193fa66-0000-7000-8000-000000000001","report_number":"1234567890"},"notification":{"title":"تمت معالجة بلاغك",`+
				`"body":"عولج البلاغ رقم 1234567890. نسعد برأيك فيه."},"android":{"priority":"high","notification":{"tag":"0193fa66-%d"},`+
				`"ttl":"86400s"},"token":"phone-%d"}}`, n, n, n%1_000_000))
			if err := client.Do(req, resp); err != nil || resp.StatusCode() != 200 {
				b.Errorf("%v %s", err, resp.Body())
			}
		}
	})
	b.StopTimer()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	b.ReportMetric(float64(used.Microseconds())/float64(b.N), "server-cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
