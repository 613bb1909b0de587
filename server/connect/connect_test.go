// The client against servers that say what ordinary ones do not, over real sockets.

package connect_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/connect"
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

// TestPongNobodyAskedFor: one that comes before the first ping leaves is not ours.
func TestPongNobodyAskedFor(t *testing.T) {
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
