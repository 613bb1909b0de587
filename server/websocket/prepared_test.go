// Prepared messages, sent by either end.

package websocket_test

import (
	"io"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

func TestPreparedMessagesInBothRoles(t *testing.T) {
	texts := []string{"", "hello", strings.Repeat("alike ", 1000), strings.Repeat("long and longer ", 20_000)}
	for name, o := range all {
		t.Run(name, func(t *testing.T) {
			client, server := pair(t, o)
			for _, text := range texts {
				m := prepared(websocket.Text, []byte(text)) // one for both
				for from, to := range map[*websocket.Conn]*websocket.Conn{client: server, server: client} {
					for range 2 {
						if err := from.Send(m); err != nil {
							t.Fatal(err)
						}
					}
					reads(t, to, text)
					reads(t, to, text)
				}
			}
		})
	}
}

// A client masks a prepared message with a new key for each frame, and does not change it.
func TestPreparedMessagesAreMaskedAnew(t *testing.T) {
	c, server, _ := dialled(t)
	const text = "the same for all"
	m := prepared(websocket.Text, []byte(text))
	const sent = 50
	for range sent {
		if err := c.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	keys := map[uint32]bool{}
	frame := make([]byte, 2+4+len(text))
	for range sent {
		if _, err := io.ReadFull(server, frame); err != nil {
			t.Fatal(err)
		}
		h, n := protocol.ParseHeader(frame)
		if n != 6 || !h.Masked {
			t.Fatalf("a frame of % x", frame)
		}
		keys[h.MaskingKey] = true
		protocol.Mask(h.MaskingKey, 0, frame[n:])
		if string(frame[n:]) != text {
			t.Fatalf("%q was sent", frame[n:])
		}
	}
	if len(keys) < sent-1 {
		t.Errorf("%d frames have %d keys", sent, len(keys))
	}
}
