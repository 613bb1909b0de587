// Options: the limits of a connection, and their defaults.

package websocket

import (
	"time"

	"framescope/server/memory"
)

// Options are the limits of a connection, and what both ends may agree on. A field that is zero
// has its default.
type Options struct {
	// MaxMessageSize is the largest message that is accepted, in bytes of all its fragments
	// together: 16 MiB by default. A larger one closes the connection with 1009 as soon as
	// its header shows the size.
	MaxMessageSize int64
	// IdleTimeout is how long a peer may be silent before it is pinged: 60 s by default.
	IdleTimeout time.Duration
	// PongTimeout is how long a peer may be silent after it was pinged: 30 s by default. Then
	// the connection is closed with 1008.
	PongTimeout time.Duration
	// FrameTimeout is how long a frame may take to arrive: 30 s by default, and a second more
	// for each 16 KiB that have arrived. A slower one closes the connection with 1008.
	FrameTimeout time.Duration
	// MessageTimeout is how long a message may take to arrive, all its fragments together:
	// 60 s by default, and a second more for each 16 KiB that have arrived. A slower one
	// closes the connection with 1008.
	MessageTimeout time.Duration
	// WriteTimeout is how long a write may wait for the peer to read: 10 s by default. Then the
	// connection is ended. Where several writes follow each other, the time begins anew for
	// the next one only if the peer has read at least 16 KiB a second.
	WriteTimeout time.Duration
	// CloseTimeout is how long a close handshake may take: 3 s by default.
	CloseTimeout time.Duration
	// OnPong, if not nil, is called by the reader with the payload of each pong, which is
	// valid until OnPong returns. Once Close is called it is not called any more.
	OnPong func(payload []byte)
	// Compression says how messages are compressed.
	Compression Compression
	// SendQueue is how many bytes may wait in [Conn.Send]: 1 MiB by default.
	SendQueue int
	// Memory, if not nil, limits what is queued or incomplete in all connections together. A
	// connection that is closed for others is closed with 1013, or with 1009 if it keeps more
	// than an eighth of the limit; its error is memory.ErrFull or memory.ErrTooLarge.
	Memory *memory.Budget
}

// minFrameRate is how many bytes a second a frame, and a message, must bring on average once
// FrameTimeout or MessageTimeout is used up, and how many a peer must read on average for
// WriteTimeout to begin anew.
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
