// Reading and writing under a context.

package websocket

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Read is [Conn.ReadMessage] under a context. When ctx is done, a read that waits returns an
// error that is ctx.Err() and context.Cause(ctx). The connection goes on and nothing is lost:
// the next read continues where this one stopped.
//
// A deadline of [Conn.SetReadDeadline] bounds the read as well, whichever comes first, with
// the error [os.ErrDeadlineExceeded]. Once Close is called neither counts: CloseTimeout bounds
// the wait instead.
func (c *Conn) Read(ctx context.Context) (Opcode, []byte, error) {
	if ctx.Done() == nil {
		return c.ReadMessage()
	}
	if ctx.Err() != nil {
		return 0, nil, contextError("read message", ctx)
	}
	cancelled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.in.cancelled.Store(true)
		_ = c.in.wake()
		close(cancelled)
	})
	op, p, err := c.ReadMessage()
	if !stop() {
		<-cancelled // so that it does not affect a later read
		c.in.cancelled.Store(false)
		if errors.Is(err, os.ErrDeadlineExceeded) && CloseStatus(err) == 0 {
			err = contextError("read message", ctx)
		}
	}
	return op, p, err
}

// Write is [Conn.WriteMessage] under a context. When ctx is done while the message waits for
// others to be sent, nothing of it is sent and the connection goes on. When ctx is done while only a
// part of the message has been sent, the connection ends, unless the socket accepts the remainder at
// once: the error is a [CloseError], too. In both cases errors.Is reports true for it and ctx.Err()
// or context.Cause(ctx).
//
// WriteTimeout and a deadline of [Conn.SetWriteDeadline] bound the write as well.
func (c *Conn) Write(ctx context.Context, op Opcode, p []byte) error {
	if ctx.Done() == nil {
		return c.WriteMessage(op, p)
	}
	return c.out.underContext(ctx, "write message", func(w *writeCall) error { return c.out.sendMessage(op, p, w) })
}

// underContext makes a write that ctx may cancel.
func (o *outbound) underContext(ctx context.Context, what string, write func(*writeCall) error) error {
	if ctx.Err() != nil {
		return contextError(what, ctx)
	}
	w := &writeCall{ctx: ctx, what: what}
	stop := context.AfterFunc(ctx, func() { w.cancel(o) })
	defer stop()
	err := write(w)
	if err != nil && w.wasCut(o) {
		return fmt.Errorf("%w: %w", contextError(what, ctx), err)
	}
	return err
}

// contextError is the error of a call whose context is done.
func contextError(what string, ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return fmt.Errorf("%s: %w", what, cause)
	}
	return fmt.Errorf("%s: %w: %w", what, err, cause)
}
