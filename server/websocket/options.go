// Limits of a connection, and what they are when nobody chooses.

package websocket

import (
	"time"

	"framescope/server/memory"
)

// Options are the limits of a connection. A zero field takes its default.
type Options struct {
	// MaxMessageSize is the largest message taken, in bytes over all its
	// fragments: 16 MiB. A larger one is refused at its header with 1009.
	MaxMessageSize int64
	// IdleTimeout is how long a peer may be silent before it is pinged: 60 s.
	IdleTimeout time.Duration
	// PongTimeout is how long a pinged peer may stay silent: 30 s.
	PongTimeout time.Duration
	// FrameTimeout is how long a frame may take to arrive, beside the second
	// that each 16 KiB of it adds: 30 s. A slower peer is closed with 1008.
	FrameTimeout time.Duration
	// MessageTimeout is how long a message may take to arrive, over all its
	// fragments and beside the second that each 16 KiB of it adds: 60 s. A slower peer is
	// closed with 1008.
	MessageTimeout time.Duration
	// WriteTimeout is how long a write may wait for a peer that does not read:
	// 10 s; then the connection is dropped.
	WriteTimeout time.Duration
	// CloseTimeout is how long a close handshake may take: 3 s.
	CloseTimeout time.Duration
	// OnPong, if not nil, is called by the reader with the payload of each pong,
	// which is valid until it returns. Once Close is called it is not called any more.
	OnPong func(payload []byte)
	// Compression is permessage-deflate.
	Compression Compression
	// SendQueue is how many bytes may wait in [Conn.Send]: 1 MiB.
	SendQueue int
	// Memory, if not nil, bounds what waits or is unfinished in all connections together.
	// A connection that has to go is closed with 1013, or with 1009 if what it keeps is
	// more than an eighth of that; its error is a memory.ErrFull or memory.ErrTooLarge.
	Memory *memory.Budget
}

// minFrameRate is the rate in bytes a second that a frame, and a message, must keep to on
// average once FrameTimeout or MessageTimeout is used up.
const minFrameRate = 16 << 10

func (o Options) withDefaults() Options {
	if o.MaxMessageSize <= 0 {
		o.MaxMessageSize = 16 << 20
	}
	if o.SendQueue <= 0 {
		o.SendQueue = 1 << 20
	}
	if o.Compression.Level <= 0 || o.Compression.Level > 9 {
		o.Compression.Level = 1
	}
	if o.Compression.Threshold <= 0 {
		o.Compression.Threshold = 256
	}
	for _, d := range []struct {
		field    *time.Duration
		fallback time.Duration
	}{
		{&o.IdleTimeout, 60 * time.Second},
		{&o.PongTimeout, 30 * time.Second},
		{&o.FrameTimeout, 30 * time.Second},
		{&o.MessageTimeout, 60 * time.Second},
		{&o.WriteTimeout, 10 * time.Second},
		{&o.CloseTimeout, 3 * time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.fallback
		}
	}
	return o
}
