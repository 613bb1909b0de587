// End-to-end tests of the page: a real server, a real browser, and the values of
// RFC 6455 section 5.7.

package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/gorilla/websocket"

	"framescope/protocol"
)

// row is the data attributes of a row of the frame list.
type row struct {
	Seq, Conn, Dir, Opcode, Fin, RSV, Masked, Length, Rule string
}

// rows returns the visible rows of the frame list.
func (b *tab) rows() []row {
	b.t.Helper()
	return eval[[]row](b, `tests("frame-row").map((e) => ({
		Seq: e.dataset.seq, Conn: e.dataset.conn, Dir: e.dataset.dir, Opcode: e.dataset.opcode, Fin: e.dataset.fin,
		RSV: e.dataset.rsv, Masked: e.dataset.masked, Length: e.dataset.length, Rule: e.dataset.rule }))
		.sort((a, b) => a.Seq - b.Seq)`)
}

// fields returns the values of the bit grid's cells by field.
func (b *tab) fields() map[string]string {
	b.t.Helper()
	return eval[map[string]string](b, `Object.fromEntries([...test("bit-grid").querySelectorAll("[data-field]")]
		.map((e) => [e.dataset.field, e.dataset.value]))`)
}

// bytes returns the bytes that the hex view shows.
func (b *tab) bytes() []byte {
	b.t.Helper()
	digits := eval[string](b, `[...test("hex-view").querySelectorAll("[data-at]")]
		.sort((a, b) => a.dataset.at - b.dataset.at).map((e) => e.textContent.trim()).join("")`)
	all, err := hex.DecodeString(digits)
	if err != nil {
		b.t.Fatalf("the hex view shows %q: %v", digits, err)
	}
	return all
}

// connect connects the playground to /ws/echo, without compression so that the wire
// can be read, and returns the connection's id.
func (b *tab) connect() (conn string) {
	b.t.Helper()
	b.fill("play-url", socketURL(b.base, "/ws/echo?deflate=off"))
	b.click(byTestID("play-connect"))
	b.wait(`tests("conn-row").some((e) => e.dataset.state === "open" && e.dataset.path.startsWith("/ws/echo"))`)
	return eval[string](b, `tests("conn-row").find((e) => e.dataset.state === "open").dataset.conn`)
}

// say sends a text from the playground and waits for its echo's row.
func (b *tab) say(text string) {
	b.t.Helper()
	before := eval[int](b, `tests("frame-row").length`)
	b.fill("play-input", text)
	b.click(byTestID("play-send"))
	b.wait(fmt.Sprintf(`tests("frame-row").length === %d`, before+2))
}

// choose selects the first frame whose row matches a selector, and waits for its details.
func (b *tab) choose(selector string) {
	b.t.Helper()
	b.click(byTestID("frame-row") + selector)
	b.wait(fmt.Sprintf(`test("bit-grid").querySelector("[data-field=opcode]") !== null && test("frame-detail").dataset.seq === document.querySelector(%q).dataset.seq`,
		byTestID("frame-row")+selector))
}

func TestPageShowsHello(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	b.open()
	conn := b.connect()
	b.say("Hello")

	rows := b.rows()
	for i, want := range []row{
		{"1", conn, "in", "text", "1", "0", "1", "5", ""},
		{"2", conn, "out", "text", "1", "0", "0", "5", ""},
	} {
		if len(rows) != 2 || rows[i] != want {
			t.Errorf("row %d of %+v, want %+v", i, rows, want)
		}
	}
	if count := eval[string](b, `test("frame-count").dataset.value`); count != "2" {
		t.Errorf("frame-count %q", count)
	}

	// RFC 6455 5.7: a single-frame unmasked text message.
	b.choose(`[data-dir=out]`)
	want := map[string]string{"fin": "1", "rsv1": "0", "rsv2": "0", "rsv3": "0", "opcode": "1", "mask": "0", "payload-len": "5"}
	if got := b.fields(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the echo's fields %v, want %v", got, want)
	}
	if got := hex.EncodeToString(b.bytes()); got != "810548656c6c6f" {
		t.Errorf("the echo's bytes %s", got)
	}
	b.screenshot("hello-out")

	// RFC 6455 5.7: a single-frame masked text message, but for the key, which is the browser's.
	b.choose(`[data-dir=in]`)
	got, wire := b.fields(), b.bytes()
	if len(wire) != 11 || wire[0] != 0x81 || wire[1] != 0x85 {
		t.Fatalf("the message's bytes % x", wire)
	}
	key := binary.BigEndian.Uint32(wire[2:6])
	want["mask"], want["masking-key"] = "1", got["masking-key"]
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the message's fields %v, want %v", got, want)
	}
	if shown, err := strconv.ParseUint(strings.TrimPrefix(got["masking-key"], "0x"), 16, 32); err != nil || uint32(shown) != key {
		t.Errorf("masking key %q, on the wire %08x", got["masking-key"], key)
	}
	protocol.Mask(key, 0, wire[6:])
	if string(wire[6:]) != "Hello" {
		t.Errorf("the bytes unmasked %q", wire[6:])
	}
	if text := eval[string](b, `text("payload-view")`); !strings.Contains(text, "Hello") {
		t.Errorf("payload-view %q", text)
	}
	if log := eval[string](b, `text("play-log")`); !strings.Contains(log, "Hello") {
		t.Errorf("play-log %q", log)
	}
	b.screenshot("hello-in")
}

func TestPageShowsCompressedMessages(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	b.open()
	b.fill("play-url", socketURL(b.base, "/ws/echo"))
	b.click(byTestID("play-compress"))
	b.click(byTestID("play-connect"))
	b.wait(`tests("conn-row").some((e) => e.dataset.state === "open")`)
	text := strings.Repeat("the same words again, ", 40)
	b.say(text)
	b.say(text)
	rows := b.rows()
	for _, r := range rows {
		if length, _ := strconv.Atoi(r.Length); r.RSV != "4" || r.Rule != "" || length >= len(text)/4 {
			t.Errorf("a row of a compressed message: %+v", r)
		}
	}
	for _, dir := range []string{"in", "out"} {
		b.choose(`[data-dir=` + dir + `]`)
		if shown := eval[string](b, `text("payload-view")`); !strings.Contains(shown, text) {
			t.Errorf("payload-view of the %s frame %q", dir, shown)
		}
		if wire := b.bytes(); len(wire) >= len(text)/4 || wire[0] != 0xc1 {
			t.Errorf("hex-view of the %s frame has %d bytes", dir, len(wire))
		}
	}
	b.wait(`text("handshake-view").includes("permessage-deflate") && text("handshake-view").includes("compresses each message by itself")`)
	b.screenshot("compressed")
}

// TestPlaygroundOffers checks what the handshake offers: no compression at first, and the
// subprotocols that were typed.
func TestPlaygroundOffers(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	b.open()
	if eval[bool](b, `test("play-compress").checked`) {
		t.Error("compression is on at first")
	}
	b.click(byTestID("play-connect"))
	b.wait(`text("play-log").includes("Connected: subprotocol framescope.play.v1, no compression.")`)
	b.say("readable")
	b.click(byTestID("play-disconnect"))
	b.wait(`!test("play-connect").disabled`)

	b.fill("play-subprotocol", "chat, superchat")
	b.click(byTestID("play-compress"))
	b.click(byTestID("play-connect"))
	b.wait(`text("play-log").includes("Connected: subprotocol chat, permessage-deflate")`)
	if !eval[bool](b, `test("play-ping").disabled`) {
		t.Error("a ping can be asked for in a subprotocol that has none")
	}
	b.click(byTestID("conn-row") + `[data-state=open]`)
	b.wait(`text("handshake-view").includes("chat, superchat")`)
	b.click(byTestID("play-disconnect"))
	b.wait(`!test("play-connect").disabled`)

	b.fill("play-subprotocol", "chat, chat")
	b.click(byTestID("play-connect"))
	b.wait(`text("play-log").includes("cannot be offered")`)
}

func TestPageShowsPingPongAndClose(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	b.open()
	conn := b.connect()
	b.click(byTestID("play-ping"))
	b.wait(`tests("frame-row").some((e) => e.dataset.opcode === "ping" && e.dataset.dir === "out")`)
	b.wait(`tests("frame-row").some((e) => e.dataset.opcode === "pong" && e.dataset.dir === "in")`)
	b.click(byTestID("play-disconnect"))
	b.wait(`tests("conn-row").some((e) => e.dataset.conn === "` + conn + `" && e.dataset.state === "closed")`)
	b.wait(`tests("frame-row").filter((e) => e.dataset.opcode === "close").length === 2`)
	var closes []string
	for _, r := range b.rows() {
		if r.Opcode == "close" {
			closes = append(closes, r.Dir)
		}
		if r.Rule != "" {
			t.Errorf("a breach in an ordinary conversation: %+v", r)
		}
	}
	if fmt.Sprint(closes) != "[in out]" {
		t.Errorf("close frames %v, want the browser's and its answer", closes)
	}
}

func TestPageShowsTheHandshake(t *testing.T) {
	base := startServer(t, nil)
	// The example of RFC 6455 1.3, before the page is opened.
	c := rawSocket(t, base, "/ws/echo?example")
	b := openTab(t, base)
	b.open()
	b.wait(`tests("conn-row").length === 1`)
	if path := eval[string](b, `test("conn-row").dataset.path`); path != "/ws/echo?example" {
		t.Errorf("path %q", path)
	}
	b.click(byTestID("conn-row"))
	b.wait(`text("handshake-view").includes("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")`)
	shown := eval[string](b, `text("handshake-view")`)
	for _, want := range []string{"GET /ws/echo?example HTTP/1.1", "dGhlIHNhbXBsZSBub25jZQ==", "HTTP/1.1 101 Switching Protocols", "Sec-WebSocket-Version"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the handshake lacks %q:\n%s", want, shown)
		}
	}
	b.screenshot("handshake")
	c.Close()
	b.wait(`test("conn-row").dataset.state === "closed"`)
}

func TestPageFiltersPausesAndClears(t *testing.T) {
	base := startServer(t, nil)
	one, two := dial(t, base, "/ws/echo"), dial(t, base, "/ws/chat?room=r&name=n")
	b := openTab(t, base)
	b.open()
	echo := func(text string) {
		t.Helper()
		if err := one.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := one.ReadMessage(); err != nil || string(got) != text {
			t.Fatalf("%q %v", got, err)
		}
	}
	echo("a")
	if err := one.WriteMessage(websocket.BinaryMessage, []byte("b")); err != nil {
		t.Fatal(err)
	}
	if err := two.WriteMessage(websocket.TextMessage, []byte("c")); err != nil {
		t.Fatal(err)
	}
	// The welcome, two of the text, two of the binary message, the line and its echo.
	b.wait(`tests("frame-row").length === 7`)
	for _, test := range []struct {
		filter string
		rows   int
	}{
		{"opcode:binary", 2}, {"dir:in", 3}, {"conn:1 opcode:text", 2}, {"-conn:1", 3}, {"rule:any", 0}, {"", 7},
	} {
		b.fill("filter", test.filter)
		b.wait(fmt.Sprintf(`tests("frame-row").length === %d`, test.rows))
	}

	b.click(byTestID("pause"))
	b.wait(`test("status").dataset.state === "paused"`)
	if _, _, err := one.ReadMessage(); err != nil { // the binary message's echo
		t.Fatal(err)
	}
	echo("while paused")
	if n := eval[int](b, `tests("frame-row").length`); n != 7 {
		t.Errorf("%d rows while paused, want the 7 of before", n)
	}
	b.click(byTestID("pause"))
	b.wait(`test("status").dataset.state === "live" && tests("frame-row").length === 9`)

	b.click(byTestID("clear"))
	b.wait(`tests("frame-row").length === 0`)
	echo("after")
	b.wait(`tests("frame-row").length === 2`)
}

func TestPageNamesBreaches(t *testing.T) {
	base := startServer(t, nil)
	b := openTab(t, base)
	b.open()
	for i, test := range []struct {
		name, hex, opcode, rule string
	}{
		{"a reserved bit", "c1 80 00 00 00 00", "text", "rsv-unexpected"},
		{"a reserved opcode", "83 80 00 00 00 00", "0x3", "opcode-reserved"},
		{"an unmasked frame", "81 01 61", "text", "client-unmasked"},
		{"a fragmented ping", "09 80 00 00 00 00", "ping", "control-fragmented"},
		{"a length in too many bytes", "81 fe 00 01 00 00 00 00 61", "text", "length-not-minimal"},
		{"a length with its high bit", "82 ff 80 00 00 00 00 00 00 00 00 00 00 00", "binary", "length-high-bit"},
		{"2^63-1 bytes", "82 ff 7f ff ff ff ff ff ff ff 00 00 00 00", "binary", "message-too-big"},
		{"a continuation of nothing", "80 80 00 00 00 00", "continuation", "continuation-unexpected"},
		{"no UTF-8", "81 81 00 00 00 00 ff", "text", "utf8-invalid"},
		{"half a close code", "88 81 00 00 00 00 03", "close", "close-length-one"},
		{"close code 1006", "88 82 00 00 00 00 03 ee", "close", "close-code-invalid"},
	} {
		frame, err := hex.DecodeString(strings.ReplaceAll(test.hex, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		c := rawSocket(t, base, "/ws/echo")
		if _, err := c.Write(frame); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(c); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		c.Close()
		selector := fmt.Sprintf(`[data-conn="%d"][data-dir=in]`, i+1)
		b.wait(fmt.Sprintf(`document.querySelector(%q) !== null`, byTestID("frame-row")+selector))
		got := eval[[]string](b, fmt.Sprintf(`(({ opcode, rule }) => [opcode, rule])(document.querySelector(%q).dataset)`, byTestID("frame-row")+selector))
		if got[0] != test.opcode || got[1] != test.rule {
			t.Errorf("%s: opcode and rule %q, want %q and %q", test.name, got, test.opcode, test.rule)
		}
	}
	b.choose(`[data-rule=utf8-invalid]`)
	if shown := eval[string](b, `text("frame-detail")`); !strings.Contains(shown, "RFC 6455 8.1") || !strings.Contains(shown, "1007") {
		t.Errorf("the breach does not name its section and close code:\n%s", shown)
	}
	b.screenshot("breaches")
}

func TestPageReconnects(t *testing.T) {
	base, stop := runServer(t, nil)
	b := openTab(t, base)
	b.open()
	stop()
	b.wait(`test("status").dataset.state === "offline"`)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	startServer(t, func(c *config) { c.addr = u.Host })
	b.wait(`test("status").dataset.state === "live"`)
	c := dial(t, base, "/ws/echo")
	if err := c.WriteMessage(websocket.TextMessage, []byte("again")); err != nil {
		t.Fatal(err)
	}
	b.wait(`tests("frame-row").length === 2`)
	// The browser itself logs each failed attempt to connect.
	b.ignoreFaults("ERR_CONNECTION_REFUSED")
}

func TestPageFitsAndHasTwoThemes(t *testing.T) {
	base := startServer(t, nil)
	c := dial(t, base, "/ws/echo?with=a-rather-long-path-that-does-not-fit-on-a-small-screen-at-all-0123456789")
	if err := c.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("long ", 100))); err != nil {
		t.Fatal(err)
	}
	backgrounds := map[string]string{}
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range [][2]int64{{1440, 900}, {390, 844}} {
			b := openTab(t, base)
			call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			b.size(size[0], size[1])
			b.open()
			// On a small screen the list moves down when the list of connections above it grows.
			b.wait(`tests("frame-row").length === 2 && tests("conn-row").length === 1`)
			b.click(byTestID("frame-row"))
			b.wait(`test("bit-grid").querySelector("[data-field=opcode]") !== null`)
			if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s, %d wide: the page is %d px too wide", scheme, size[0], over)
			}
			backgrounds[scheme] = eval[string](b, `getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor`)
			b.screenshot(fmt.Sprintf("%s-%d", scheme, size[0]))
		}
	}
	if backgrounds["light"] == backgrounds["dark"] {
		t.Errorf("both themes have the background %s", backgrounds["light"])
	}
}

// TestPageReloadsItself checks the script that the build adds to a page under development.
func TestPageReloadsItself(t *testing.T) {
	script, err := os.ReadFile("../build/reload.js")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const page = `<!doctype html><title>%s</title><link rel="icon" href="data:,"><script type="module" src="/reload.js"></script>`
	write("reload.js", string(script))
	write("index.html", fmt.Sprintf(page, "first"))
	b := openTab(t, startServer(t, func(c *config) { c.pages = dir }))
	b.do(chromedp.Navigate(b.base))
	b.wait(`document.title === "first" && performance.getEntriesByType("resource").some((e) => e.initiatorType === "fetch")`)
	write("index.html", fmt.Sprintf(page, "second"))
	// A question may fail because the page is being replaced: ask again.
	for begun := time.Now(); ; {
		title, err := chromedp.Run(b.ctx, chromedp.Title())
		if err == nil && title == "second" {
			break
		}
		if time.Since(begun) > patience {
			t.Fatalf("the title is still %q, %v", title, err)
		}
	}
}

// TestPageHasSecurityPolicy checks that everything that the browser loads, the worker and
// the module included, has the Content-Security-Policy and the right type.
func TestPageHasSecurityPolicy(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	responses := b.responses()
	b.open()
	seen := map[string]bool{}
	for _, r := range responses() {
		seen[r.MimeType] = true
		if r.Status != 200 && r.Status != 101 {
			t.Errorf("%s: status %d", r.URL, r.Status)
		}
		if strings.HasPrefix(r.URL, "http") && !strings.Contains(fmt.Sprint(r.Headers), "wasm-unsafe-eval") {
			t.Errorf("%s comes without the policy", r.URL)
		}
	}
	for _, want := range []string{"text/html", "text/javascript", "text/css"} {
		if !seen[want] {
			t.Errorf("nothing of type %s was loaded, only %v", want, seen)
		}
	}
}

// responses begins to record responses. The function that it returns returns those
// recorded so far.
func (b *tab) responses() func() []*network.Response {
	var all []*network.Response
	b.onEvent(func(event any) {
		if e, ok := event.(*network.EventResponseReceived); ok {
			all = append(all, e.Response)
		}
	})
	return func() []*network.Response {
		b.mutex.Lock()
		defer b.mutex.Unlock()
		return all
	}
}
