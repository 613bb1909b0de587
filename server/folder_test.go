// Tests of --files: in a browser, its pages cannot act as the server's own.

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// servedFolder makes a folder of files and a server with --files.
func servedFolder(t *testing.T, contents map[string]string, change func(*config)) (base string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return startServer(t, func(c *config) {
		c.folder = dir
		change(c)
	})
}

// foreignPage tries to do what only the server's own page may, and shows in its title what happened.
const foreignPage = `<!doctype html><link rel="stylesheet" href="style.css"><p>page
<script src="part.js"></script>
<script>
const results = [part, origin];
const socket = (path, ...protocols) => new Promise((done) => {
  const s = new WebSocket(new URL(path, location.href.replace("http", "ws")), protocols);
  s.onopen = () => done(path + " open");
  s.onerror = () => done(path + " refused");
});
const post = () => fetch("/api/broadcast", { method: "POST", mode: "no-cors", headers: { "Content-Type": "application/json" }, body: '{"text":"x"}' })
  .then((r) => "post " + r.status, () => "post failed");
const read = () => fetch("/healthz").then(() => "healthz read", () => "healthz unreadable");
let storage = "storage";
try { localStorage.setItem("a", "b"); } catch { storage = "no storage"; }
Promise.all([socket("/ws/inspect", "framescope.v1"), socket("/ws/echo"), post(), read()])
  .then((all) => { document.title = [...results, storage, ...all].join(", "); });
</script>`

func TestPagesOfTheFolderAreForeign(t *testing.T) {
	for name, change := range map[string]func(*config){"http": func(*config) {}, "https": overTLS} {
		t.Run(name, func(t *testing.T) {
			base := servedFolder(t, map[string]string{
				"page.html": foreignPage, "part.js": `const part = "script";`, "style.css": "p { color: rgb(1, 2, 3) }", "image.svg": foreignImage,
			}, change)
			b := openTab(t, base)
			b.ignoreFaults("") // whatever it tries fails, and so does the browser's request for its icon
			b.do(chromedp.Navigate(base + "files/page.html"))
			b.wait(`document.title.includes("healthz")`)
			want := "script, null, no storage, /ws/inspect refused, /ws/echo refused, post 0, healthz unreadable"
			if got := eval[string](b, `document.title`); got != want {
				t.Errorf("the page says %q, want %q", got, want)
			}
			if color := eval[string](b, `getComputedStyle(document.querySelector("p")).color`); color != "rgb(1, 2, 3)" {
				t.Errorf("the style is not used: %s", color)
			}
			b.do(chromedp.Navigate(base + "files/image.svg"))
			b.wait(`document.documentElement.dataset.result !== undefined`)
			if got := eval[string](b, `document.documentElement.dataset.result`); got != "null refused" {
				t.Errorf("the image says %q", got)
			}
		})
	}
}

// foreignImage is an image with a script.
const foreignImage = `<svg xmlns="http://www.w3.org/2000/svg"><script>
const s = new WebSocket(new URL("/ws/echo", location.href.replace("http", "ws")));
const say = (what) => { document.documentElement.dataset.result = origin + " " + what; };
s.onopen = () => say("open");
s.onerror = () => say("refused");
</script></svg>`

// TestOwnPageTakesNothingFromTheFolder: the page's policy allows scripts of its origin.
func TestOwnPageTakesNothingFromTheFolder(t *testing.T) {
	base := servedFolder(t, map[string]string{"part.js": `document.title = "taken over";`}, overTLS)
	b := openTab(t, base)
	b.open()
	result := eval[string](b, `new Promise((done) => {
		const script = document.createElement("script");
		script.src = "/files/part.js";
		script.onload = () => done("loaded");
		script.onerror = () => done("refused");
		document.head.append(script);
	})`)
	b.ignoreFaults("part.js")
	b.ignoreFaults("403")
	if result != "refused" {
		t.Errorf("the script is %s", result)
	}
}

func TestFolderFlag(t *testing.T) {
	base := servedFolder(t, map[string]string{"a.txt": "content"}, overTLS)
	client := trusting(t)
	if response, body := get(t, client, "GET", base+"files/a.txt", nil); response.StatusCode != 200 || body != "content" {
		t.Errorf("%d %q", response.StatusCode, body)
	}
	if response, _ := get(t, client, "GET", base+"files/a.txt", map[string]string{"Host": "evil.example"}); response.StatusCode != 403 {
		t.Errorf("another name: %d", response.StatusCode)
	}
	if response, _ := get(t, client, "GET", base+"files", nil); response.StatusCode/100 != 3 || !strings.HasSuffix(response.Header.Get("Location"), "/files/") {
		t.Errorf("/files: %d %q", response.StatusCode, response.Header.Get("Location"))
	}
}
