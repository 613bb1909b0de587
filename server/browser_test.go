// A headless Chromium for tests: where it is found, and a tab that records everything that
// goes wrong in it.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// findBrowser looks in the same places as build/tools.sh.
func findBrowser() (string, error) {
	if named := os.Getenv("CHROMIUM"); named != "" {
		return named, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell", "chrome-headless-shell"} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	home, _ := os.UserHomeDir()
	for _, pattern := range []string{
		filepath.Join(home, ".cache/ms-playwright/chromium*/chrome-*/chrome"),
		filepath.Join(home, ".cache/ms-playwright/chromium*/chrome-*/*headless*shell"),
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
		"/Applications/Chromium.app/Contents/MacOS/Chromium",
	} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0], nil
		}
	}
	return "", errors.New("no Chromium or Chrome on this machine: install one, or name it in CHROMIUM=/path/to/chrome")
}

// browser starts the Chromium that all tests of this package share. Each tab has its own
// profile.
var browser = sync.OnceValues(func() (context.Context, error) {
	path, err := findBrowser()
	if err != nil {
		return nil, err
	}
	allocator, _ := newAllocator(context.Background(), path,
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("hide-scrollbars", true),
	)
	ctx, _ := chromedp.NewContext(allocator)
	return ctx, chromedp.Do(ctx)
})

// newAllocator returns a context in which a browser is started, with the flags that all tests need
// and more.
func newAllocator(ctx context.Context, path string, more ...chromedp.ExecAllocatorOption) (context.Context, context.CancelFunc) {
	return chromedp.NewExecAllocator(ctx, append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.Flag("headless", "new"),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("ignore-certificate-errors", true), // those of --tls-self-signed
		chromedp.WSURLReadTimeout(patience),
	}, more...)...)
}

// closeBrowser ends the browser, if it was started.
func closeBrowser() {
	if ctx, err := browser(); err == nil {
		_ = chromedp.Cancel(ctx)
	}
}

// tab is one page of the browser.
type tab struct {
	t    testing.TB
	ctx  context.Context
	base string // of the server

	mutex     sync.Mutex
	faults    []string // console errors and warnings, exceptions, policy violations
	ignored   []string // texts in faults that the test provokes
	elsewhere []string // URLs requested from anywhere but the server
	listeners []func(any)
}

// openTab opens an empty tab. The test fails if anything goes wrong in it until the test
// ends.
func openTab(t testing.TB, base string) *tab {
	t.Helper()
	parent, err := browser()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	ctx, timeout := context.WithTimeout(ctx, 3*time.Minute)
	b := &tab{t: t, ctx: ctx, base: base}
	b.size(1440, 900)
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	t.Cleanup(func() {
		timeout()
		cancel()
		b.mutex.Lock()
		defer b.mutex.Unlock()
		b.dropIgnored()
		for _, fault := range b.faults {
			t.Errorf("in the page: %s", fault)
		}
		for _, u := range b.elsewhere {
			t.Errorf("the page requested %s", u)
		}
	})
	return b
}

// onEvent has fn called with every further event. The tab's lock is held then.
func (b *tab) onEvent(fn func(event any)) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.listeners = append(b.listeners, fn)
}

func (b *tab) listen(event any) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, fn := range b.listeners {
		fn(event)
	}
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			text, _ := json.Marshal(e.Args)
			b.faults = append(b.faults, fmt.Sprintf("console.%s %s", e.Type, text))
		}
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, "exception: "+e.ExceptionDetails.Text+exceptionText(e.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			b.faults = append(b.faults, fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	case *network.EventRequestWillBeSent:
		b.noteRequest(e.Request.URL)
	case *network.EventWebSocketCreated:
		b.noteRequest(strings.Replace(e.URL, "ws", "http", 1))
	}
}

// noteRequest records a URL that is not the server's.
func (b *tab) noteRequest(address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "data" && u.Scheme != "blob" && u.Scheme+"://"+u.Host+"/" != b.base {
		b.elsewhere = append(b.elsewhere, address)
	}
}

// ignoreFaults has faults ignored that contain a text, which the test provokes. The browser may
// report them later than what they lead to.
func (b *tab) ignoreFaults(text string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.ignored = append(b.ignored, text)
	b.dropIgnored()
}

func (b *tab) dropIgnored() {
	b.faults = slices.DeleteFunc(b.faults, func(fault string) bool {
		return slices.ContainsFunc(b.ignored, func(text string) bool { return strings.Contains(fault, text) })
	})
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.state())
	}
}

// call runs a command of the browser's protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	r, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// size sets the size of the window.
func (b *tab) size(width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
}

// open shows the page and waits until the feed is live.
func (b *tab) open() {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base))
	b.wait(`test("status").dataset.state === "live" && test("status").textContent.trim() === "live"`)
}

// helpers are functions that expressions may call: test(id) returns the first element
// with that test id, tests(id) all of them, text(id) the text of the first.
const helpers = `
	const tests = (id, root = document) => [...root.querySelectorAll('[data-testid="' + id + '"]')];
	const test = (id, root = document) => tests(id, root)[0];
	const text = (id) => test(id)?.textContent ?? "";
`

// eval evaluates an expression in the page; a promise is awaited.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	script := "(async () => {" + helpers + "return (" + expression + ");})()"
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", expression, err, b.state())
	}
	return v
}

// wait waits until an expression is true. An expression that throws counts as false.
func (b *tab) wait(expression string) {
	b.t.Helper()
	ok := eval[bool](b, fmt.Sprintf(`new Promise((resolve) => {
		const until = performance.now() + %d;
		const look = () => {
			let good = false;
			try { good = Boolean(%s); } catch { /* an element is missing still */ }
			if (good || performance.now() > until) resolve(good); else setTimeout(look, 20);
		};
		look();
	})`, patience.Milliseconds(), expression))
	if !ok {
		b.t.Fatalf("this did not become true: %s\n%s", expression, b.state())
	}
}

// state returns the text of the page and the faults, for the message of a test that fails.
func (b *tab) state() string {
	shown, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body?.innerText.slice(0, 2000) ?? "no page"`))
	if err != nil {
		shown = err.Error()
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return fmt.Sprintf("the page shows:\n%s\nfaults: %q", shown, b.faults)
}

func byTestID(id string) string { return `[data-testid="` + id + `"]` }

// click clicks the middle of the first element that a selector finds, with the mouse.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// fill replaces the text of an input, by typing.
func (b *tab) fill(id, value string) {
	b.t.Helper()
	b.do(chromedp.Focus(chromedp.CSS(byTestID(id)), chromedp.NodeVisible))
	eval[chromedp.Void](b, fmt.Sprintf(`test(%q).select()`, id))
	if value == "" {
		b.do(chromedp.KeyEvent("\b"))
		return
	}
	call(b, input.InsertText, input.InsertTextParams{Text: value})
}

// screenshot writes a picture of the page into the folder that FRAMESCOPE_SHOTS names, if
// it is set, so that a person can look at it.
func (b *tab) screenshot(name string) {
	b.t.Helper()
	dir := os.Getenv("FRAMESCOPE_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func exceptionText(o *runtime.RemoteObject) string {
	if o == nil {
		return ""
	}
	return " " + o.Description
}
