// End-to-end tests of WebSockets over HTTP/2: the page in Chromium, and Node.js.

package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	sockets "framescope/server/websocket"
)

// TestPageOverHTTP2: a page with TLS opens its WebSockets, the feed among them, on its own HTTP/2
// connection, and shows that several are on one.
func TestPageOverHTTP2(t *testing.T) {
	b := openTab(t, startServer(t, overTLS))
	b.open()
	b.wait(`performance.getEntriesByType("navigation")[0].nextHopProtocol === "h2"`)
	eval[chromedp.Void](b, `(() => {
		window.sockets = Array.from({ length: 3 }, (_, i) => new WebSocket("wss://" + location.host + "/ws/echo?i=" + i));
		window.echoed = [];
		for (const s of sockets) {
			s.onopen = () => s.send("Hello over HTTP/2");
			s.onmessage = (e) => echoed.push(e.data);
		}
	})()`)
	b.wait(`echoed.length === 3 && echoed.every((e) => e === "Hello over HTTP/2")`)
	b.wait(`tests("conn-row").length === 3`)
	// All three lines name the same address, and each a stream of its own.
	b.wait(`tests("conn-row").every((e) => /HTTP\/2 stream \d+ of 127\.0\.0\.1:\d+/.test(e.textContent))`)
	addresses := eval[[]string](b, `[...new Set(tests("conn-row").map((e) => /stream \d+ of (127\.0\.0\.1:\d+)/.exec(e.textContent)[1]))]`)
	streams := eval[[]string](b, `[...new Set(tests("conn-row").map((e) => /stream (\d+) of/.exec(e.textContent)[1]))]`)
	if len(addresses) != 1 || len(streams) != 3 {
		t.Errorf("addresses %q, streams %q", addresses, streams)
	}

	b.choose(byTestID("frame-row") + `[data-dir=in]`)
	b.wait(`test("handshake-view") !== null`)
	handshake := eval[string](b, `test("handshake-view").textContent`)
	for _, want := range []string{
		"CONNECT /ws/echo?i=", ":protocol: websocket", ":scheme: https", ":authority: 127.0.0.1:", "sec-websocket-version: 13",
		"origin: https://127.0.0.1:", ":status: 200", "HTTP/2 stream", "checks of the handshake passed",
	} {
		if !strings.Contains(handshake, want) {
			t.Errorf("the handshake lacks %q: %s", want, handshake)
		}
	}
	b.screenshot("http2")
	eval[chromedp.Void](b, `sockets.forEach((s) => s.close(1000))`)
	b.wait(`tests("conn-row").every((e) => e.dataset.state === "closed" && e.textContent.includes("closed by the client with code 1000"))`)
	b.wait(fmt.Sprintf(`test("status").dataset.state === %q`, "live"))
}

// TestNodeOverHTTP2: the HTTP/2 client of Node.js, which knows no WebSockets, has several on one
// connection.
func TestNodeOverHTTP2(t *testing.T) {
	base := startServer(t, overTLS)
	out, err := exec.Command("node", "testdata/http2.mjs", base).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "streams 1 3 5: 200, Hello, closed with 1000" {
		t.Errorf("%v: %s", err, out)
	}
}

// TestShutdownOverHTTP2: every stream is sent 1001, and the server ends though a peer does not
// answer.
func TestShutdownOverHTTP2(t *testing.T) {
	base, stop := runServer(t, overTLS)
	defer stop()
	host := strings.TrimSuffix(strings.TrimPrefix(base, "https://"), "/")
	mute(t, host, 50)
	var all sync.WaitGroup
	o := &sockets.DialOptions{HTTP2: new(sockets.HTTP2), TLS: &tls.Config{InsecureSkipVerify: true}}
	for range 300 { // more than one connection has
		c, _, err := sockets.Dial(t.Context(), "wss://"+host+"/ws/echo", o)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer c.CloseNow()
			if _, _, err := c.ReadMessage(); sockets.CloseStatus(err) != sockets.CloseGoingAway {
				t.Errorf("a client sees %v", err)
			}
		})
	}
	began := time.Now()
	stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the shutdown took %v", took)
	}
	all.Wait()
}

// mute opens WebSockets on one connection and then neither reads nor answers.
func mute(t *testing.T, host string, streams uint32) {
	t.Helper()
	nc, err := tls.Dial("tcp", host, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":path", "/ws/echo"}, {":authority", host}, {"sec-websocket-version", "13"},
	} {
		_ = e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1], Sensitive: true}) // in no table
	}
	_, _ = io.WriteString(nc, http2.ClientPreface)
	f := http2.NewFramer(nc, nc)
	_ = f.WriteSettings()
	for i := range streams {
		if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
			t.Fatal(err)
		}
	}
	for answers := uint32(0); answers < streams; {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if frame.Header().Type == http2.FrameHeaders {
			answers++
		}
	}
}

// TestHeldRequestsOverHTTP2: hundreds of requests with long fields, whose responses are not read,
// count. Beyond the limit their connection is closed, and others are served.
func TestHeldRequestsOverHTTP2(t *testing.T) {
	base := startServer(t, func(c *config) { overTLS(c); c.maxMemory = 16 << 20 })
	host := strings.TrimSuffix(strings.TrimPrefix(base, "https://"), "/")
	nc, err := tls.Dial("tcp", host, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, http2.ClientPreface)
	f := http2.NewFramer(nc, nc)
	_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}) // no response is read
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", host}, {"x", strings.Repeat("x", 20<<10)}} {
		_ = e.WriteField(hpack.HeaderField{Name: field[0], Value: field[1], Sensitive: true})
	}
	go func() {
		for i := range uint32(250) {
			p := http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: block.Bytes()[:16<<10], EndStream: true}
			if f.WriteHeaders(p) != nil || f.WriteContinuation(p.StreamID, true, block.Bytes()[16<<10:]) != nil {
				return
			}
		}
	}()
	_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.Copy(io.Discard, nc); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is still open")
	}
	if response, body := get(t, trusting(t), "GET", base+"healthz", nil); response.StatusCode != 200 {
		t.Errorf("%d %q", response.StatusCode, body)
	}
}
