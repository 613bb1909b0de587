// A test of churn: thousands of short connections, and a page that shows them.

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"framescope/protocol"
)

// browserRequest is a handshake request of about 600 bytes, as a browser sends it.
const browserRequest = "GET /ws/echo?deflate=off&example=of-a-longer-path HTTP/1.1\r\nHost: %[1]s\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
	"Upgrade: websocket\r\nOrigin: http://%[1]s\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\nCookie: session=0123456789abcdef0123456789abcdef\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"

// visitors opens connections to /ws/echo, has one message echoed on each and closes it.
type visitors struct {
	addr             string
	request, message []byte
	done             atomic.Int64 // connections that have ended
}

// visitFrames is the number of frames on each connection: a message and a close frame in
// each direction.
const visitFrames = 4

func newVisitors(base string) *visitors {
	addr := strings.TrimSuffix(strings.TrimPrefix(base, "http://"), "/")
	return &visitors{addr: addr, request: fmt.Appendf(nil, browserRequest, addr), message: maskedFrame(45)}
}

// visitAll makes connections, several at a time: at most rate per second in all, or as fast as
// possible if rate is 0.
func (v *visitors) visitAll(t testing.TB, connections, rate int) {
	const concurrent = 32
	var next atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for range concurrent {
		all.Go(func() {
			buffer := make([]byte, 4<<10)
			for i := next.Add(1) - 1; i < int64(connections); i = next.Add(1) - 1 {
				if rate > 0 {
					time.Sleep(time.Until(begun.Add(time.Duration(i) * time.Second / time.Duration(rate))))
				}
				if err := v.visit(buffer); err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				v.done.Add(1)
			}
		})
	}
	all.Wait()
}

func (v *visitors) visit(buffer []byte) error {
	nc, err := net.Dial("tcp", v.addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := nc.Write(v.request); err != nil {
		return err
	}
	for n := 0; !bytes.HasSuffix(buffer[:n], []byte("\r\n\r\n")); {
		k, err := nc.Read(buffer[n:])
		if n += k; err != nil {
			return fmt.Errorf("%q: %w", buffer[:n], err)
		}
	}
	if _, err := nc.Write(v.message); err != nil {
		return err
	}
	if _, err := io.ReadFull(nc, buffer[:len(v.message)-4]); err != nil {
		return err
	}
	closeFrame := protocol.AppendHeader(nil, protocol.Header{Fin: true, Masked: true, Opcode: protocol.OpClose, PayloadLength: 2})
	if _, err := nc.Write(append(closeFrame, 3, 232)); err != nil { // 1000
		return err
	}
	_, err = io.ReadAll(nc) // until the server has closed the connection, too
	return err
}

// TestPageFollowsChurn opens and closes thousands of short connections beside one that stays
// open, and checks the numbers that the page shows at the end.
func TestPageFollowsChurn(t *testing.T) {
	base := startServer(t, nil)
	b := openTab(t, base)
	b.open()
	stays := rawSocket(t, base, "/ws/echo")
	if err := exchange(stays, maskedFrame(1), 1); err != nil {
		t.Fatal(err)
	}
	const short, all = 3000, 3001
	newVisitors(base).visitAll(t, short, 0)
	b.wait(fmt.Sprintf(`Number(test("frame-count").dataset.value) === %d`, 2+visitFrames*short))
	b.wait(fmt.Sprintf(`Number(test("conn-count").dataset.value) === %d && Number(test("open-count").dataset.value) === 1`, all))
	b.wait(fmt.Sprintf(`tests("conn-row").length === 200 && Number(test("conn-row").dataset.conn) === %d`, all))
	if open := eval[int](b, `tests("conn-row").filter((e) => e.dataset.state === "open").length`); open != 0 {
		t.Errorf("%d of the newest connections are shown as open", open)
	}
	stays.Close()
	b.wait(`Number(test("open-count").dataset.value) === 0`)
	b.screenshot("churn")
}
