// Benchmarks of the page in a real browser: frames decoded in WASM, the time to the first
// row, and a list of a million frames that keeps growing.

package main

import (
	"context"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"framescope/server/site"
)

// BenchmarkFirstRow reports the time from navigation to the first decoded row, each time
// with an empty cache.
func BenchmarkFirstRow(b *testing.B) {
	base, stop := runServer(b, nil)
	defer stop()
	nc := rawSocket(b, base, "/ws/echo")
	if err := exchange(nc, maskedFrame(125), 10); err != nil {
		b.Fatal(err)
	}
	var times []float64
	for len(times) < 9 {
		t := openTab(b, base)
		call(t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
			new MutationObserver(() => {
				window.firstRow ??= document.querySelector('[data-testid="frame-row"]') ? performance.now() : undefined;
			}).observe(document, { subtree: true, childList: true, attributeFilter: ["data-testid"] });`})
		t.open()
		t.wait(`window.firstRow !== undefined`)
		times = append(times, eval[float64](t, `window.firstRow`))
		if err := chromedp.Cancel(t.ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(times), "ms-to-first-row")
	b.ReportMetric(slices.Max(times), "ms-at-worst")
	nc.Close()
}

// exchange sends a frame n times to /ws/echo, many at once, and reads the answers.
func exchange(nc net.Conn, frame []byte, n int) error {
	if err := nc.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	const most = 64
	burst, back := slices.Repeat(frame, most), make([]byte, most*(len(frame)-4))
	for ; n > 0; n -= most {
		k := min(n, most)
		if _, err := nc.Write(burst[:k*len(frame)]); err != nil {
			return err
		}
		if _, err := io.ReadFull(nc, back[:k*(len(frame)-4)]); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkIngest reports how many frames per second the WASM module decodes in the browser, and
// the same of a decoder written by hand in JavaScript that runs in turn with it in the same page.
// ratio is the module's rate divided by the other. alike are texts of 125 bytes, half of them
// masked; mixed are frames of all kinds. It runs frontend/bench/ingest.ts as built.
func BenchmarkIngest(b *testing.B) {
	const built = "../bin/bench"
	if _, err := os.Stat(built + "/ingest.js"); err != nil {
		b.Fatalf("%v: `make bench` builds it", err)
	}
	s := httptest.NewServer(site.Live(os.DirFS(built)))
	defer s.Close()
	t := openTab(b, s.URL+"/")
	t.do(chromedp.Navigate(t.base))
	t.wait(`typeof runIngestBench === "function"`)
	for _, kind := range []string{"alike", "mixed"} {
		b.Run(kind, func(b *testing.B) {
			var ours, byHand, ratios []float64
			for range 5 {
				r := eval[map[string]float64](t, `runIngestBench("`+kind+`")`)
				if r["module"] == 0 || r["byHand"] == 0 {
					b.Fatalf("%v has no rates: build the page's benchmarks with make page-tests", r)
				}
				ours, byHand = append(ours, r["module"]), append(byHand, r["byHand"])
				ratios = append(ratios, r["module"]/r["byHand"])
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(ours)/1e6, "Mframes/s")
			b.ReportMetric(median(byHand)/1e6, "Mframes/s-by-hand")
			b.ReportMetric(median(ratios), "ratio")
		})
	}
}

const listFrames = 1_000_000 // frames in the list at first

// BenchmarkList reports the animation frames per second and the longest of them while the
// page has a million rows and 20,000 more arrive each second: while it shows the newest
// rows, and while it scrolls through old ones.
func BenchmarkList(b *testing.B) {
	base, stop := runServer(b, func(c *config) { c.history = 1024 })
	defer stop()
	nc := rawSocket(b, base, "/ws/echo")
	frame := maskedFrame(32)
	if err := exchange(nc, frame, listFrames/2); err != nil {
		b.Fatal(err)
	}
	t := openTab(b, base)
	t.open()
	t.wait(`Number(test("frame-count").dataset.value) >= 1000000`)
	// The browser would copy every batch of the feed to this process.
	call(t, network.Disable, cdp.Empty{})

	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := exchange(nc, frame, 100); err != nil { // 200 frames, there and back
					b.Error(err)
					return
				}
			}
		}
	}()
	b.Run("following", func(b *testing.B) { t.measure(b, func() {}) })
	b.Run("scrolling", func(b *testing.B) {
		box := eval[map[string]float64](t, `(({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 }))(test("frame-list").getBoundingClientRect())`)
		top := func() int { return eval[int](t, `Math.min(...tests("frame-row").map((e) => Number(e.dataset.seq)))`) }
		before := top()
		t.measure(b, func() {
			call(t, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: "mouseWheel", X: box["x"], Y: box["y"], DeltaX: 0.001 /* 0 would be left out */, DeltaY: -480})
		})
		if after := top(); after >= before {
			b.Errorf("the list did not scroll: frame %d at its top, then %d", before, after)
		}
	})
	cancel()
	<-stopped
	if n := eval[int](t, `Number(test("frame-count").dataset.value)`); n < listFrames+100_000 {
		b.Errorf("only %d frames arrived", n)
	}
	nc.Close()
}

// measure counts animation frames for eight seconds, during which it calls act again and
// again.
func (b *tab) measure(bench *testing.B, act func()) {
	bench.Helper()
	eval[chromedp.Void](b, `void (() => {
		const gaps = window.gaps = [];
		let last = performance.now(), until = last + 8000;
		const frame = (now) => { gaps.push(now - last); last = now; if (now < until) requestAnimationFrame(frame); else window.gapsDone = true; };
		window.gapsDone = false;
		requestAnimationFrame(frame);
	})()`)
	for begun := time.Now(); time.Since(begun) < 8*time.Second; {
		act()
		time.Sleep(30 * time.Millisecond)
	}
	b.wait(`window.gapsDone`)
	gaps := eval[[]float64](b, `window.gaps.slice(2)`)
	var sum float64
	for _, gap := range gaps {
		sum += gap
	}
	bench.ReportMetric(0, "ns/op")
	bench.ReportMetric(1000*float64(len(gaps))/sum, "frames/s")
	bench.ReportMetric(slices.Max(gaps), "ms-longest-frame")
}
