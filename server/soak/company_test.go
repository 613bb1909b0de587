//go:build linux

// The well-behaved: clients beside the attackers, whose every answer is checked.

package soak

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/protocol"
	"framescope/server/websocket"
)

// company is all of them at one server.
type company struct {
	server *server
	rest   time.Duration   // how long each waits from one exchange to the next
	ctx    context.Context // done when they should take their leave
	leave  context.CancelFunc
	ending atomic.Bool // the server may close everything with 1001 from now on
	times  latencies
	there  sync.WaitGroup // done when each has had its first answer
	guests sync.WaitGroup

	mu     sync.Mutex
	losses []string
}

// guest is one of them. It acts until ctx is done, and calls here once after its first
// answer. An error is a loss, unless the server was told to end.
type guest struct {
	name string
	act  func(c *company, here func()) error
}

// guests are who comes. Where nobody can connect those are missing who do.
func guests(newcomers bool) []guest {
	all := []guest{
		{"echo, our client", func(c *company, here func()) error { return c.echo(dialOurs(c, false), here) }},
		{"echo, our client, compressed", func(c *company, here func()) error { return c.echo(dialOurs(c, true), here) }},
		{"echo, gorilla", func(c *company, here func()) error { return c.echo(dialGorilla(c, false), here) }},
		{"echo, gorilla, compressed", func(c *company, here func()) error { return c.echo(dialGorilla(c, true), here) }},
		{"chat", (*company).chat},
		{"page", (*company).watch},
		{"HTTP", func(c *company, here func()) error { return c.browse(newcomers, here) }},
	}
	if newcomers {
		all = append(all, guest{"newcomer", (*company).comeAnew})
	}
	return all
}

// invite lets them all in, and returns when each has had an answer.
func invite(t *testing.T, s *server, of scale, newcomers bool) *company {
	t.Helper()
	c := &company{server: s, rest: of.rest}
	c.ctx, c.leave = context.WithCancel(context.Background())
	t.Cleanup(c.leave)
	for _, g := range guests(newcomers) {
		c.there.Add(1)
		here := sync.OnceFunc(c.there.Done)
		c.guests.Go(func() {
			defer here()
			if err := g.act(c, here); err != nil && !(c.ending.Load() && goneAway(err)) {
				c.lose("%s: %v", g.name, err)
			}
		})
	}
	c.there.Wait()
	c.times.take()
	return c
}

// lose notes what did not come as it must.
func (c *company) lose(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.losses) < maxFailures {
		c.losses = append(c.losses, fmt.Sprintf(format, args...))
	}
}

// bye lets all finish what they are at, and returns what they have lost.
func (c *company) bye() []string {
	c.leave()
	c.guests.Wait()
	return c.losses
}

// done reports whether it is time to leave.
func (c *company) done() bool { return c.ctx.Err() != nil }

// goneAway reports whether an error is the end that a server makes when it ends: 1001
// on a WebSocket.
func goneAway(err error) bool {
	var ours *websocket.CloseError
	var theirs *gorilla.CloseError
	var refused refusedWhileEnding
	return errors.As(err, &ours) && ours.Code == protocol.CloseGoingAway ||
		errors.As(err, &theirs) && theirs.Code == gorilla.CloseGoingAway || errors.As(err, &refused)
}

// refusedWhileEnding is that a connection could not be made or an HTTP request was
// not answered, which is no loss once the server ends.
type refusedWhileEnding struct{ error }

func (r refusedWhileEnding) Unwrap() error { return r.error }
