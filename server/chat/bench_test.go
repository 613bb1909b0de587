//go:build unix

// Benchmarks of large rooms: seconds, and the server's CPU time.

package chat_test

import (
	"syscall"
	"testing"
	"time"

	"framescope/server/websocket"
)

// cpu returns the CPU time that this process has used.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkRoom fills a room, says lines in it, and reports seconds and the server's CPU
// time. The members are in a process of their own, which shares the processors.
func BenchmarkRoom(b *testing.B) {
	for _, test := range []struct {
		name                string
		members, nameLength int
	}{{"1000", 1000, 12}, {"10000", 10000, 12}, {"10000-long-names", 10000, 64}} {
		b.Run(test.name, func(b *testing.B) {
			members := test.members
			for range b.N {
				d := startCrowd(b, serveChat(b, websocket.Options{}, silent, defaultBuffers), test.nameLength)
				before := cpu(b)
				joined := d.do("join %d", members)[0]
				b.ReportMetric(joined, "s/join")
				b.ReportMetric((cpu(b) - before).Seconds(), "cpu-s/join")
				before = cpu(b)
				delivered := d.do("say 50 100")
				b.ReportMetric(1000*delivered[len(delivered)/2], "ms/line")
				b.ReportMetric(1000*delivered[len(delivered)-1], "ms/slowest-line")
				b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(50*members), "cpu-µs/delivery")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkStalled reports how long a line takes to reach all others in a room of 1,000
// members, before and while 50 of them stall.
func BenchmarkStalled(b *testing.B) {
	for range b.N {
		d := startCrowd(b, serveChat(b, websocket.Options{}, silent, defaultBuffers), 0)
		d.do("join 950")
		calm := d.do("say 100 4000")
		d.do("stall 50")
		// The sockets buffer up to about 4 MB for each of them; then 1 MiB is queued.
		stalled := d.do("say 1500 4000")
		d.do("forget")
		b.ReportMetric(1000*calm[len(calm)/2], "ms/line-before")
		b.ReportMetric(1000*calm[99*len(calm)/100], "ms/p99-before")
		b.ReportMetric(1000*stalled[len(stalled)/2], "ms/line")
		b.ReportMetric(1000*stalled[99*len(stalled)/100], "ms/p99")
		b.ReportMetric(0, "ns/op")
	}
}
