// Tests of how the page is served: types, codings, caching, conditional requests, refusals and
// the security policy.

package site

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/andybalholm/brotli"
)

// built returns a page as the build writes it.
func built(t *testing.T) fstest.MapFS {
	t.Helper()
	page := fstest.MapFS{".gitkeep": {}}
	for name, content := range map[string]string{
		"index.html":             "<!doctype html>",
		"assets/main-AAAA.js":    strings.Repeat("script ", 100),
		"assets/m-AAAA.wasm":     "\x00asm" + strings.Repeat("module ", 100),
		"assets/main-AAAA.css":   "body{}",
		"assets/icon-AAAA.svg":   "<svg/>",
		"assets/notice-AAAA.txt": "MIT",
		"assets/odd-AAAA.bin":    "?",
	} {
		page[name] = &fstest.MapFile{Data: []byte(content), ModTime: time.Unix(1, 0)}
		if len(content) > 100 {
			var br, gz bytes.Buffer
			for _, w := range []io.WriteCloser{brotli.NewWriter(&br), gzip.NewWriter(&gz)} {
				if _, err := io.WriteString(w, content); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			page[name+".br"] = &fstest.MapFile{Data: br.Bytes()}
			page[name+".gz"] = &fstest.MapFile{Data: gz.Bytes()}
		}
	}
	return page
}

// ask makes a request. fields are the names and values of its header fields.
func ask(t *testing.T, page fs.FS, method, path string, fields ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	Live(page).ServeHTTP(w, r)
	return w.Result()
}

func read(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTypesAndCaching(t *testing.T) {
	const forever = "public, max-age=31536000, immutable"
	page := built(t)
	for path, want := range map[string][2]string{
		"/":                       {"text/html; charset=utf-8", "no-cache"},
		"/index.html":             {"text/html; charset=utf-8", "no-cache"},
		"/assets/main-AAAA.js":    {"text/javascript; charset=utf-8", forever},
		"/assets/main-AAAA.css":   {"text/css; charset=utf-8", forever},
		"/assets/m-AAAA.wasm":     {"application/wasm", forever},
		"/assets/icon-AAAA.svg":   {"image/svg+xml", forever},
		"/assets/notice-AAAA.txt": {"text/plain; charset=utf-8", forever},
		"/assets/odd-AAAA.bin":    {"application/octet-stream", forever},
	} {
		r := ask(t, page, "GET", path)
		if got := [2]string{r.Header.Get("Content-Type"), r.Header.Get("Cache-Control")}; r.StatusCode != 200 || got != want {
			t.Errorf("%s: %d %q, want 200 %q", path, r.StatusCode, got, want)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	for _, path := range []string{"/", "/assets/main-AAAA.js", "/nowhere"} {
		h := ask(t, built(t), "GET", path).Header
		csp := "; " + h.Get("Content-Security-Policy") + ";"
		for _, directive := range []string{
			"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'", "worker-src 'self'",
			"connect-src 'self' ws: wss:", "img-src 'self' data:", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'",
		} {
			if !strings.Contains(csp, "; "+directive+";") {
				t.Errorf("%s: the policy lacks %s", path, directive)
			}
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
		if h.Get("Permissions-Policy") == "" {
			t.Errorf("%s: no Permissions-Policy", path)
		}
	}
}

func TestCodings(t *testing.T) {
	page := built(t)
	plain := string(page["assets/main-AAAA.js"].Data)
	for accept, want := range map[string]string{
		"":                             "",
		"gzip, deflate, br, zstd":      "br",
		"gzip":                         "gzip",
		"x-gzip":                       "gzip",
		"GZIP":                         "gzip",
		"br;q=0.5, gzip;q=0.8":         "gzip",
		"br ; q=0.5 , gzip ; q=0.1":    "br",
		"br;q=0, gzip;q=0":             "",
		"*":                            "br",
		"*;q=0.5, br;q=0":              "gzip",
		"identity":                     "",
		"identity;q=1, br;q=0.5":       "",
		"identity;q=0.5, gzip":         "gzip",
		"zstd":                         "",
		"br;q=nonsense, gzip;q=2":      "",
		"identity;q=0, gzip;q=0.001":   "gzip",
		"br;q=0.001":                   "br",
		"br;q=1.0;other=1, gzip;q=0.2": "gzip", // the weight of br is invalid
	} {
		r := ask(t, page, "GET", "/assets/main-AAAA.js", "Accept-Encoding", accept)
		if got := r.Header.Get("Content-Encoding"); r.StatusCode != 200 || got != want {
			t.Errorf("%q: %d %q, want %q", accept, r.StatusCode, got, want)
		}
		if r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: Vary %q", accept, r.Header.Get("Vary"))
		}
		var content io.Reader = r.Body
		switch want {
		case "br":
			content = brotli.NewReader(r.Body)
		case "gzip":
			var err error
			if content, err = gzip.NewReader(r.Body); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := io.ReadAll(content); err != nil || string(got) != plain {
			t.Errorf("%q: another content, %v", accept, err)
		}
	}
	for _, accept := range []string{"identity;q=0", "*;q=0"} {
		if r := ask(t, page, "GET", "/assets/main-AAAA.js", "Accept-Encoding", accept); r.StatusCode != 406 {
			t.Errorf("%q: %d, want 406", accept, r.StatusCode)
		}
	}
	if r := ask(t, page, "GET", "/", "Accept-Encoding", "br"); r.Header.Get("Content-Encoding") != "" || r.Header.Get("Vary") != "" {
		t.Error("a file without compressed copies has Vary")
	}
}

func TestConditionsAndHead(t *testing.T) {
	page := built(t)
	const path = "/assets/main-AAAA.js"
	tags := map[string]bool{}
	for _, coding := range []string{"br", "gzip", "identity"} {
		first := ask(t, page, "GET", path, "Accept-Encoding", coding)
		etag := first.Header.Get("ETag")
		tags[etag] = true
		for _, condition := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
			r := ask(t, page, "GET", path, "Accept-Encoding", coding, "If-None-Match", condition)
			if r.StatusCode != 304 || read(t, r) != "" || r.Header.Get("ETag") != etag || r.Header.Get("Cache-Control") == "" {
				t.Errorf("%s, If-None-Match %s: %d", coding, condition, r.StatusCode)
			}
		}
		if r := ask(t, page, "GET", path, "Accept-Encoding", coding, "If-None-Match", `"other"`); r.StatusCode != 200 {
			t.Errorf("%s, another tag: %d", coding, r.StatusCode)
		}
		head := ask(t, page, "HEAD", path, "Accept-Encoding", coding)
		if read(t, head) != "" || !maps.EqualFunc(head.Header, first.Header, func(a, b []string) bool { return strings.Join(a, "\n") == strings.Join(b, "\n") }) {
			t.Errorf("%s: HEAD %v, GET %v", coding, head.Header, first.Header)
		}
	}
	if len(tags) != 3 {
		t.Errorf("%d tags for three codings", len(tags))
	}
}

func TestRefusals(t *testing.T) {
	page := built(t)
	for _, test := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/nowhere", 404, "the inspector is at /"},
		{"GET", "/assets/", 404, "nothing at this URL"},
		{"GET", "/.gitkeep", 404, "nothing at this URL"},
		{"GET", "/assets/main-AAAA.js.br", 404, "nothing at this URL"},
		{"GET", "/../site.go", 404, "nothing at this URL"},
		{"POST", "/", 405, "use GET or HEAD"},
	} {
		r := ask(t, page, test.method, test.path)
		if text := read(t, r); r.StatusCode != test.status || !strings.Contains(text, test.says) {
			t.Errorf("%s %s: %d %q", test.method, test.path, r.StatusCode, text)
		}
		if got := r.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("%s %s: %s", test.method, test.path, got)
		}
	}
}

func TestWithoutAPage(t *testing.T) {
	r := ask(t, fstest.MapFS{".gitkeep": {}}, "GET", "/")
	if text := read(t, r); r.StatusCode != 503 || !strings.Contains(text, "make build") {
		t.Errorf("%d %q", r.StatusCode, text)
	}
}

func TestLiveFollowsTheIndex(t *testing.T) {
	page := built(t)
	h := Live(page)
	get := func() string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		return w.Body.String()
	}
	before := get()
	page["index.html"] = &fstest.MapFile{Data: []byte("<!doctype html>new"), ModTime: time.Unix(2, 0)}
	if after := get(); before == after || !strings.HasSuffix(after, "new") {
		t.Errorf("%q, then %q", before, after)
	}
}

// TestEmbeddedPage checks the page that is embedded in this test. In a clean clone there is
// none, and the answer says so; after `make build` everything that index.html names is there
// and within its size limit.
func TestEmbeddedPage(t *testing.T) {
	h, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	all := h.files()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if all[indexName] == nil {
		if w.Code != 503 {
			t.Errorf("no page is embedded, but the answer is %d", w.Code)
		}
		return
	}
	var module, rest int
	for name, f := range all {
		size := len(f.bodies["identity"].content)
		if br, ok := f.bodies["br"]; ok {
			size = len(br.content)
		}
		switch {
		case strings.HasSuffix(name, ".wasm"):
			module += size
		case !strings.HasSuffix(name, ".txt"):
			rest += size
		}
	}
	if module == 0 || module > 480_000 {
		t.Errorf("the WASM module is %d bytes compressed, at most 480 KB allowed", module)
	}
	if rest > 100_000 {
		t.Errorf("the page and its demos are %d bytes compressed without the WASM module, at most 100 KB allowed", rest)
	}
	for part := range strings.SplitSeq(w.Body.String(), `"`) {
		if name, ok := strings.CutPrefix(part, "/assets/"); ok && all["assets/"+name] == nil {
			t.Errorf("index.html names /assets/%s, which is not there", name)
		}
	}
}

func FuzzAcceptEncoding(f *testing.F) {
	for _, seed := range []string{"", "br", "gzip;q=0.5, *;q=0", "identity;q=0", ";q=", "br;q=NaN", ",,;", "x-gzip ; Q=1"} {
		f.Add(seed)
	}
	all := &file{bodies: map[string]body{"identity": {}, "br": {}, "gzip": {}}}
	plain := &file{bodies: map[string]body{"identity": {}}}
	f.Fuzz(func(t *testing.T, accept string) {
		if coding := all.negotiate([]string{accept}); coding != "" {
			if _, ok := all.bodies[coding]; !ok {
				t.Errorf("%q: %q, which there is not", accept, coding)
			}
		}
		if coding := plain.negotiate([]string{accept}); coding != "" && coding != "identity" {
			t.Errorf("%q: %q, which there is not", accept, coding)
		}
	})
}
