// The end of all connections of a server.

package websocket

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"framescope/protocol"
)

// Shutdown closes every connection with 1001 and accepts no more. It returns when all
// connections and the applications that Handle runs have ended. When ctx is done, or after
// CloseTimeout, it ends the remaining connections without a close handshake.
func (s *Server) Shutdown(ctx context.Context) {
	s.gate.Lock()
	s.closed = true
	s.gate.Unlock()
	open, emptied := s.remaining()
	if len(open) > 0 {
		sendCloseFrames(ctx, open)
		late := time.NewTimer(open[0].link.options.CloseTimeout)
		defer late.Stop()
		select {
		case <-emptied:
		case <-late.C:
			s.cutOff()
		case <-ctx.Done():
			s.cutOff()
		}
	}
	ended := make(chan struct{})
	go func() {
		s.apps.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// remaining lists the connections that have not ended, and what is closed when all have.
func (s *Server) remaining() (open []*Conn, emptied <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		open = append(open, c)
	}
	if len(open) > 0 && s.emptied == nil {
		s.emptied = make(chan struct{})
	}
	return open, s.emptied
}

func (s *Server) cutOff() {
	open, _ := s.remaining()
	for _, c := range open {
		c.CloseNow()
	}
}

// sendCloseFrames sends close frames from as many goroutines as there are processors: one for
// each connection would keep what the peers answer waiting. It stops when ctx is done.
func sendCloseFrames(ctx context.Context, open []*Conn) {
	var sending sync.WaitGroup
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		sending.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(open)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				open[i].startClose(protocol.CloseGoingAway, "the server is shutting down")
			}
		})
	}
	sending.Wait()
}
