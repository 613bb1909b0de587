// Benchmarks of churn in the page: what a short connection costs the WASM module, and how
// far the page lags behind thousands of connections per second.

package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"framescope/server/site"
)

// BenchmarkChurn reports what a short connection costs the WASM module, in the browser,
// while others stay open: frontend/bench/churn.ts, as built.
func BenchmarkChurn(b *testing.B) {
	const built = "../bin/bench"
	if _, err := os.Stat(built + "/churn.js"); err != nil {
		b.Fatalf("%v: `make bench` builds it", err)
	}
	s := httptest.NewServer(site.Live(os.DirFS(built)))
	defer s.Close()
	t := openTab(b, s.URL+"/")
	t.do(chromedp.Navigate(t.base))
	t.wait(`typeof runChurnBench === "function"`)
	for _, idle := range []int{0, 8192} {
		b.Run(fmt.Sprintf("idle=%d", idle), func(b *testing.B) {
			type outcome struct{ Each, Longest, Memory float64 }
			r := eval[outcome](t, fmt.Sprintf(`runChurnBench(%d).then(({ each, longest, memory }) => ({ Each: each, Longest: longest, Memory: memory }))`, idle))
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(r.Each, "µs/connection")
			b.ReportMetric(r.Longest, "ms-longest-batch")
			b.ReportMetric(r.Memory, "MiB")
		})
	}
}

// BenchmarkFollowChurn reports how far the page lags behind 4,000 connections per second,
// which this process makes for ten seconds: the time from the end of a connection until
// the page shows a count that includes its frames.
func BenchmarkFollowChurn(b *testing.B) {
	base, stop := runServer(b, nil)
	defer stop()
	t := openTab(b, base)
	t.open()
	// The browser would copy every batch of the feed to this process.
	call(t, network.Disable, cdp.Empty{})
	eval[chromedp.Void](t, `void (() => {
		const samples = window.samples = [], count = test("frame-count");
		const look = () => {
			samples.push([performance.timeOrigin + performance.now(), Number(count.dataset.value)]);
			requestAnimationFrame(look);
		};
		look();
	})()`)

	const rate, connections = 4000, 40_000
	v := newVisitors(base)
	ended := make(chan struct{})
	begun := time.Now()
	go func() {
		defer close(ended)
		v.visitAll(b, connections, rate)
	}()
	var sent []sample
	for tick, running := time.NewTicker(5*time.Millisecond), true; running; {
		select {
		case <-tick.C:
		case <-ended:
			tick.Stop()
			running = false
		}
		frames := visitFrames * v.done.Load()
		sent = append(sent, sample{float64(time.Now().UnixMicro()) / 1000, float64(frames)})
	}
	took := time.Since(begun)
	t.wait(fmt.Sprintf(`Number(test("frame-count").dataset.value) === %d && Number(test("open-count").dataset.value) === 0`, visitFrames*connections))
	t.wait(fmt.Sprintf(`Number(test("conn-count").dataset.value) === %d`, connections))

	shown := eval[[]sample](t, `window.samples`)
	lags := lagsOf(sent, shown)
	var gaps []float64
	for i := range shown[1:] {
		gaps = append(gaps, shown[i+1][0]-shown[i][0])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(connections/took.Seconds(), "connections/s")
	b.ReportMetric(median(lags), "ms-lag")
	b.ReportMetric(slices.Max(lags), "ms-lag-at-worst")
	b.ReportMetric(slices.Max(gaps), "ms-longest-frame")
}

// sample is a time in milliseconds and the number of frames at that time.
type sample [2]float64

// lagsOf returns, for each sample of the frames that were sent, how much later the page
// showed that number.
func lagsOf(sent, shown []sample) (lags []float64) {
	for _, s := range sent {
		at, _ := slices.BinarySearchFunc(shown, s[1], func(shown sample, frames float64) int {
			if shown[1] < frames {
				return -1
			}
			return 1
		})
		if s[1] > 0 && at < len(shown) {
			lags = append(lags, shown[at][0]-s[0])
		}
	}
	return lags
}
