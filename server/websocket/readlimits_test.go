// Read limits, by a clock that a test can turn: each 16 KiB adds a second.

package websocket_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// A peer that sends 16 KiB each 1.2 seconds keeps within limits of two seconds for three pieces
// only if each adds a second. Then it stops, and is closed when those are over.
func TestEach16KiBAddsASecond(t *testing.T) {
	const piece, interval, pieces = 16 << 10, 1200 * time.Millisecond, 3
	frame := masked(protocol.OpBinary, true, strings.Repeat("x", 5*piece))
	var fragments []string
	for i := range 5 {
		op := protocol.OpContinuation
		if i == 0 {
			op = protocol.OpBinary
		}
		fragments = append(fragments, string(masked(op, false, strings.Repeat("x", piece))))
	}
	header := len(frame) - 5*piece
	whole := []string{string(frame[:header+piece]), string(frame[header+piece:][:piece]), string(frame[header+2*piece:][:piece])}
	for name, test := range map[string]struct {
		options websocket.Options
		pieces  []string
		slow    error
	}{
		"frame":   {websocket.Options{FrameTimeout: 2 * time.Second}, whole, websocket.ErrSlowFrame},
		"message": {websocket.Options{MessageTimeout: 2 * time.Second}, fragments[:pieces], websocket.ErrSlowMessage},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := test.options
				o.CloseTimeout = time.Millisecond // the peer reads no close frame
				o.WriteTimeout = time.Millisecond
				nc, c := piped(t, o)
				// The first bytes begin the frame or the message: from here time counts.
				if _, err := startReading(c, nc, test.pieces[0][:header]); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				test.pieces[0] = test.pieces[0][header:]
				for i, p := range test.pieces {
					time.Sleep(interval)
					if _, err := nc.Write([]byte(p)); err != nil {
						t.Fatalf("piece %d after %v: %v, %v", i, time.Since(began), err, c.Err())
					}
				}
				<-c.Done()
				if want := (2 + pieces) * time.Second; time.Since(began).Round(100*time.Millisecond) != want {
					t.Errorf("ended after %v, want %v", time.Since(began), want)
				}
				if !errors.Is(c.Err(), test.slow) {
					t.Error(c.Err())
				}
			})
		})
	}
}

// startReading has c read, and sends it the first bytes.
func startReading(c *websocket.Conn, nc net.Conn, first string) (int, error) {
	go c.ReadMessage()
	return nc.Write([]byte(first))
}
