// Tests of connect and decode from the command line: real servers, pipes, exit codes.

package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// runWithInput runs a command line with an input and returns what it wrote.
func runWithInput(t *testing.T, ctx context.Context, in io.Reader, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	root := rootCommand()
	var out, err bytes.Buffer
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(&out)
	root.SetErr(&err)
	code = reportError(&err, root.ExecuteContext(ctx))
	return code, out.String(), err.String()
}

func TestConnectThroughAPipe(t *testing.T) {
	url := socketURL(startServer(t, nil), "/ws/echo")
	for _, c := range []struct {
		in     string
		args   []string
		stdout string
		stderr string // regular expression
	}{
		{"one\ntwo\n", nil, "one\ntwo\n", `^connected to ws://\S+\n$`},
		{"no newline", nil, "no newline\n", ""},
		{"", nil, "", ""},
		{"00ff 10\n", []string{"--hex"}, "00ff10\n", ""},
		{"zz\n", []string{"--hex"}, "", "not sent.*hex.*zz"},
		{"\xff\n", nil, "", "UTF-8"},
		{"\xff\n", []string{"--binary"}, "\xff\n", ""},
		{"/ping\n", []string{"--subprotocol", "framescope.play.v1", "--raw"}, "", `(?s)subprotocol framescope.play.v1.*< @0      server ping FIN length 0\n.*> @\d+ +client pong FIN mask`},
		{strings.Repeat("again and ", 50) + "\n", []string{"--compress", "--raw"}, strings.Repeat("again and ", 50) + "\n", `(?s)permessage-deflate.*client text FIN RSV1 mask .*inflates to 500\n`},
	} {
		code, stdout, stderr := runWithInput(t, t.Context(), strings.NewReader(c.in), append([]string{"connect", url, "--wait", "150ms"}, c.args...)...)
		if code != exitDone || stdout != c.stdout || !regexp.MustCompile(c.stderr).MatchString(stderr) {
			t.Errorf("%q %q: exit %d, stdout %q, stderr %q", c.in, c.args, code, stdout, stderr)
		}
	}
}

func TestConnectPings(t *testing.T) {
	url := socketURL(startServer(t, nil), "/ws/echo")
	_, _, stderr := runWithInput(t, t.Context(), strings.NewReader(""), "connect", url, "--ping", "20ms", "--wait", "200ms")
	if !regexp.MustCompile(`pong 1 after \S+s\npong 2 after`).MatchString(stderr) {
		t.Errorf("stderr %q", stderr)
	}
}

// startEndingServer starts a server, gorilla's, that ends each connection in the way that
// its path names.
func startEndingServer(t *testing.T) (url string) {
	var upgrader websocket.Upgrader
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/refused":
			http.Error(w, "members only", http.StatusForbidden)
			return
		case "/hostile-refused":
			http.Error(w, hostile, http.StatusForbidden)
			return
		}
		c, err := upgrader.Upgrade(w, r, http.Header{"X-Seen": {r.Header.Get("X-Asked")}})
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		switch r.URL.Path {
		case "/away":
			c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1001, ""), time.Now().Add(patience))
		case "/4000":
			c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4000, "enough"), time.Now().Add(patience))
		case "/hostile":
			c.WriteMessage(websocket.TextMessage, []byte(hostile))
			c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4000, hostile), time.Now().Add(patience))
		case "/breach":
			c.NetConn().Write([]byte("\x81\x02\xff\xff"))
		case "/lost":
			return
		}
		c.ReadMessage()
	}))
	t.Cleanup(h.Close)
	return "ws" + strings.TrimPrefix(h.URL, "http")
}

func TestConnectExitCodes(t *testing.T) {
	url := startEndingServer(t)
	for path, want := range map[string]struct {
		code int
		says string
	}{
		"/away":    {exitDone, ""},
		"/4000":    {exitClosed, `4000 private use: enough`},
		"/breach":  {exitBreach, "the server broke the protocol: protocol: text is not valid UTF-8 from byte 0"},
		"/lost":    {exitFailed, "1006 abnormal closure"},
		"/refused": {exitRefused, `server answered with status 403 (RFC 6455 4.1): it says "members only"`},
	} {
		in, typing := io.Pipe() // an input that does not end
		code, _, stderr := runWithInput(t, t.Context(), in, "connect", url+path)
		typing.Close()
		if code != want.code || !strings.Contains(stderr, want.says) {
			t.Errorf("%s: exit %d, %q; want %d, %q", path, code, stderr, want.code, want.says)
		}
	}
}

// hostile is text that would clear a terminal, set its title and reverse the direction of
// the text after it.
const hostile = "\x1b[2J\x1b]0;title\a\b\u009b31m\u202e\u2028\x7fend"

const hostileShown = `\x1b[2J\x1b]0;title\a\b\u009b31m\u202e\u2028\x7fend`

// TestErrorsAreEscaped checks that the text of an error cannot control a terminal.
func TestErrorsAreEscaped(t *testing.T) {
	url := startEndingServer(t)
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitClosed, []string{"connect", url + "/hostile"}},
		{exitRefused, []string{"connect", url + "/hostile-refused"}},
		{exitFailed, []string{"decode", hostile}},
		{exitUsage, []string{"decode", "--format", hostile}},
		{exitUsage, []string{hostile}},
		{exitUsage, []string{"serve", "--" + hostile}},
	} {
		in, typing := io.Pipe()
		code, _, stderr := runWithInput(t, t.Context(), in, c.args...)
		typing.Close()
		// In text that an error quotes with %q each \ is doubled.
		if code != c.code || !strings.Contains(stderr, hostileShown) || strings.ContainsAny(stderr, "\x1b\a\b\u009b\u202e\u2028\x7f") {
			t.Errorf("%q: exit %d, %q", c.args, code, stderr)
		}
	}
}

func TestConnectRefusesInvalidRequests(t *testing.T) {
	for says, args := range map[string][]string{
		"--header \"X\" is not a header field":   {"--header", "X"},
		"has a character that is not allowed":    {"--header", "X: a\x01b"},
		"the subprotocol \"a b\" is not a token": {"--subprotocol", "a b"},
	} {
		code, _, stderr := runWithInput(t, t.Context(), strings.NewReader(""), append([]string{"connect", "ws://127.0.0.1:1"}, args...)...)
		if code != exitUsage || !strings.Contains(stderr, says) {
			t.Errorf("%v: exit %d, %q; want %d, %q", args, code, stderr, exitUsage, says)
		}
	}
}

func TestConnectIsInterrupted(t *testing.T) {
	url := socketURL(startServer(t, nil), "/ws/echo")
	ctx, cancel := context.WithCancel(t.Context())
	in, typing := io.Pipe()
	defer typing.Close()
	go func() {
		typing.Write([]byte("hi\n"))
		cancel() // as SIGINT does
	}()
	if code, _, stderr := runWithInput(t, ctx, in, "connect", url, "--raw"); code != exitDone || !strings.Contains(stderr, "client close FIN") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

// An interruption before there is a connection is a failure.
func TestConnectIsInterruptedEarly(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if nc, err := silent.Accept(); err == nil {
			t.Cleanup(func() { nc.Close() })
			_, _ = nc.Read(make([]byte, 1)) // the request has come, and gets no answer
		}
		cancel()
	}()
	if code, _, stderr := runWithInput(t, ctx, strings.NewReader(""), "connect", "ws://"+silent.Addr().String()); code != exitFailed || !strings.Contains(stderr, "interrupted before there was a connection") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

// The body of a refusal is not shown as frames.
func TestRawShowsNoFramesAfterARefusal(t *testing.T) {
	url := socketURL(startServer(t, nil), "/ws/nothing")
	code, _, stderr := runWithInput(t, t.Context(), strings.NewReader(""), "connect", url, "--raw")
	if code != exitRefused || !strings.Contains(stderr, "< HTTP/1.1 404 Not Found\n") || strings.Contains(stderr, "< @0") || strings.Contains(stderr, "!") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

func TestDecodeIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, typing := io.Pipe()
	defer typing.Close()
	go func() {
		_, _ = typing.Write([]byte("81")) // returns when it has been read, and more is waited for
		cancel()
	}()
	if code, _, stderr := runWithInput(t, ctx, in, "decode"); code != exitFailed || !strings.Contains(stderr, "interrupted") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

func TestDecodeCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "frames.hex")
	if err := os.WriteFile(file, []byte("81 05 48 65 6c 6c 6f"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := runWithInput(t, t.Context(), nil, "decode", file); code != exitDone || stderr != "" || !strings.Contains(stdout, `"Hello"`) {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if code, stdout, stderr := runWithInput(t, t.Context(), strings.NewReader("8101ff"), "decode", "--json", "-"); code != exitBreaches || !strings.Contains(stdout, `"rule":"utf8-invalid"`) || !strings.Contains(stderr, "break the RFC") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if code, stdout, stderr := runWithInput(t, t.Context(), strings.NewReader("HTTP/1.1 403 Forbidden\r\n\r\n\x82\x7e"), "decode"); code != exitFailed || !strings.Contains(stdout, "server HTTP") || !strings.Contains(stderr, "no WebSocket was found") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if code, _, stderr := runWithInput(t, t.Context(), strings.NewReader("810548"), "decode"); code != exitFailed || !strings.Contains(stderr, "the last 4 bytes of payload are missing") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}
