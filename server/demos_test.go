// End-to-end tests of the page's demos: a real server, real browsers, and the values that a
// visitor sees.

package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
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
	b.screenshot("demo-echo")

	// The link shows the frames of this connection alone, and the demo goes on.
	conn := eval[string](b, `test("demo-frames").dataset.conns`)
	b.click(byTestID("demo-frames"))
	b.wait(`test("frame-list").checkVisibility() && test("filter").value === "conn:` + conn + `"`)
	b.wait(`tests("frame-row").length > 4 && tests("frame-row").every((e) => e.dataset.conn === "` + conn + `")`)

	b.do(chromedp.NavigateBack())
	b.wait(`test("opened-echo").checkVisibility() && text("echo-agreed").includes("permessage-deflate")`)
	b.do(chromedp.Reload())
	b.wait(`test("opened-echo").checkVisibility() && Number(text("echo-count")) > 0`)
}

// TestDemosFit opens each demo in both themes on a large and on a small screen.
func TestDemosFit(t *testing.T) {
	base := startServer(t, nil)
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range [][2]int64{{1440, 900}, {390, 844}} {
			b := openTab(t, base)
			call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			b.size(size[0], size[1])
			b.open()
			b.click(byTestID("nav-demos"))
			b.screenshot(fmt.Sprintf("demos-%s-%d", scheme, size[0]))
			for _, id := range []string{"echo"} {
				b.click(byTestID("demo-"+id) + " " + byTestID("demo-open"))
				b.wait(fmt.Sprintf(`test("opened-%s").querySelector(".stage") !== null`, id))
				b.wait(fmt.Sprintf(`test("opened-%s").querySelector("[data-state=open]") !== null`, id))
				if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
					t.Errorf("%s at %s, %d wide: the page is %d px too wide", id, scheme, size[0], over)
				}
				b.wait(`document.querySelector(".stage") && Number(text("echo-count")) > 20`)
				b.screenshot(fmt.Sprintf("demo-%s-%s-%d", id, scheme, size[0]))
			}
		}
	}
}
