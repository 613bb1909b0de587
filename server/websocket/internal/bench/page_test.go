// A page that watches, as far as the server can tell: it takes every batch, gives
// credit for it, and counts what it was shown and what it lost.

package bench

import (
	"encoding/binary"
	"fmt"

	"framescope/protocol"
	"framescope/protocol/feed"
	"framescope/server/watch"
)

type page struct {
	client *client
	shown  uint64 // frames
	lost   uint64 // frames that were dropped, since it was too slow
}

// watch adds a page to the load.
func (l *load) watch(addr string) error {
	fields := "Sec-WebSocket-Protocol: " + watch.Subprotocol + "\r\n"
	c, err := l.add(addr, "/ws/inspect", fields, frame(protocol.OpText, 0, []byte("1")))
	if err != nil {
		return err
	}
	l.page = &page{client: c}
	c.samples = func(int) bool { return true }
	c.check = l.page.take
	return nil
}

// take walks the records of a batch.
func (p *page) take(_ int, _ bool, batch []byte) error {
	var r feed.Record
	for len(batch) > 0 {
		n, err := r.Parse(batch)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("a batch ends inside a record: %d bytes are left", len(batch))
		}
		switch r.Kind {
		case feed.Frame:
			p.shown++
		case feed.Run:
			for range r.Frames() {
				p.shown++
			}
		case feed.Lost:
			p.lost += binary.LittleEndian.Uint64(r.Data)
		}
		batch = batch[n:]
	}
	return nil
}

// seen is the share of frames that a page was shown, 0 without one.
func (l *load) seen() float64 {
	if l.page == nil || l.page.shown == 0 {
		return 0
	}
	return float64(l.page.shown) / float64(l.page.shown+l.page.lost)
}
