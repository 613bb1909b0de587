// The client against servers that behave unusually, over real sockets.

package connect_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"framescope/protocol"
	"framescope/server/connect"
	"framescope/server/websocket"
)

// says is a server that accepts each connection and sends frames behind its answer. It
// answers a close frame, whatever came before.
func says(t *testing.T, head, frames string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c, head, frames)
		}
	}()
	return "ws://" + l.Addr().String() + "/"
}

func answer(c net.Conn, head, frames string) {
	defer c.Close()
	r := bufio.NewReader(c)
	request, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		protocol.AcceptKey(request.Header.Get("Sec-WebSocket-Key")) + "\r\n" + head + "\r\n" + frames
	if _, err := io.WriteString(c, answer); err != nil {
		return
	}
	var all []byte
	d := protocol.Decoder{From: protocol.Client}
	for {
		some := make([]byte, 4096)
		n, err := r.Read(some)
		all = append(all, some[:n]...)
		for {
			ev, n := d.Next(all)
			if all = all[n:]; n == 0 {
				break
			}
			if d.Header().Opcode == protocol.OpClose && ev.End {
				_, _ = io.WriteString(c, "\x88\x02\x03\xe8")
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// options are those of a client that ends when its input does.
func options(url string) connect.Options {
	return connect.Options{URL: url, Timeout: 10 * time.Second, MaxMessageSize: 1 << 20}
}

// TestUnsolicitedPong: one that comes before the first ping leaves is not ours.
func TestUnsolicitedPong(t *testing.T) {
	url := says(t, "", "\x8a\x011\x8a\x012")
	for range 50 {
		o := options(url)
		o.Ping = time.Hour
		var out, notes bytes.Buffer
		if err := connect.Run(t.Context(), o, strings.NewReader(""), &out, &notes); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 0 {
			t.Errorf("standard output: %q", out.String())
		}
	}
}

// hostile is what would clear a terminal, set its title, turn text round and hide it.
const hostile = "\x1b[2J\x1b]0;title\a\b\u009b31m\u202e\u2066\u200f\u2028\x7f\u3164"

const hostileShown = `\x1b[2J\x1b]0;title\a\b\u009b31m\u202e\u2066\u200f\u2028\x7f\u3164`

// TestNothingCommandsATerminal: what comes from the wire is escaped in all that is for
// people, and unchanged where it is for programs.
func TestNothingCommandsATerminal(t *testing.T) {
	message := hostile + "\r\n< two\tlines\n"
	frames := "\x81" + string([]byte{byte(len(message))}) + message + "\x82\x02\x9b\xff" +
		"\x88" + string([]byte{byte(2 + len(hostile))}) + "\x0f\xa0" + hostile
	url := says(t, "X-Evil: \u009b31m\u202e\u3164 \x9b\r\n", frames)
	for terminal, want := range map[bool]string{
		false: message + "\n\x9b\xff\n",
		true:  hostileShown + "\n    < two\tlines\n    \n\\x9b\\xff\n",
	} {
		o := options(url)
		o.Raw, o.Terminal = true, terminal
		never, end := io.Pipe()
		var out, notes bytes.Buffer
		err := connect.Run(t.Context(), o, never, &out, &notes)
		end.Close()
		if closed := new(websocket.CloseError); !errors.As(err, &closed) || closed.Code != 4000 || closed.Reason != hostile {
			t.Errorf("ended with %v", err)
		}
		if got := out.String(); got != want {
			t.Errorf("terminal %v: standard output %q, want %q", terminal, got, want)
		}
		for _, part := range []string{
			`< X-Evil: \u009b31m\u202e\u3164 \x9b` + "\n",
			"\n        \"" + hostileShown + `\r\n< two\tlines\n"`,
			"4000 private use: \"" + hostileShown + `"`,
		} {
			if !strings.Contains(notes.String(), part) {
				t.Errorf("%q is not in %q", part, notes.String())
			}
		}
		harmless(t, notes.String())
	}
}

// harmless fails when lines of text hold what cannot be seen.
func harmless(t *testing.T, text string) {
	t.Helper()
	for _, c := range strings.ReplaceAll(text, "\n", "") {
		if !unicode.IsPrint(c) || c == '\u3164' {
			t.Errorf("%U stands in %q", c, text)
		}
	}
}

// A head that no client takes is shown nevertheless.
func TestBrokenHeadIsShownEscaped(t *testing.T) {
	o := options(says(t, "X-Evil: "+hostile+"\r\n", ""))
	o.Raw = true
	var out, notes bytes.Buffer
	if err := connect.Run(t.Context(), o, strings.NewReader(""), &out, &notes); err == nil {
		t.Error("a head with control characters is taken")
	}
	if !strings.Contains(notes.String(), "< X-Evil: "+hostileShown+"\n") {
		t.Errorf("%q", notes.String())
	}
	harmless(t, notes.String())
}
