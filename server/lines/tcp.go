// The chat over TCP: accepting connections, and ending them at a shutdown.

package lines

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// tcpServer has the TCP connections.
type tcpServer struct {
	Options
	slots    chan struct{} // has an element for each connection
	sessions sync.WaitGroup
}

// ServeTCP serves the connections of l until ctx is done. Then it closes l, says goodbye to
// everyone, and waits for all of them, a second at most.
func ServeTCP(ctx context.Context, l net.Listener, o Options) error {
	s := &tcpServer{Options: o.withDefaults()}
	s.slots = make(chan struct{}, s.MaxMembers)
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer s.sessions.Wait()
	for {
		nc, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = nc.Close()
			}
			return nil
		case err != nil:
			return fmt.Errorf("accept: %w", err)
		}
		select {
		case s.slots <- struct{}{}:
			s.sessions.Go(func() {
				defer func() { <-s.slots }()
				s.serve(ctx, nc)
			})
		default:
			// The line fits into the buffer of a new connection: the write does not wait.
			_ = nc.SetWriteDeadline(time.Now().Add(lingerTime))
			_, _ = nc.Write([]byte(full + "\n"))
			_ = nc.Close()
		}
	}
}

// serve serves one connection until it ends.
func (s *tcpServer) serve(ctx context.Context, nc net.Conn) {
	defer nc.Close()
	t := newTCPSession(s, nc)
	// At a shutdown a read fails at once, and a write that waits soon does.
	stop := context.AfterFunc(ctx, t.hurry)
	defer stop()
	member, err := t.join()
	if err != nil {
		if last, _ := farewell(ctx, err); last != "" {
			t.tell(last)
		}
		return
	}
	why := member.readLines(ctx)
	member.leave(why)
	t.linger()
}

// farewell returns what a peer is told when reading from it has ended, "" if it has gone, and why
// it leaves.
func farewell(ctx context.Context, err error) (last, why string) {
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		why = shuttingDown
	case errors.Is(err, errQuit):
		return goodbye, quit
	case errors.Is(err, errTooLong), errors.Is(err, errEndless), errors.Is(err, errNoName), errors.Is(err, errToken), errors.Is(err, errHTTP):
		why = err.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		why = timedOut
	default:
		return "", lost
	}
	return goodbye + ": " + why, why
}
