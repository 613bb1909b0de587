// End-to-end tests of the page's demos: a real server, real browsers, and the values that a
// visitor sees.

package main

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/gorilla/websocket"
)

// openDemo goes from the first page to a demo, as a visitor does.
func (b *tab) openDemo(id string) {
	b.t.Helper()
	b.open()
	b.click(byTestID("nav-demos"))
	b.click(byTestID("demo-"+id) + " " + byTestID("demo-open"))
	b.wait(fmt.Sprintf(`test("opened-%s").querySelector(".stage") !== null`, id))
}

// pick sets a control's value as a visitor who chooses it would.
func (b *tab) pick(id, value string) {
	b.t.Helper()
	eval[chromedp.Void](b, fmt.Sprintf(`(() => { const e = test(%q); e.value = %q; e.dispatchEvent(new Event("change", { bubbles: true })); })()`, id, value))
}

// TestFirstLoad holds the budget of the page: 75 KB beside the WASM module, and no demo before
// one is opened.
func TestFirstLoad(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	b.open()
	// The worker's script is loaded by the worker, so the page does not see its size.
	loaded := eval[map[string]int](b, `Object.fromEntries([...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
		.map((e) => [new URL(e.name).pathname, e.encodedBodySize]))`)
	sum := 0
	for name, size := range loaded {
		sum += size
		for _, id := range demoIDs {
			if strings.HasPrefix(name, "/assets/"+id+"-") {
				t.Errorf("%s is loaded before it is needed", name)
			}
		}
	}
	if sum < 20_000 || sum > 70_000 {
		t.Errorf("the page loads %d bytes at first, the limit with its worker is 75,000: %v", sum, loaded)
	}
}

func TestDemoEcho(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	b.openDemo("echo")
	b.wait(`Number(text("echo-count")) >= 10`)
	for _, id := range []string{"echo-last", "echo-min", "echo-median", "echo-p99"} {
		b.wait(fmt.Sprintf(`/^\d+\.\d+ ms$/.test(text(%q))`, id))
	}
	b.wait(`document.querySelector(".plot canvas").width > 0`)

	b.click(byTestID("echo-compress"))
	b.wait(`text("echo-agreed").includes("permessage-deflate")`)
	b.wait(`test("demo-frames").dataset.conns !== ""`)
	b.click(".copyable .chip")
	b.wait(`document.querySelector(".copyable .chip").textContent.startsWith("Copied")`)
	b.screenshot("demo-echo")

	// The link shows the frames of this connection alone, and the demo goes on.
	conn := eval[string](b, `test("demo-frames").dataset.conns`)
	b.click(byTestID("demo-frames"))
	b.wait(`test("frame-list").checkVisibility() && test("filter").value === "conn:` + conn + `"`)
	b.wait(`tests("frame-row").length > 4 && tests("frame-row").every((e) => e.dataset.conn === "` + conn + `")`)

	b.click(byTestID("nav-demos"))
	b.wait(`test("opened-echo").checkVisibility()`)
	b.click(byTestID("nav-demos"))
	b.wait(`!test("opened-echo").checkVisibility() && test("demo-chat").checkVisibility()`)
	b.do(chromedp.NavigateBack())
	b.wait(`test("opened-echo").checkVisibility() && text("echo-agreed").includes("permessage-deflate")`)
	b.do(chromedp.Reload())
	b.wait(`test("opened-echo").checkVisibility() && Number(text("echo-count")) > 0`)
}

// in returns a selector below the first chat of a tab, or below another one.
func in(chat int, id string) string {
	return fmt.Sprintf(`[data-testid=chat]:nth-child(%d) `, chat) + byTestID(id)
}

// sayIn writes a line into a chat and sends it with the Enter key.
func (b *tab) sayIn(chat int, line string) {
	b.t.Helper()
	b.do(chromedp.Focus(chromedp.CSS(in(chat, "chat-input")), chromedp.NodeVisible))
	call(b, input.InsertText, input.InsertTextParams{Text: line})
	b.do(chromedp.KeyEvent("\r"))
}

// joinAs joins a chat's room under a name.
func (b *tab) joinAs(chat int, name string) {
	b.t.Helper()
	b.wait(fmt.Sprintf(`document.querySelector(%q).dataset.me !== ""`, fmt.Sprintf(`[data-testid=chat]:nth-child(%d)`, chat)))
	b.do(chromedp.Focus(chromedp.CSS(in(chat, "chat-name")), chromedp.NodeVisible))
	eval[chromedp.Void](b, fmt.Sprintf(`document.querySelector(%q).select()`, in(chat, "chat-name")))
	call(b, input.InsertText, input.InsertTextParams{Text: name})
	b.click(in(chat, "chat-join"))
	b.wait(fmt.Sprintf(`document.querySelector(%q).dataset.me === %q`, fmt.Sprintf(`[data-testid=chat]:nth-child(%d)`, chat), name))
}

func (b *tab) waitIn(chat int, id, text string) {
	b.t.Helper()
	b.wait(fmt.Sprintf(`document.querySelector(%q).textContent.includes(%q)`, in(chat, id), text))
}

func TestDemoChat(t *testing.T) {
	base := startServer(t, nil)
	ann, bob := openTab(t, base), openTab(t, base)
	ann.openDemo("chat")
	ann.joinAs(1, "ann")
	ann.sayIn(1, "before bob")
	bob.openDemo("chat")
	bob.joinAs(1, "bob")
	ann.waitIn(1, "chat-members", "bob")
	ann.waitIn(1, "chat-lines", "bob joined")
	bob.waitIn(1, "chat-lines", "before bob")

	// While bob writes, ann sees it; what he says is in order, and his own is marked.
	bob.do(chromedp.Focus(chromedp.CSS(in(1, "chat-input")), chromedp.NodeVisible))
	call(bob, input.InsertText, input.InsertTextParams{Text: "hi"})
	ann.waitIn(1, "chat-typing", "bob is typing")
	bob.do(chromedp.KeyEvent("\r"))
	ann.waitIn(1, "chat-lines", "hi")
	ann.wait(`text("chat-typing") === ""`)
	bob.wait(`document.querySelector(".chat-said.own .chat-text").textContent === "hi"`)

	// A member is clicked to write to it alone; another one sees nothing of it.
	third := openTab(t, base)
	third.openDemo("chat")
	third.joinAs(1, "carl")
	ann.waitIn(1, "chat-members", "carl")
	ann.click(in(1, "chat-members") + " li:nth-child(2) button")
	ann.sayIn(1, "only for you")
	bob.waitIn(1, "chat-lines", "only for you")
	ann.wait(`document.querySelector(".chat-private.own") !== null`)
	ann.sayIn(1, "/msg carl and this for you")
	third.waitIn(1, "chat-lines", "and this for you")
	ann.sayIn(1, "/msg nobody x")
	ann.wait(`document.querySelector(".chat .problem").textContent.includes("Nobody of that name")`)

	// Markup is text, and what cannot be seen is marked.
	hostile := `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>` + "a\u202eb\u200bc"
	ann.click(".chat-composer button.link")
	eval[chromedp.Void](ann, `(() => { const e = test("chat-input"); e.select(); })()`)
	ann.sayIn(1, hostile)
	bob.waitIn(1, "chat-lines", "<img src=x onerror=")
	bob.wait(`[...document.querySelectorAll(".unseen")].map((e) => e.textContent).join() === "U+202E,U+200B"`)
	if eval[bool](bob, `document.querySelector(".chat-lines img, .chat-lines script") !== null || document.title.includes("owned")`) {
		t.Error("a message was rendered as HTML")
	}
	if eval[bool](third, `text("chat-lines").includes("only for you")`) {
		t.Error("carl saw a private line of ann and bob")
	}
	bob.screenshot("demo-chat-said")

	// He who quits has left, and joins again with a click.
	bob.sayIn(1, "/quit")
	bob.wait(`document.querySelector(".chat .connection-state").textContent.includes("left the room")`)
	ann.waitIn(1, "chat-lines", "bob left")
	bob.click(in(1, "chat-join"))
	ann.waitIn(1, "chat-members", "bob")
}

func TestDemoChatBothEnds(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	b.openDemo("chat")
	b.joinAs(1, "me")
	b.click(byTestID("chat-another"))
	b.wait(`tests("chat").length === 2 && tests("chat")[1].dataset.me === "ann"`)
	b.sayIn(2, "from the other end")
	b.waitIn(1, "chat-lines", "from the other end")
	b.wait(`test("demo-frames").dataset.conns.split(",").length === 2`)
	b.screenshot("demo-chat-both")

	// A flood leaves the newest line in view; a list that was scrolled up stays where it is.
	const bottom = `(() => { const e = test("chat-lines"); return e.scrollHeight - e.scrollTop - e.clientHeight; })()`
	member := dial(t, b.base, "/ws/chat?room=lobby&name=flood")
	flood := func(last string) {
		t.Helper()
		for i := range 100 {
			if err := member.WriteMessage(websocket.TextMessage, []byte(fmt.Sprint("line ", i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := member.WriteMessage(websocket.TextMessage, []byte(last)); err != nil {
			t.Fatal(err)
		}
		b.waitIn(1, "chat-lines", last)
	}
	flood("the end")
	b.wait(bottom + ` < 24`)
	b.click(byTestID("nav-live"))
	b.do(chromedp.NavigateBack())
	b.wait(`test("chat-lines").checkVisibility() && ` + bottom + ` < 24`)
	eval[chromedp.Void](b, `void (test("chat-lines").scrollTop = 40)`)
	b.wait(bottom + ` > 100`)
	flood("the very end")
	if left := eval[int](b, bottom); left < 100 {
		t.Errorf("the list, scrolled up, jumped to %d px above its end", left)
	}

	// A name that the server refuses is refused in its words.
	b.do(chromedp.Focus(chromedp.CSS(in(1, "chat-name")), chromedp.NodeVisible))
	eval[chromedp.Void](b, `test("chat-name").select()`)
	call(b, input.InsertText, input.InsertTextParams{Text: "*star"})
	b.click(in(1, "chat-join"))
	b.wait(`document.querySelector(".chat .connection-state").textContent.includes("begins with *")`)
	b.ignoreFaults("WebSocket connection to")
	b.ignoreFaults("status of 400")
}

// TestDemoChatAsksForTheToken joins a chat that refuses connections without a token.
func TestDemoChatAsksForTheToken(t *testing.T) {
	b := openTab(t, startServer(t, func(c *config) { c.chatToken = "sesame" }))
	b.openDemo("chat")
	b.wait(`document.querySelector(".chat .connection-state").textContent.includes("asks for a token")`)
	b.fill("chat-token", "wrong")
	b.click(byTestID("chat-join"))
	b.wait(`test("chat-token").value === "wrong" && document.querySelector(".chat .connection-state").dataset.state === "closed"`)
	b.fill("chat-token", "sesame")
	b.fill("chat-name", "ann")
	b.click(byTestID("chat-join"))
	b.wait(`test("chat").dataset.me === "ann"`)
	b.ignoreFaults("WebSocket connection to")
	b.ignoreFaults("status of 401")
}

// TestDemoChatOverAllTransports has members of TCP and UDP in the room of a page.
func TestDemoChatOverAllTransports(t *testing.T) {
	p := &process{stderr: &lockedBuffer{}, exited: make(chan struct{})}
	stdout := &lockedBuffer{}
	p.run(t, command("serve", "--addr", "127.0.0.1:0", "--tcp", ":0", "--udp", ":0"), stdout)
	stdout.await("chat over UDP on ")
	ports := regexp.MustCompile(`(?s)^listening on (\S+)\nchat over TCP on (\S+)\nchat over UDP on (\S+)\n`).FindStringSubmatch(stdout.String())
	if ports == nil {
		t.Fatalf("it prints %q; %s", stdout, p.stderr)
	}
	b := openTab(t, ports[1])
	b.openDemo("chat")
	b.joinAs(1, "ann")
	for network, said := range map[string][]string{"tcp": {ports[2], "tom\nhello over tcp\n"}, "udp": {ports[3], "hello over udp"}} {
		c, err := net.Dial(network, said[0])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, said[1]); err != nil {
			t.Fatal(err)
		}
		b.waitIn(1, "chat-lines", "hello over "+network)
		b.sayIn(1, "hello "+network)
		var received strings.Builder
		for buf := make([]byte, 2048); !strings.Contains(received.String(), "ann: hello "+network); {
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("%s received %q, then %v", network, received.String(), err)
			}
			received.Write(buf[:n])
		}
	}
}

// TestDemoChatConnectsAgain restarts the server below an open chat.
func TestDemoChatConnectsAgain(t *testing.T) {
	base, stop := runServer(t, nil)
	b := openTab(t, base)
	b.openDemo("chat")
	b.joinAs(1, "ann")
	stop()
	b.wait(`document.querySelector(".chat .connection-state").dataset.state === "waiting"`)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	startServer(t, func(c *config) { c.addr = u.Host })
	b.wait(`document.querySelector(".chat .connection-state").dataset.state === "open"`)
	b.sayIn(1, "still here")
	b.waitIn(1, "chat-lines", "still here")
	b.ignoreFaults("ERR_CONNECTION_REFUSED")
}

func TestDemoPush(t *testing.T) {
	base := startServer(t, nil)
	script := dial(t, base, "/ws/push")
	b := openTab(t, base)
	b.openDemo("push")
	b.wait(`document.querySelector(".connection-state").dataset.state === "open"`)
	b.fill("push-text", "<b>tea</b> is ready")
	b.click(byTestID("push-send"))
	b.wait(`text("push-result") === "Queued for 2 receivers."`)
	b.wait(`text("push-list").includes("<b>tea</b> is ready")`)
	if _, p, err := script.ReadMessage(); err != nil || string(p) != "<b>tea</b> is ready" {
		t.Errorf("the other connection received %q, %v", p, err)
	}
	b.fill("push-text", "")
	b.click(byTestID("push-send"))
	b.wait(`text("push-result").startsWith("Not pushed: there is no text")`)
	b.ignoreFaults("status of 400")
	b.screenshot("demo-push")
}

// TestDemoPushReachesTheChat has one page push to a room in which another one chats.
func TestDemoPushReachesTheChat(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	b.openDemo("chat")
	b.joinAs(1, "ann")
	b.click(byTestID("demo-push") + " " + byTestID("demo-open"))
	b.wait(`test("opened-push").querySelector(".stage") !== null`)
	b.fill("push-room", "lobby")
	b.click(byTestID("push-send"))
	b.wait(`text("push-result") === "Queued for 1 receiver."`)
	b.click(byTestID("demo-chat") + " " + byTestID("demo-open"))
	b.wait(`document.querySelector(".chat-operator").textContent.includes("Lunch is ready")`)
}

// TestDemoSocketIO runs npm's client in the page: events, acknowledgements, bytes, the upgrade,
// a refused namespace, and a room with two clients.
func TestDemoSocketIO(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	b.openDemo("socketio")
	b.wait(`text("sio-transport") === "websocket" && text("sio-id").length > 10`)
	b.wait(`text("sio-packets").includes("Upgraded to websocket") && text("sio-packets").includes('42["auth",{"name":"ann"}]')`)
	b.click(byTestID("sio-send"))
	b.wait(`text("sio-packets").includes('42["message-back","hello",{"count":1}]')`)
	b.click(byTestID("sio-ack"))
	b.wait(`text("sio-packets").includes("“message-with-ack” was acknowledged after")`)
	b.click(byTestID("sio-binary"))
	b.wait(`text("sio-packets").split("(4 bytes)").length === 3`)
	b.wait(`/^\d+$/.test(test("demo-frames").dataset.conns)`)
	b.screenshot("demo-socketio")

	for _, choice := range []string{"polling", "websocket"} {
		b.pick("sio-choice", choice)
		b.wait(`text("sio-transport") === "` + choice + `" && text("sio-id").length > 10`)
	}
	b.pick("sio-namespace", "/nowhere")
	b.wait(`document.querySelector(".sio .connection-state").textContent.includes("Invalid namespace")`)
	b.pick("sio-namespace", "/")
	b.wait(`text("sio-id").length > 10`)

	b.click(byTestID("sio-second"))
	b.wait(`tests("sio-id").length === 2 && tests("sio-id")[1].textContent.length > 10`)
	second := `[data-testid=sio]:nth-child(2) `
	b.click(byTestID("sio-join"))
	b.wait(`text("sio-packets").includes("“join” was acknowledged")`)
	b.click(second + byTestID("sio-say"))
	b.wait(`text("sio-packets").includes('"said","tea"') && text("sio-packets").includes("anyone?")`)
	b.screenshot("demo-socketio-both")
}

func TestDemoTransports(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	b.openDemo("transports")
	b.wait(`tests("transport-bar").length >= 5`)
	b.wait(`test("transports-table").rows.length === tests("transport-bar").length + 1`)
	bytes := eval[map[string]int](b, `Object.fromEntries(tests("transport-bar").map((e) => [e.dataset.transport, Number(e.dataset.bytes)]))`)
	if bytes["udp"] < 5 || bytes["websocket"] <= bytes["udp"] || bytes["http"] <= bytes["websocket"] {
		t.Errorf("a message of 5 bytes costs %v", bytes)
	}
	b.fill("transports-text", strings.Repeat("long ", 200))
	b.click(byTestID("transports-measure"))
	b.wait(`Number(document.querySelector("[data-transport=udp]").dataset.bytes) > 1000`)
	b.screenshot("demo-transports")
}

// TestDemosByKeyboard opens a demo and uses it without a mouse.
func TestDemosByKeyboard(t *testing.T) {
	b := openTab(t, startServer(t, nil))
	b.open()
	tabTo := func(what string) {
		t.Helper()
		for range 30 {
			b.do(chromedp.KeyEvent("\t"))
			if eval[bool](b, `document.activeElement.matches('`+what+`')`) {
				return
			}
		}
		t.Fatalf("the Tab key does not lead to %s", what)
	}
	tabTo(byTestID("nav-demos"))
	b.do(chromedp.KeyEvent("\r"))
	tabTo(byTestID("demo-chat") + " " + byTestID("demo-open"))
	b.do(chromedp.KeyEvent("\r"))
	b.wait(`document.activeElement.id === "demo-title-chat" && test("chat").dataset.me !== ""`)
	tabTo(byTestID("chat-input"))
	b.do(chromedp.KeyEvent("p")) // no shortcut while the demos are shown
	b.do(chromedp.KeyEvent("\r"))
	b.wait(`document.querySelector(".chat-said .chat-text").textContent === "p"`)
	b.wait(`test("status").dataset.state === "live"`)
	tabTo(byTestID("demo-frames"))
	b.do(chromedp.KeyEvent("\r"))
	b.wait(`test("frame-list").checkVisibility() && tests("frame-row").length > 0`)
	b.do(chromedp.KeyEvent("p"))
	b.wait(`test("status").dataset.state === "paused"`)
}

// TestDemosStayInPlace reloads each demo on a small screen, in which everything is one
// column: what has been shown does not move when more is.
func TestDemosStayInPlace(t *testing.T) {
	base := startServer(t, nil)
	for _, id := range demoIDs {
		b := openTab(t, base)
		b.size(390, 844)
		b.do(chromedp.Navigate(base + "#demos/" + id))
		b.wait(fmt.Sprintf(`test("opened-%s").querySelector("[data-state=open], [data-testid=transports-table]") !== null`, id))
		b.wait(`test("status").dataset.state === "live"`)
		moved := eval[float64](b, `new Promise((resolve) => new PerformanceObserver((list) => resolve(
			list.getEntries().filter((e) => !e.hadRecentInput).reduce((sum, e) => sum + e.value, 0)
		)).observe({ type: "layout-shift", buffered: true }) ?? setTimeout(() => resolve(0), 1000))`)
		if moved > 0.05 {
			t.Errorf("%s: the layout shifts by %.3f", id, moved)
		}
	}
}

var demoIDs = []string{"echo", "chat", "push", "socketio", "transports"}

// TestDemosFit opens each demo in both themes on a large and on a small screen, and on one
// that is zoomed to 200 %.
func TestDemosFit(t *testing.T) {
	base := startServer(t, nil)
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range [][2]int64{{1440, 900}, {390, 844}, {720, 450}} {
			b := openTab(t, base)
			call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			b.size(size[0], size[1])
			b.open()
			b.click(byTestID("nav-demos"))
			b.wait(`test("demo-echo").checkVisibility()`)
			b.screenshot(fmt.Sprintf("demos-%s-%d", scheme, size[0]))
			for _, id := range demoIDs {
				b.click(byTestID("demo-"+id) + " " + byTestID("demo-open"))
				b.wait(fmt.Sprintf(`test("opened-%s").querySelector("[data-state=open], [data-testid=transports-table]") !== null`, id))
				if id == "echo" {
					b.wait(`Number(text("echo-count")) > 20`)
				}
				if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
					t.Errorf("%s at %s, %d wide: the page is %d px too wide", id, scheme, size[0], over)
				}
				b.screenshot(fmt.Sprintf("demo-%s-%s-%d", id, scheme, size[0]))
			}
		}
	}
}
