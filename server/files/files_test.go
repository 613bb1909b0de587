// Tests of the folder: what is served, what is not, and how much at a time.

package files_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"framescope/server/files"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// folder makes a folder of files and serves it under /files/.
func folder(t *testing.T, contents map[string]string) (dir string, server *httptest.Server) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "served")
	for name, content := range contents {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h, err := files.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	server = httptest.NewServer(http.StripPrefix("/files", h))
	t.Cleanup(server.Close)
	return dir, server
}

func request(t *testing.T, server *httptest.Server, method, path string, fields ...string) (*http.Response, string) {
	t.Helper()
	// The path goes to the server as it is, dots and all.
	r, err := http.NewRequest(method, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = path
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestFolder(t *testing.T) {
	dir, server := folder(t, map[string]string{
		"page.html": "<p>page", "script.js": "1", "style.css": "a{}", "plain.txt": "0123456789", "unknown.zzz": "\x00\x01", "empty": "",
		"sub/index.html": "<p>index", "list/a&<b>.txt": "x", "list/c d": "y", "list/%2e": "percent",
		".env": "secret", "list/.git/config": "secret", "outside/x": "",
	})
	if err := os.WriteFile(filepath.Join(dir, "..", "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"inside": "plain.txt", "out": "../secret", "outdir": "..", "absolute": "/etc/passwd", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		path   string
		status int
		kind   string // the beginning of the content type
		says   string
	}{
		{"/files/page.html", 200, "text/html", "<p>page"},
		{"/files/script.js", 200, "text/javascript", "1"},
		{"/files/style.css", 200, "text/css", "a{}"},
		{"/files/plain.txt", 200, "text/plain", "0123456789"},
		{"/files/plain.txt?x=y", 200, "text/plain", "0123456789"},
		{"/files/unknown.zzz", 200, "application/octet-stream", "\x00"},
		{"/files/empty", 200, "text/plain", ""},
		{"/files/inside", 200, "text/plain", "0123456789"},
		{"/files/sub/", 200, "text/html", "<p>index"},
		{"/files/sub", 301, "", ""},
		{"/files/", 200, "text/html", `<a href="./page.html">page.html</a>`},
		{"/files/", 200, "text/html", `<a href="./sub/">sub/</a>`},
		{"/files/list/", 200, "text/html", `<a href="../">../</a>`},
		{"/files/list/", 200, "text/html", `<a href="./a&amp;%3Cb%3E.txt">a&amp;&lt;b&gt;.txt</a>`},
		{"/files/list/", 200, "text/html", `<a href="./c%20d">c d</a>`},
		{"/files/list/", 200, "text/html", `<a href="./%252e">%2e</a>`},
		{"/files/list/c%20d", 200, "text/plain", "y"},
		{"/files/list/%252e", 200, "text/plain", "percent"},
		{"/files/none", 404, "text/plain", "there is no such file"},
		{"/files/plain.txt/", 404, "", ""},
		{"/files/plain.txt/x", 404, "", ""},
		{"/files/out", 404, "", ""},
		{"/files/outdir/secret", 404, "", ""},
		{"/files/absolute", 404, "", ""},
		{"/files/loop", 404, "", ""},
		{"/files/.env", 404, "", ""},
		{"/files/list/.git/config", 404, "", ""},
		{"/files/list/.git/", 404, "", ""},
		{"/files/../secret", 404, "", ""},
		{"/files/%2e%2e/secret", 404, "", ""},
		{"/files/sub/..%2f..%2fsecret", 404, "", ""},
		{"/files/..%5csecret", 404, "", ""},
		{"/files/a%00b", 404, "", ""},
		{"/files/%ff", 404, "", ""},
		{"/files/list//c%20d", 404, "", ""},
		{"/files/" + strings.Repeat("a", 10_000), 404, "", ""},
	} {
		response, body := request(t, server, "GET", test.path)
		if response.StatusCode != test.status || !strings.HasPrefix(response.Header.Get("Content-Type"), test.kind) || !strings.Contains(body, test.says) {
			t.Errorf("%.50s: %d %q %q; want %d %q %q", test.path, response.StatusCode, response.Header.Get("Content-Type"), body, test.status, test.kind, test.says)
		}
		if strings.Contains(body, "secret") || strings.Contains(body, ".env") || strings.Contains(body, ".git") || strings.Contains(body, dir) {
			t.Errorf("%.50s: %q", test.path, body)
		}
		if policy := response.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox") || strings.Contains(policy, "allow-same-origin") ||
			response.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%.50s: its page is not kept apart: %q", test.path, response.Header)
		}
	}
	if response, _ := request(t, server, "GET", "/files/sub"); response.Header.Get("Location") != "./sub/" {
		t.Errorf("redirected to %q", response.Header.Get("Location"))
	}
}

func TestRequests(t *testing.T) {
	_, server := folder(t, map[string]string{"plain.txt": "0123456789"})
	for _, test := range []struct {
		method string
		fields []string
		status int
		body   string
	}{
		{"HEAD", nil, 200, ""},
		{"GET", []string{"Range", "bytes=2-4"}, 206, "234"},
		{"GET", []string{"Range", "bytes=-3"}, 206, "789"},
		{"GET", []string{"Range", "bytes=20-"}, 416, ""},
		{"GET", []string{"If-Modified-Since", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}, 304, ""},
		{"GET", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "script"}, 403, ""},
		{"GET", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "empty"}, 403, ""},
		{"GET", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "document"}, 200, "0123456789"},
		{"GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "script"}, 200, "0123456789"},
		{"POST", nil, 405, ""}, {"PUT", nil, 405, ""}, {"DELETE", nil, 405, ""}, {"OPTIONS", nil, 405, ""},
	} {
		response, body := request(t, server, test.method, "/files/plain.txt", test.fields...)
		if response.StatusCode != test.status || test.body != "" && body != test.body {
			t.Errorf("%s %q: %d %q, want %d %q", test.method, test.fields, response.StatusCode, body, test.status, test.body)
		}
	}
}

func TestLongListIsCut(t *testing.T) {
	contents := map[string]string{}
	for i := range 1200 {
		contents[fmt.Sprintf("%04d", i)] = ""
	}
	_, server := folder(t, contents)
	if response, body := request(t, server, "HEAD", "/files/"); response.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: %d, %d bytes", response.StatusCode, len(body))
	}
	if _, body := request(t, server, "GET", "/files/"); strings.Count(body, "<li>") != 1000 || !strings.Contains(body, "only the first 1000") {
		t.Errorf("%d names listed", strings.Count(body, "<li>"))
	}
}

func TestOpenErrors(t *testing.T) {
	dir, _ := folder(t, map[string]string{"file": ""})
	for _, name := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "file"), ""} {
		if h, err := files.Open(name); err == nil {
			_ = h.Close()
			t.Errorf("%q is opened", name)
		}
	}
}

// TestManySlowClients: clients that do not read hold a bounded number of files open, and others
// are told to wait.
func TestManySlowClients(t *testing.T) {
	_, server := folder(t, map[string]string{"large": strings.Repeat("x", 16<<20), "small": "x"})
	var slow []net.Conn
	for range 256 {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
		fmt.Fprint(c, "GET /files/large HTTP/1.1\r\nHost: localhost\r\n\r\n")
		// Its place is taken once the answer begins.
		if line, err := bufio.NewReaderSize(c, 16).ReadString('\n'); err != nil || !strings.Contains(line, " 200 ") {
			t.Fatalf("%q, %v", line, err)
		}
		slow = append(slow, c)
	}
	if response, body := request(t, server, "GET", "/files/small"); response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
		t.Errorf("%d %q", response.StatusCode, body)
	}
	for _, c := range slow {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	for until := time.Now().Add(patience); ; {
		response, _ := request(t, server, "GET", "/files/small")
		if response.StatusCode == 200 {
			return
		}
		if time.Now().After(until) {
			t.Fatal("the places of clients that have gone stay taken")
		}
	}
}

// FuzzPath: whatever the path, nothing outside the folder and nothing hidden is sent.
func FuzzPath(f *testing.F) {
	dir := f.TempDir()
	for name, content := range map[string]string{"secret": "secret", "served/.env": "secret", "served/a.txt": "a", "served/sub/.git/x": "secret", "served/sub/b": "b"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	h, err := files.Open(filepath.Join(dir, "served"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = h.Close() })
	for _, path := range []string{"/", "/a.txt", "/sub/", "/sub", "/../secret", "/sub/../../secret", "/.env", "/sub/.git/x", "//a.txt", "/a.txt/", "/./a.txt", "\\..\\secret", "", "/\x00", "/sub/\xff"} {
		f.Add(path, "bytes=0-", true)
	}
	f.Fuzz(func(t *testing.T, path, byteRange string, get bool) {
		r := httptest.NewRequest(http.MethodHead, "/", nil)
		if get {
			r.Method = http.MethodGet
		}
		r.URL.Path = path
		r.Header.Set("Range", byteRange)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), dir) {
			t.Errorf("%q: %d %q", path, w.Code, w.Body)
		}
		if !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%q: no policy", path)
		}
	})
}

// deadlineRecorder records the write deadline that each write has.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	deadline time.Time
	sent     int64
	problem  error
}

func (d *deadlineRecorder) SetWriteDeadline(t time.Time) error {
	d.deadline = t
	return nil
}

func (d *deadlineRecorder) Write(b []byte) (int, error) {
	left, allowed := time.Until(d.deadline), 30*time.Second+time.Duration(d.sent/(16<<10))*time.Second
	if left != allowed && d.problem == nil {
		d.problem = fmt.Errorf("after %d bytes %v are left, want %v", d.sent, left, allowed)
	}
	d.sent += int64(len(b))
	return len(b), nil
}

// TestTimeForAFile: it grows with what the client takes.
func TestTimeForAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, 3<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := files.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, httptest.NewRequest("GET", "/large", nil))
		if w.sent != 3<<20 || w.problem != nil {
			t.Errorf("%d bytes are sent; %v", w.sent, w.problem)
		}
	})
}
