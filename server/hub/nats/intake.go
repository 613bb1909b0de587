// What waits between the client library and us.

package nats

import (
	"context"
	"errors"
	"sync"

	broker "github.com/nats-io/nats.go"

	"framescope/server/hub"
)

const (
	// maxIncoming is how many messages the library may be ahead of collect, which does
	// nothing slow. The library bounds only their number.
	maxIncoming = 1 << 16
	maxIntake   = 16 << 20 // bytes that wait to be judged
)

var errFlood = errors.New("more arrives than this server can judge")

// intake keeps what has arrived until it is judged. The library does not bound what waits
// for us in bytes, so a goroutine takes it from the library at once, and drops what is too
// much.
type intake struct {
	memory   hub.Memory
	incoming chan *broker.Msg

	mu    sync.Mutex // guards the fields below
	queue [][]byte
	size  int
	ready chan struct{} // has an element after the queue has become non-empty
}

func (i *intake) init(memory hub.Memory) {
	i.memory, i.incoming, i.ready = memory, make(chan *broker.Msg, maxIncoming), make(chan struct{}, 1)
}

// collect takes messages from the library until ctx is done.
func (i *intake) collect(ctx context.Context, refused *refusals) {
	for {
		select {
		case m := <-i.incoming:
			if !i.add(m.Data) {
				refused.add(errFlood)
			}
		case <-ctx.Done():
			i.take()
			return
		}
	}
}

func (i *intake) add(message []byte) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	size := operationSize + len(message)
	if i.size+size > maxIntake {
		return false
	}
	i.queue = append(i.queue, message)
	i.size += size
	account(i.memory, size)
	if len(i.queue) == 1 {
		select {
		case i.ready <- struct{}{}:
		default:
		}
	}
	return true
}

// take returns all that waits.
func (i *intake) take() [][]byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	taken := i.queue
	account(i.memory, -i.size)
	i.queue, i.size = nil, 0
	return taken
}

// account adds bytes, which may be negative, to the server's budget.
func account(m hub.Memory, bytes int) {
	switch {
	case m == nil:
	case bytes > 0:
		m.AddShared(int64(bytes))
	default:
		m.SubShared(int64(-bytes))
	}
}
