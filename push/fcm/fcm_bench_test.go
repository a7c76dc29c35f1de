package fcm_test

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/balagh/balagh/demo/standin"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/fcm"
)

// cpu is the processor time of this process so far: with others on the machine it says more than the clock on the wall.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkClient_Send sends over a real socket to a stand-in in another process. cpu-µs/op is the adapter's own, SDK and HTTP
// included.
func BenchmarkClient_Send(b *testing.B) {
	for _, c := range []struct {
		workers int
		latency string
	}{{16, "0s"}, {500, "60ms"}} {
		b.Run(fmt.Sprintf("workers=%d/latency=%s", c.workers, c.latency), func(b *testing.B) {
			f := startFCM(b)
			f.fail(b, standin.Fault{Latency: c.latency})
			client, err := fcm.New(b.Context(), fcm.Config{ProjectID: "demo", Endpoint: f.url + "/v1", Workers: c.workers})
			if err != nil {
				b.Fatal(err)
			}
			b.SetParallelism(c.workers / 2)
			b.ReportAllocs()
			var seq atomic.Int64
			n := notice("")
			b.ResetTimer()
			before := cpu(b)
			b.RunParallel(func(pb *testing.PB) {
				n := n
				for pb.Next() {
					n.To = fmt.Sprintf("phone-%d", seq.Add(1)%1000)
					if o := client.Send(b.Context(), n); o.Answer != push.Taken {
						b.Errorf("%+v", o)
					}
				}
			})
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sends/s")
		})
	}
}
