//go:build linux

// A reader of the capture, as the page is one, which checks what it reads.

package soak

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"framescope/protocol"
	"framescope/protocol/feed"
	"framescope/server/websocket"
)

// maxBatch is README's bound of a batch.
const maxBatch = 256 << 10

// viewer follows a feed.
type viewer struct {
	conn    *websocket.Conn
	seen    func(r feed.Record) error // is shown each record, runs as single frames; may be nil
	within  time.Duration             // how long it waits for a batch
	batches int
	largest int // batch
	frames  uint64
	lost    uint64
	begun   bool
	told    bool // what was before its time
	open    map[uint32]bool
}

// view opens a feed.
func view(s *server) (*viewer, error) {
	options := websocket.DialOptions{Subprotocols: []string{"framescope.v1"}, Proxy: websocket.NoProxy}
	options.MaxMessageSize = 1 << 30 // what is larger than it may be is to be told
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, s.url("ws", "/ws/inspect"), &options)
	if err != nil {
		return nil, refusedWhileEnding{err}
	}
	return &viewer{conn: c, within: patience, open: map[uint32]bool{}}, nil
}

// Close ends the connection without a handshake.
func (v *viewer) Close() error {
	v.conn.CloseNow()
	return nil
}

// next reads a batch, checks it and, if asked to, gives credit for another.
func (v *viewer) next(credit bool) error {
	v.conn.SetReadDeadline(time.Now().Add(v.within))
	op, batch, err := v.conn.ReadMessage()
	if err != nil {
		return err
	}
	if op != protocol.OpBinary {
		return fmt.Errorf("a batch is a %v message", op)
	}
	v.batches++
	v.largest = max(v.largest, len(batch))
	for len(batch) > 0 {
		r, n, err := feed.Parse(batch)
		if err != nil || n == 0 {
			return fmt.Errorf("batch %d does not consist of whole records: %d bytes are left, %v", v.batches, len(batch), err)
		}
		if err := v.take(r); err != nil {
			return fmt.Errorf("batch %d: %w", v.batches, err)
		}
		batch = batch[n:]
	}
	if v.largest > maxBatch {
		return fmt.Errorf("a batch of %d bytes, %d are the most", v.largest, maxBatch)
	}
	if credit {
		return v.credit(1)
	}
	return nil
}

func (v *viewer) credit(n int) error {
	return v.conn.WriteMessage(protocol.OpText, []byte(strconv.Itoa(n)))
}

// take checks a record against those before it.
func (v *viewer) take(r feed.Record) error {
	if v.begun == (r.Kind == feed.Begin) {
		return fmt.Errorf("a record of kind %d, begun: %v", r.Kind, v.begun)
	}
	switch r.Kind {
	case feed.Begin:
		v.begun = true
	case feed.Open:
		v.open[r.Conn] = true
	case feed.Known:
		v.told = true
		known := map[uint32]bool{}
		for ids := r.Data; len(ids) >= 4; ids = ids[4:] {
			known[binary.LittleEndian.Uint32(ids)] = true
		}
		for id := range v.open {
			if !known[id] {
				delete(v.open, id)
			}
		}
	case feed.Lost:
		v.lost += binary.LittleEndian.Uint64(r.Data)
	case feed.Closed, feed.Head, feed.Frame, feed.Run:
		if !v.open[r.Conn] {
			return fmt.Errorf("a record of kind %d of connection %d, which is not open", r.Kind, r.Conn)
		}
		if r.Kind == feed.Closed {
			delete(v.open, r.Conn)
		}
	}
	return v.show(r)
}

func (v *viewer) show(r feed.Record) error {
	if r.Kind == feed.Frame || r.Kind == feed.Run {
		for f := range r.Frames() {
			v.frames++
			if v.seen != nil {
				if err := v.seen(f); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if v.seen == nil {
		return nil
	}
	return v.seen(r)
}

// watch follows the feed as the page does until it is time to leave.
func (c *company) watch(here func()) error {
	v, err := view(c.server)
	if err != nil {
		return err
	}
	v.within = time.Second // to look up whether it is time to leave
	for last := time.Now(); !c.done(); {
		switch err := v.next(true); {
		case err == nil:
			last = time.Now()
			here()
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case time.Since(last) > patience:
			return fmt.Errorf("no batch for %v: %w", patience, err)
		}
	}
	return v.conn.Close(protocol.CloseNormal, "")
}
