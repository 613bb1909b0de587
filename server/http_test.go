// Tests of the URLs, and of bad input: in HTTP, before it and after it.

package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// rawConn opens a TCP connection and sends nothing.
func rawConn(t testing.TB, base string) net.Conn {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.DialTimeout("tcp", u.Host, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

const handshakeRequest = "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// rawSocket opens a TCP connection and completes the opening handshake on it.
func rawSocket(t testing.TB, base, path string) net.Conn {
	t.Helper()
	c := rawConn(t, base)
	fmt.Fprintf(c, handshakeRequest, path)
	// The reader may buffer no frame: /ws/echo sends none before it has received one.
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v %v", response, err)
	}
	return c
}

func TestURLs(t *testing.T) {
	base := startServer(t, func(c *config) { c.hosts = []string{"scope.example"} })
	upgrade := map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	}
	for _, test := range []struct {
		method, path, host string
		fields             map[string]string
		status             int
		says               string
	}{
		{"GET", "healthz", "", nil, 200, "ok"},
		{"HEAD", "healthz", "", nil, 200, ""},
		{"POST", "healthz", "", nil, 405, "use GET or HEAD"},
		{"DELETE", "healthz", "", nil, 405, "use GET or HEAD"},
		{"OPTIONS", "healthz", "", nil, 405, "use GET or HEAD"},
		{"GET", "nowhere", "", nil, 404, "the inspector is at /"},
		{"GET", "files/", "", nil, 404, "the inspector is at /"}, // without --files
		{"GET", "ws/nowhere", "", nil, 404, "/ws/echo"},
		{"GET", "ws/nowhere", "", upgrade, 404, "/ws/echo"},
		{"GET", "ws/echo", "", nil, 426, "\n"},
		{"GET", "ws/chat", "", nil, 426, "\n"},
		{"GET", "ws/inspect", "", nil, 426, "\n"},
		{"POST", "ws/echo", "", nil, 405, "\n"},
		{"POST", "ws/chat", "", upgrade, 405, "\n"},
		{"POST", "", "", nil, 405, "use GET or HEAD"},
		{"GET", "healthz", "scope.example:8080", nil, 200, "ok"},
		{"GET", "healthz", "127.0.0.1:1", nil, 200, "ok"},
		{"GET", "healthz", "[::1]:1", nil, 200, "ok"},
		{"GET", "healthz", "evil.example", nil, 403, "--allow-host"},
		{"GET", "", "evil.example", nil, 403, "--allow-host"},
		{"GET", "ws/echo", "evil.example", upgrade, 403, "--allow-host"},
		{"GET", "ws/inspect", "", upgrade, 400, "framescope.v1"},
	} {
		response, text, err := request(t, test.method, base+test.path, test.host, test.fields, "")
		if err != nil || response.StatusCode != test.status || !strings.Contains(string(text), test.says) {
			t.Errorf("%s /%s, Host %q: %d %q, %v; want %d %q", test.method, test.path, test.host, response.StatusCode, text, err, test.status, test.says)
		}
		if test.status == 405 && !strings.Contains(response.Header.Get("Allow"), "GET") {
			t.Errorf("%s /%s: Allow %q", test.method, test.path, response.Header.Get("Allow"))
		}
	}
}

// request sends a request with a Host field, unless host is "", and other fields, and returns the
// response with its body. err is that of reading the body.
func request(t *testing.T, method, url, host string, fields map[string]string, body string) (response *http.Response, text []byte, err error) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	for name, value := range fields {
		r.Header.Set(name, value)
	}
	response, err = http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	return response, text, err
}

// answer sends raw bytes and returns what the server sends until it closes.
func answer(t *testing.T, base, sent string) string {
	t.Helper()
	c := rawConn(t, base)
	go func() { _, _ = io.WriteString(c, sent) }() // the server may close before it has read all
	got, err := io.ReadAll(c)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("reading the answer: %v", err)
	}
	return string(got)
}

func TestUnfinishedHandshakeTimesOut(t *testing.T) {
	base := startServer(t, func(c *config) { c.headerTimeout = 100 * time.Millisecond })
	for _, half := range []string{"", "GET /ws/ec", "GET /ws/echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: webso"} {
		got := answer(t, base, half)
		if got != "" && !strings.HasPrefix(got, "HTTP/1.1 4") {
			t.Errorf("%q: %q", half, got)
		}
	}
}

func TestHugeHeaderIsRefused(t *testing.T) {
	base := startServer(t, nil)
	got := answer(t, base, "GET /ws/echo HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("%.200q, want 431", got)
	}
}

func TestTLSOnThePlainPortIsRefused(t *testing.T) {
	base := startServer(t, nil)
	c := rawConn(t, base)
	var received strings.Builder
	err := tls.Client(recorded{c, &received}, &tls.Config{ServerName: "localhost"}).HandshakeContext(t.Context())
	var notTLS tls.RecordHeaderError
	if !errors.As(err, &notTLS) || !strings.HasPrefix(received.String(), "HTTP/1.1 400 ") {
		t.Errorf("%v, received %q; want 400", err, received.String())
	}
}

// recorded is a connection that copies what is read from it to received.
type recorded struct {
	net.Conn
	received io.Writer
}

func (r recorded) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	_, _ = r.received.Write(p[:n])
	return n, err
}

// TestTenThousandFragments checks that a message in ten thousand fragments is echoed whole.
func TestTenThousandFragments(t *testing.T) {
	c := rawSocket(t, startServer(t, nil), "/ws/echo")
	const n = 10_000
	fragment := func(first byte) string { return string([]byte{first, 0x81, 0, 0, 0, 0, 'x'}) }
	sent := fragment(0x01) + strings.Repeat(fragment(0x00), n-2) + fragment(0x80)
	if _, err := io.WriteString(c, sent); err != nil {
		t.Fatal(err)
	}
	want := string([]byte{0x81, 126, n >> 8, n & 0xff}) + strings.Repeat("x", n)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("%.20q, %v", got, err)
	}
}

// TestBadInputDoesNotDisturbOthers checks that a peer is served while others misbehave.
func TestBadInputDoesNotDisturbOthers(t *testing.T) {
	base := startServer(t, nil)
	half := rawConn(t, base)
	_, _ = io.WriteString(half, "GET /ws/echo HTTP/1.1\r\nHo")
	connectStubbornPeers(t, base)
	watcher := rawConn(t, base) // never reads
	fmt.Fprint(watcher, strings.Replace(fmt.Sprintf(handshakeRequest, "/ws/inspect"), "\r\n\r\n", "\r\nSec-WebSocket-Protocol: framescope.v1\r\n\r\n", 1))
	if err := exchange(rawSocket(t, base, "/ws/echo"), maskedFrame(1000), 20_000); err != nil {
		t.Error(err)
	}
	c := dial(t, base, "/ws/echo")
	for i := range 100 {
		want := fmt.Sprint("message ", i)
		if err := c.WriteMessage(1, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.ReadMessage(); err != nil || string(got) != want {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if err := half.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := half.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("half a handshake was answered: %v", err)
	}
}
