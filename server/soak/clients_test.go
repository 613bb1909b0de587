//go:build linux

// The well-behaved clients that use the server while it is attacked.

package soak

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/protocol"
	"framescope/server/websocket"
)

// clients are the well-behaved clients of one server. Every answer that they get is
// checked and timed.
type clients struct {
	server   *server
	pause    time.Duration   // how long each waits from one exchange to the next
	ctx      context.Context // done when they should close their connections and end
	cancel   context.CancelFunc
	ending   atomic.Bool  // the server has been told to end, and may close with 1001
	again    atomic.Int64 // times that an echo was told to try again later, and did
	times    latencies
	starting sync.WaitGroup // done when each client has had its first answer
	running  sync.WaitGroup

	mu       sync.Mutex
	failures []string
}

// clientTask is what one of the clients does until ctx is done. It calls ready after its
// first answer. An error fails the attack, unless it is how a server ends.
type clientTask struct {
	name string
	run  func(c *clients, ready func()) error
}

// clientTasks lists the clients; those that connect again and again are left out where
// the server cannot accept connections.
func clientTasks(reconnect bool) []clientTask {
	all := []clientTask{
		{"echo, our client", func(c *clients, ready func()) error { return c.echo(dialOurs(c, false), ready) }},
		{"echo, our client, compressed", func(c *clients, ready func()) error { return c.echo(dialOurs(c, true), ready) }},
		{"echo, gorilla", func(c *clients, ready func()) error { return c.echo(dialGorilla(c, false), ready) }},
		{"echo, gorilla, compressed", func(c *clients, ready func()) error { return c.echo(dialGorilla(c, true), ready) }},
		{"chat", (*clients).chat},
		{"capture", (*clients).watch},
		{"HTTP", func(c *clients, ready func()) error { return c.browse(reconnect, ready) }},
	}
	if reconnect {
		all = append(all, clientTask{"reconnecting", (*clients).reconnect})
	}
	return all
}

// startClients starts all clients and returns when each has had an answer.
func startClients(t *testing.T, s *server, of scale, reconnect bool) *clients {
	t.Helper()
	c := &clients{server: s, pause: of.pause}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	t.Cleanup(c.cancel)
	for _, task := range clientTasks(reconnect) {
		c.starting.Add(1)
		ready := sync.OnceFunc(c.starting.Done)
		c.running.Go(func() {
			defer ready()
			if err := task.run(c, ready); err != nil && !(c.ending.Load() && endedInOrder(err)) {
				c.fail("%s: %v", task.name, err)
			}
		})
	}
	c.starting.Wait()
	c.times.take()
	return c
}

// fail records that an answer was wrong or missing.
func (c *clients) fail(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failures) < maxFailures {
		c.failures = append(c.failures, fmt.Sprintf(format, args...))
	}
}

// stop waits until each client has finished its exchange and closed its connection, and
// returns what failed.
func (c *clients) stop() []string {
	c.cancel()
	c.running.Wait()
	return c.failures
}

// mayTryAgain is how often the echo clients may be told to try again later, while peers use
// up all the memory that the server may take: their messages may be larger than those of the
// peers.
const mayTryAgain = 20

// triesAgain reports whether an error asks for another try later: by its close code, or by a reset,
// since with very many connections closed at once the server does not wait until each has read its
// close frame. Where memory is not used up neither may happen.
func (c *clients) triesAgain(err error) bool {
	var ours *websocket.CloseError
	var theirs *gorilla.CloseError
	asked := errors.As(err, &ours) && ours.Code == protocol.CloseTryAgainLater ||
		errors.As(err, &theirs) && theirs.Code == int(protocol.CloseTryAgainLater) ||
		errors.Is(err, syscall.ECONNRESET)
	return asked && c.again.Add(1) <= mayTryAgain
}

// done reports whether the clients should end.
func (c *clients) done() bool { return c.ctx.Err() != nil }

// endedInOrder reports whether an error is how a server that ends may end a connection:
// close code 1001, or no new connection.
func endedInOrder(err error) bool {
	var ours *websocket.CloseError
	var theirs *gorilla.CloseError
	var refused refusedWhileEnding
	return errors.As(err, &ours) && ours.Code == protocol.CloseGoingAway ||
		errors.As(err, &theirs) && theirs.Code == gorilla.CloseGoingAway || errors.As(err, &refused)
}

// refusedWhileEnding wraps the error of a connection that could not be opened, or of an
// HTTP request. Once the server has been told to end it is no failure.
type refusedWhileEnding struct{ error }

func (r refusedWhileEnding) Unwrap() error { return r.error }
