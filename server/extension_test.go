// A test with a browser extension: it connects if its origin is allowed by name, and not otherwise.

package main

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// extensionID is what Chromium makes of the key in the manifest of testdata/extension.
const extensionID = "bdhogjfmbiboenakfabebojfmhinfhmk"

// openBrowserWithExtension starts a browser with testdata/extension, which is not the one that other tests
// share.
func openBrowserWithExtension(t *testing.T) *tab {
	t.Helper()
	path, err := findBrowser()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs("testdata/extension")
	if err != nil {
		t.Fatal(err)
	}
	allocator, stop := newAllocator(t.Context(), path,
		chromedp.Flag("load-extension", dir),
		// Without this, newer versions of Chrome ignore --load-extension.
		chromedp.Flag("disable-features", "DisableLoadExtensionCommandLineSwitch"),
	)
	t.Cleanup(stop)
	ctx, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	return &tab{t: t, ctx: ctx}
}

func TestExtension(t *testing.T) {
	b := openBrowserWithExtension(t)
	const own = "chrome-extension://" + extensionID
	for _, test := range []struct {
		name         string
		change       func(*config)
		page, worker string
	}{
		{"allowed", func(c *config) { c.origins = []string{own} }, "page of " + own, "service worker"},
		{"allowed, over TLS", func(c *config) { c.origins = []string{own}; overTLS(c) }, "page of " + own, "service worker"},
		{"not allowed", nil, "refused", "refused"},
		{"another is allowed", func(c *config) { c.origins = []string{"chrome-extension://" + strings.Repeat("a", 32)} }, "refused", "refused"},
	} {
		base, stop := runServer(t, test.change)
		b.do(chromedp.Navigate("about:blank"))
		b.do(chromedp.Navigate(own + "/page.html#" + url.QueryEscape(socketURL(base, "/ws/echo"))))
		b.wait(`document.querySelector("#worker").textContent !== ""`)
		page, worker := eval[string](b, `document.querySelector("#page").textContent`), eval[string](b, `document.querySelector("#worker").textContent`)
		if page != test.page || worker != test.worker {
			t.Errorf("%s: the page received %q, the service worker %q", test.name, page, worker)
		}
		stop()
	}
}
