//go:build linux

// A reader of the capture's feed that checks what it reads.

package soak

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"framescope/protocol"
	"framescope/protocol/feed"
	"framescope/server/websocket"
)

// maxBatch is the largest batch in bytes that SECURITY.md allows.
const maxBatch = 256 << 10

// viewer reads a feed.
type viewer struct {
	conn    *websocket.Conn
	seen    func(r feed.Record) // called with each record, runs as single frames; may be nil
	within  time.Duration       // how long next waits for a batch
	batches int                 // how many have come
	lost    uint64              // frames that the feed reported as lost
	begun   bool                // the Begin record has come
	open    map[uint32]bool     // connections that are open
}

// view opens the feed of a server.
func view(s *server) (*viewer, error) {
	options := websocket.DialOptions{Subprotocols: []string{"framescope.v1"}, Proxy: websocket.NoProxy}
	options.MaxMessageSize = 1 << 30 // next reports batches that are too large
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

// next reads a batch, checks it and gives credit for another.
func (v *viewer) next() error {
	v.conn.SetReadDeadline(time.Now().Add(v.within))
	op, batch, err := v.conn.ReadMessage()
	if err != nil {
		return err
	}
	if op != protocol.OpBinary {
		return fmt.Errorf("a batch is a %v message", op)
	}
	v.batches++
	size := len(batch)
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
	if size > maxBatch {
		return fmt.Errorf("a batch of %d bytes, at most %d allowed", size, maxBatch)
	}
	return v.conn.WriteMessage(protocol.OpText, []byte("1"))
}

// take checks a record against those before it and calls seen.
func (v *viewer) take(r feed.Record) error {
	if v.begun == (r.Kind == feed.Begin) {
		return fmt.Errorf("record of kind %d: Begin must come once, and first", r.Kind)
	}
	switch r.Kind {
	case feed.Begin:
		v.begun = true
	case feed.Open:
		v.open[r.Conn] = true
	case feed.Known:
		if len(r.Data) < 8 {
			return fmt.Errorf("a range of connections in %d bytes", len(r.Data))
		}
		first, last := binary.LittleEndian.Uint32(r.Data), binary.LittleEndian.Uint32(r.Data[4:])
		known := map[uint32]bool{}
		for ids := r.Data[8:]; len(ids) >= 4; ids = ids[4:] {
			id := binary.LittleEndian.Uint32(ids)
			known[id] = true
			v.open[id] = true // its Open may have been left out
		}
		maps.DeleteFunc(v.open, func(id uint32, _ bool) bool { return id >= first && id <= last && !known[id] })
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
	switch {
	case v.seen == nil:
	case r.Kind == feed.Run:
		for f := range r.Frames() {
			v.seen(f)
		}
	default:
		v.seen(r)
	}
	return nil
}

// watch reads the feed, as the page does, until the clients end.
func (c *clients) watch(ready func()) error {
	v, err := view(c.server)
	if err != nil {
		return err
	}
	defer v.Close()
	v.within = time.Second // then it looks whether the clients should end
	for last := time.Now(); !c.done(); {
		switch err := v.next(); {
		case err == nil:
			last = time.Now()
			ready()
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case time.Since(last) > patience:
			return fmt.Errorf("no batch for %v: %w", patience, err)
		}
	}
	return v.conn.Close(protocol.CloseNormal, "")
}
