// Tests of TLS: everything is served over it, and what comes without it is told so.

package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/gorilla/websocket"

	"framescope/server/secure"
)

// overTLS makes a server of a test serve with a certificate of its own.
func overTLS(c *config) { c.tls.selfSigned = true }

// trusting returns a client that takes the certificate of the server as it is.
func trusting(t *testing.T) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// get returns the status, the fields and the body of a response.
func get(t *testing.T, c *http.Client, method, address string, fields map[string]string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	response, err := c.Do(r)
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

var upgradeFields = map[string]string{
	"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

// TestPageShowsFramesOverTLS: the browser's frames are recorded as it sent them, not as TLS records.
func TestPageShowsFramesOverTLS(t *testing.T) {
	b := openTab(t, startServer(t, overTLS))
	b.open()
	conn := b.connect()
	b.say("Hello")
	for i, want := range []row{
		{"1", conn, "in", "text", "1", "0", "1", "5", ""},
		{"2", conn, "out", "text", "1", "0", "0", "5", ""},
	} {
		if rows := b.rows(); len(rows) != 2 || rows[i] != want {
			t.Errorf("row %d of %+v, want %+v", i, rows, want)
		}
	}
	b.choose(`[data-dir=out]`)
	if got := hex.EncodeToString(b.bytes()); got != "810548656c6c6f" {
		t.Errorf("the echo's bytes %s", got)
	}
	b.click(byTestID("play-disconnect"))
	b.wait(`tests("conn-row").every((e) => e.dataset.state === "closed")`)

	// The browser may use HTTP/2; gorilla's client uses HTTP/1.1.
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, HandshakeTimeout: patience}
	c, _, err := dialer.Dial(socketURL(b.base, "/ws/echo"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.WriteMessage(websocket.TextMessage, []byte("Hello")); err != nil {
		t.Fatal(err)
	}
	b.wait(`tests("frame-row").some((e) => e.dataset.dir === "out" && e.dataset.conn !== "` + conn + `")`)
	b.choose(`[data-dir=out]:not([data-conn="` + conn + `"])`)
	if got := hex.EncodeToString(b.bytes()); got != "810548656c6c6f" {
		t.Errorf("the echo's bytes %s", got)
	}
}

func TestPageOverTLS(t *testing.T) {
	base := startServer(t, overTLS)
	if !strings.HasPrefix(base, "https://127.0.0.1:") {
		t.Errorf("the ready line names %s", base)
	}
	client := trusting(t)
	if response, body := get(t, client, "GET", base+"healthz", nil); response.StatusCode != 200 || body != "ok\n" {
		t.Errorf("/healthz: %d %q", response.StatusCode, body)
	}
	if response, _ := get(t, client, "GET", base, nil); response.StatusCode != 200 || !strings.Contains(response.Header.Get("Content-Security-Policy"), "wss:") {
		t.Errorf("/: %d %q", response.StatusCode, response.Header)
	}
}

// TestPlainOnTheTLSPort: whoever forgets the s is told.
func TestPlainOnTheTLSPort(t *testing.T) {
	base := startServer(t, overTLS)
	plain := strings.Replace(base, "https:", "http:", 1)
	host := strings.TrimSuffix(strings.TrimPrefix(base, "https://"), "/")
	for _, test := range []struct {
		method, path string
		fields       map[string]string
		status       int
		location     string
		says         string
	}{
		{"GET", "", nil, 308, base, ""},
		{"HEAD", "a%2fb?c=d&e=%20f", nil, 308, base + "a%2fb?c=d&e=%20f", ""},
		{"GET", "/evil.example/", nil, 308, base + "/evil.example/", ""},
		{"GET", "", map[string]string{"Host": "evil.example"}, 403, "", "--allow-host"},
		{"POST", "api/broadcast", nil, 400, "", "TLS only; send it to " + base + "api/broadcast"},
		{"GET", "ws/echo?deflate=off", upgradeFields, 400, "", "TLS only; connect to wss://" + host + "/ws/echo?deflate=off"},
	} {
		response, body := get(t, trusting(t), test.method, plain+test.path, test.fields)
		if response.StatusCode != test.status || response.Header.Get("Location") != test.location || !strings.Contains(body, test.says) {
			t.Errorf("%s /%s: %d to %q, %q; want %d to %q, %q", test.method, test.path,
				response.StatusCode, response.Header.Get("Location"), body, test.status, test.location, test.says)
		}
		if !response.Close {
			t.Errorf("%s /%s: the connection stays open", test.method, test.path)
		}
	}
	for _, garbage := range []string{"\x80\x2e\x01\x00\x02\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "hello\r\n\r\n", "\x00"} {
		c := rawConn(t, base)
		_, _ = io.WriteString(c, garbage)
		_ = c.(interface{ CloseWrite() error }).CloseWrite()
		got, err := io.ReadAll(c)
		if err != nil || len(got) > 0 && !strings.HasPrefix(string(got), "HTTP/1.1 ") {
			t.Errorf("%q: %q, %v", garbage, got, err)
		}
	}
}

func TestOwnOriginWithoutTLS(t *testing.T) {
	for _, test := range []struct {
		local, host, origin string
		own                 bool
	}{
		{"127.0.0.1:443", "127.0.0.1:8080", "http://127.0.0.1:8080", true},
		{"[::1]:443", "localhost:8080", "http://localhost:8080", true},
		{"127.0.0.1:443", "127.0.0.1", "http://127.0.0.1", false}, // port 80 is not ours
		{"127.0.0.1:443", "127.0.0.1:8080", "http://127.0.0.1:8081", false},
		{"127.0.0.1:443", "app.example:8080", "http://app.example:8080", false}, // behind a proxy
		{"192.0.2.1:443", "127.0.0.1:8080", "http://127.0.0.1:8080", false},
		{"192.0.2.1:443", "192.0.2.1:8080", "http://192.0.2.1:8080", false},
	} {
		r := httptest.NewRequest("GET", "https://"+test.host+"/ws/echo", nil)
		r.Header.Set("Origin", test.origin)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(test.local))))
		if isOwnWithoutTLS(r) != test.own {
			t.Errorf("%s at %s, origin %s: %t", test.host, test.local, test.origin, !test.own)
		}
	}
}

// TestSocketsOverTLS: a page of the origin https may connect, one of another port may not, and a
// client that writes http for https may on loopback.
func TestSocketsOverTLS(t *testing.T) {
	base := startServer(t, overTLS)
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, HandshakeTimeout: patience}
	own := strings.TrimSuffix(base, "/")
	c, response, err := dialer.Dial(socketURL(base, "/ws/echo"), http.Header{"Origin": {own}})
	if err != nil {
		t.Fatal(err, response)
	}
	defer c.Close()
	for _, message := range []string{"short", strings.Repeat("long", 100_000)} {
		if err := c.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.ReadMessage(); err != nil || string(got) != message {
			t.Fatalf("received %.20q, %v", got, err)
		}
	}
	dialer.Subprotocols = []string{"framescope.v1"}
	feed, response, err := dialer.Dial(socketURL(base, "/ws/inspect"), http.Header{"Origin": {own}})
	if err != nil {
		t.Fatal(err, response)
	}
	defer feed.Close()
	for _, port := range []string{"", "1"} {
		foreign := strings.Replace(own, "https", "http", 1) + port
		_, response, err = dialer.Dial(socketURL(base, "/ws/echo"), http.Header{"Origin": {foreign}})
		if accepted := err == nil; accepted != (port == "") {
			t.Errorf("the origin %s: %v %v", foreign, response, err)
		}
	}
}

// TestPrintedFingerprint: what is printed before the ready line is the fingerprint of the certificate that
// is served, which is valid for the names that are promised.
func TestPrintedFingerprint(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "--addr", "127.0.0.2:0", "--allow-host", "scope.example", "--tls-self-signed")
	printed := regexp.MustCompile(`(?m)^self-signed certificate, valid until \d{4}-\d\d-\d\d, SHA-256 fingerprint ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})\nlistening on https://`).FindStringSubmatch(p.printed)
	if printed == nil {
		t.Fatalf("printed %q", p.printed)
	}
	u, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	var seen *x509.Certificate
	c, err := tls.Dial("tcp", u.Host, &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		seen = s.PeerCertificates[0]
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "127.0.0.2", "scope.example"} {
		if err := seen.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if got := fmt.Sprintf("%X", sha256.Sum256(seen.Raw)); got != strings.ReplaceAll(printed[1], ":", "") {
		t.Errorf("printed %s, the certificate's is %s", printed[1], got)
	}
}

// writeCertificate makes a certificate and writes it and its key to files.
func writeCertificate(t *testing.T, certFile, keyFile string) {
	t.Helper()
	made, err := secure.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: made.Certificate[0]}, keyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNewCertificate: a connection stays open when the certificate is replaced, and the next client
// sees the new one.
func TestNewCertificate(t *testing.T) {
	t.Parallel()
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	writeCertificate(t, cert, key)
	p := startProcess(t, "--addr", "127.0.0.1:0", "--cert", cert, "--key", key)
	open := func() (*websocket.Conn, string) {
		var seen string
		dialer := websocket.Dialer{HandshakeTimeout: patience, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
			seen = fmt.Sprintf("%X", sha256.Sum256(s.PeerCertificates[0].Raw))
			return nil
		}}}
		c, _, err := dialer.Dial(socketURL(p.url, "/ws/echo"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c, seen
	}
	echoes := func(c *websocket.Conn) {
		t.Helper()
		if err := c.WriteMessage(websocket.TextMessage, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.ReadMessage(); err != nil || string(got) != "x" {
			t.Errorf("received %q, %v", got, err)
		}
	}
	before, old := open()
	echoes(before)
	writeCertificate(t, cert, key)
	if !p.stderr.await("new certificate") {
		t.Fatalf("logged %q", p.stderr)
	}
	after, current := open()
	if old == current || !strings.Contains(strings.ReplaceAll(p.stderr.String(), ":", ""), current) {
		t.Errorf("first the certificate was %s, then %s; logged %q", old, current, p.stderr)
	}
	echoes(before)
	echoes(after)
	if err := os.WriteFile(key, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !p.stderr.await("has no key") {
		t.Fatalf("logged %q", p.stderr)
	}
	after, kept := open()
	if kept != current {
		t.Error("files that cannot be used replace the certificate")
	}
	echoes(after)
}

// TestConnectNamesInsecure: the client says what to do about a certificate that nobody vouches for.
func TestConnectNamesInsecure(t *testing.T) {
	base := startServer(t, overTLS)
	code, _, stderr := invoke(t, "connect", socketURL(base, "/ws/echo"))
	if code != exitFailed || !strings.Contains(stderr, "--insecure") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d, %q", code, stderr)
	}
	code, _, stderr = invoke(t, "connect", socketURL(strings.Replace(base, "https:", "http:", 1), "/ws/echo"))
	if code != exitRefused || !strings.Contains(stderr, "connect to "+socketURL(base, "/ws/echo")) {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

// TestShutdownOverTLS: every WebSocket is closed with 1001, whatever unfinished handshakes and peers that
// do not read there are, and the process ends.
func TestShutdownOverTLS(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "--addr", "127.0.0.1:0", "--tls-self-signed")
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, HandshakeTimeout: patience}
	open := func() *websocket.Conn {
		c, _, err := dialer.Dial(socketURL(p.url, "/ws/echo"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	c := open()
	for range 20 {
		half := rawConn(t, p.url)
		_, _ = half.Write([]byte{22, 3, 1, 2, 0, 1})
		deaf := open()
		go func() {
			for deaf.WriteMessage(websocket.BinaryMessage, make([]byte, 100_000)) == nil {
			}
		}()
	}
	if err := c.WriteMessage(websocket.TextMessage, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("closed with %v", err)
	}
	if code := p.wait(t); code != exitDone {
		t.Errorf("exit %d; %s", code, p.stderr)
	}
}
