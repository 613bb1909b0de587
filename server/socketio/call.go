// Calls: events that the client acknowledges, and goroutines that may wait for them.

package socketio

import (
	"context"
	"fmt"
	"runtime/debug"
)

// Bounds of one socket.
const (
	maxCalls = 1000 // calls that wait
	maxTasks = 100  // functions of Go that run
)

// calls are the events of a socket that wait to be acknowledged. The socket's mutex guards them.
type calls struct{ waits map[int64]chan Args }

// add enters a call.
func (c *calls) add(id int64) (answer chan Args, err error) {
	if len(c.waits) == maxCalls {
		return nil, ErrTooMany
	}
	if c.waits == nil {
		c.waits = map[int64]chan Args{}
	}
	answer = make(chan Args, 1)
	c.waits[id] = answer
	return answer, nil
}

// answer answers a call with a copy of the arguments; that of an unknown one is ignored.
func (c *calls) answer(id int64, args Args) {
	if answer := c.waits[id]; answer != nil {
		delete(c.waits, id)
		answer <- args.Clone()
	}
}

// end ends all calls.
func (c *calls) end() {
	for _, answer := range c.waits {
		close(answer)
	}
	c.waits = nil
}

// Call sends an event and waits for the client's acknowledgement, whose arguments it returns. A ctx
// without a deadline is given [Options.AckTimeout].
//
// A handler must not call it: it would wait for what is received only after it has returned. Call it
// in [Socket.Go], or in a goroutine of your own.
func (s *Socket) Call(ctx context.Context, event string, args ...any) (Args, error) {
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.client.server.options.AckTimeout)
		defer cancel()
	}
	// The number is the namespace's, not the socket's: a client that has connected anew may still
	// acknowledge what its last socket was sent.
	id := s.namespace.calls.Add(1) - 1
	answer, err := s.beginCall(id)
	if err != nil {
		return Args{}, err
	}
	defer s.endCall(id)
	if err := s.emit(id, event, args); err != nil {
		return Args{}, err
	}
	select {
	case reply, connected := <-answer:
		if !connected {
			return Args{}, ErrDisconnected
		}
		return reply, nil
	case <-ctx.Done():
		return Args{}, fmt.Errorf("socketio: event %q was not acknowledged: %w", event, ctx.Err())
	}
}

func (s *Socket) beginCall(id int64) (chan Args, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() == stateGone {
		return nil, ErrDisconnected
	}
	return s.calls.add(id)
}

func (s *Socket) endCall(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls.waits, id)
}

// tasks are what Go runs. The socket's mutex guards them.
type tasks struct {
	running int
	ctx     context.Context // nil until there is one
	cancel  context.CancelFunc
}

func (t *tasks) end() {
	if t.cancel != nil {
		t.cancel()
	}
}

// Go runs f in a goroutine of its own. ctx is done when the socket is disconnected. At most 100 of
// them run at once for a socket.
func (s *Socket) Go(f func(ctx context.Context)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, server := &s.tasks, s.client.server
	switch {
	case s.state.Load() == stateGone:
		return ErrDisconnected
	case t.running == maxTasks:
		return ErrTooMany
	case !server.beginTask():
		return ErrDisconnected
	}
	if t.ctx == nil {
		t.ctx, t.cancel = context.WithCancel(server.ctx)
	}
	t.running++
	go s.run(t.ctx, f)
	return nil
}

func (s *Socket) run(ctx context.Context, f func(context.Context)) {
	defer s.client.server.tasks.Done()
	defer func() {
		if fault := recover(); fault != nil {
			s.client.server.log.Error("a function of Socket.Go panicked", "panic", fault, "stack", string(debug.Stack()))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tasks.running--
	}()
	f(ctx)
}

// beginTask counts a goroutine for which Shutdown waits. It fails once Shutdown does.
func (v *Server) beginTask() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.closed {
		v.tasks.Add(1)
	}
	return !v.closed
}
