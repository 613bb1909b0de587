// Pings that wait for their pongs.

package websocket

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"framescope/protocol"
)

// Ping sends a ping and waits for its pong: nil says that the peer is there. Another goroutine
// must be reading, since it is the reader that receives the pong; so Ping must be called neither
// by the goroutine that reads nor from OnPong.
//
// When ctx is done first, the error is ctx.Err() and context.Cause(ctx), and the connection goes
// on, unless only a part of the ping could be sent. A ctx without a
// deadline is given PongTimeout, and its error is [ErrNoPong] too. If the connection ends, its
// [CloseError] is returned. Any number of goroutines may ping at once.
func (c *Conn) Ping(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.link.options.PongTimeout, ErrNoPong)
		defer cancel()
	}
	w := &pingWait{payload: pingPrefix() + strconv.FormatUint(pingNumber.Add(1), 10), answered: make(chan struct{})}
	l := joinPings(&c.out)
	defer l.leave(&c.out, w)
	select {
	case l.sending <- struct{}{}: // one after the other, so that the list has the order of the wire
	case <-c.Done():
		return c.pingFailed(ctx)
	case <-ctx.Done():
		return c.pingFailed(ctx)
	}
	l.add(w)
	err := c.out.underContext(ctx, "send ping", func(call *writeCall) error {
		return c.out.sendControl(protocol.OpPing, []byte(w.payload), call)
	})
	<-l.sending
	if err != nil && ctx.Err() == nil && c.Err() != nil {
		return c.Err() // which says more than ErrClosed
	}
	if err != nil {
		return err
	}
	select {
	case <-w.answered:
		return nil
	case <-c.Done():
		return c.pingFailed(ctx)
	case <-ctx.Done():
		return c.pingFailed(ctx)
	}
}

// pingFailed returns the error of a ping when its context is done, or the connection, or both.
func (c *Conn) pingFailed(ctx context.Context) error {
	ended := c.Err()
	switch {
	case ctx.Err() == nil:
		return ended
	case ended == nil:
		return contextError("wait for a pong", ctx)
	}
	return fmt.Errorf("%w: %w", contextError("wait for a pong", ctx), ended)
}

// pingNumber makes the payloads of pings differ, pingPrefix from those of SendPing.
var (
	pingNumber atomic.Uint64
	pingPrefix = sync.OnceValue(func() string {
		var b [4]byte
		rand.Read(b[:])
		return "ping " + hex.EncodeToString(b[:]) + " "
	})
)

// pingLists has the pings that wait, of each connection that has any: a field in every Conn
// would take memory of all that have none.
var pingLists sync.Map // *outbound to *pingList

// pingList is the pings of a connection that wait for their pongs.
type pingList struct {
	sending chan struct{} // holds one element while a ping is sent

	mu    sync.Mutex // guards the fields below
	users int        // calls of Ping; with the last one the list is removed
	waits []*pingWait
}

type pingWait struct {
	payload  string
	answered chan struct{}
}

// joinPings returns the connection's list, which the caller leaves.
func joinPings(o *outbound) *pingList {
	for {
		v, _ := pingLists.LoadOrStore(o, &pingList{sending: make(chan struct{}, 1), users: 0})
		l := v.(*pingList)
		l.mu.Lock()
		removed := l.users < 0
		if !removed {
			l.users++
		}
		l.mu.Unlock()
		if !removed {
			return l
		}
	}
}

func (l *pingList) add(w *pingWait) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits = append(l.waits, w)
}

func (l *pingList) leave(o *outbound, w *pingWait) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := slices.Index(l.waits, w); at >= 0 {
		l.waits = slices.Delete(l.waits, at, at+1)
	}
	if l.users--; l.users == 0 {
		l.users = -1
		pingLists.Delete(o)
	}
}

// pongReceived is called by the reader for each pong. It answers the ping of that payload, and
// those sent before it, whose pongs the peer may leave out (RFC 6455 5.5.3).
func (o *outbound) pongReceived(payload []byte) {
	v, ok := pingLists.Load(o)
	if !ok {
		return
	}
	l := v.(*pingList)
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.IndexFunc(l.waits, func(w *pingWait) bool { return w.payload == string(payload) })
	for _, w := range l.waits[:at+1] {
		close(w.answered)
	}
	l.waits = slices.Delete(l.waits, 0, at+1)
}
