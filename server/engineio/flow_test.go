// A test of a peer that sends faster than it reads: it is slowed down.

package engineio_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"framescope/server/engineio"
)

// queueing is an echo that first queues a long message, so that its answers are queued, too.
type queueing struct {
	session *engineio.Session
	all     bool // answers are sent with SendAll, and in two parts
	begun   *bool
}

func (q queueing) Message(binary bool, p []byte) {
	if !*q.begun {
		*q.begun = true
		_ = q.session.Queue(engineio.Prepare(false, make([]byte, 900_000)))
	}
	if q.all {
		_ = q.session.SendAll(engineio.Prepare(binary, p[:1]), engineio.Prepare(binary, p[1:]))
		return
	}
	_ = q.session.Send(binary, p)
}

func (queueing) Closed(engineio.Reason) {}

func TestPeerThatSendsFasterThanItReads(t *testing.T) {
	for name, all := range map[string]bool{"Send": false, "SendAll": true} {
		t.Run(name, func(t *testing.T) {
			p := start(t, engineio.Options{Open: func(s *engineio.Session, _ *http.Request) engineio.Handler {
				return queueing{s, all, new(bool)}
			}})
			c, err := net.Dial("tcp", strings.Split(p.url, "/")[2])
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, "GET /engine.io/?EIO=4&transport=websocket"+idleHandshake)
			r := bufio.NewReader(c)
			if _, err := http.ReadResponse(r, nil); err != nil {
				t.Fatal(err)
			}
			const messages, size = 1000, 16 << 10
			frames := []byte{}
			for n := range messages {
				frames = append(frames, 0x81, 0xfe, size>>8, 0, 0, 0, 0, 0)
				frames = append(frames, '4', byte('a'+n%26))
				frames = append(frames, strings.Repeat("x", size-2)...)
			}
			blocked := make(chan struct{})
			reads := sync.OnceFunc(func() { close(blocked) })
			go func() { // until the server reads no more, and then the remainder
				defer reads()
				rest := frames
				c.SetWriteDeadline(time.Now().Add(time.Second))
				for {
					n, err := c.Write(rest)
					if rest = rest[n:]; !errors.Is(err, os.ErrDeadlineExceeded) {
						break
					}
					c.SetWriteDeadline(time.Time{})
					reads()
				}
			}()
			<-blocked
			c.SetReadDeadline(time.Now().Add(30 * time.Second))
			nextFrame(t, r) // the open packet
			if got := nextFrame(t, r); len(got) != 900_001 {
				t.Errorf("the first message has %d bytes", len(got))
			}
			for n := range messages {
				want := "4" + string(rune('a'+n%26))
				got := nextFrame(t, r)
				if all {
					got = append(got, nextFrame(t, r)[1:]...)
				}
				if len(got) != size || string(got[:2]) != want {
					t.Fatalf("message %d: %d bytes, %.10q", n, len(got), got)
				}
			}
		})
	}
}

// nextFrame reads a frame of a server and returns its payload.
func nextFrame(t *testing.T, r *bufio.Reader) []byte {
	t.Helper()
	var head [10]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		t.Fatal(err)
	}
	size := uint64(head[1])
	switch size {
	case 126:
		io.ReadFull(r, head[:2])
		size = uint64(binary.BigEndian.Uint16(head[:]))
	case 127:
		io.ReadFull(r, head[:8])
		size = binary.BigEndian.Uint64(head[:])
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		t.Fatal(err)
	}
	return payload
}
