// OnDrain: a sender that waits for it never fills the queue, and it is called at the end, too.

package websocket_test

import (
	"errors"
	"sync"
	"testing"

	"framescope/server/websocket"
)

// TestOnDrainKeepsTheQueueShort sends far more than the queue and the socket hold, each message when
// the previous one has been sent.
func TestOnDrainKeepsTheQueueShort(t *testing.T) {
	const messages, size = 1000, 60_000
	o := plain
	o.SendQueue = size + size/2 // a second one would not fit
	client, server := pair(t, o)
	sent := 0
	failed := make(chan error, 1)
	next := func() {
		if sent == messages {
			return
		}
		sent++
		if err := server.Send(numbered(sent-1, size)); err != nil {
			failed <- err
		}
	}
	server.OnDrain(next)
	next()
	if err := receive(client, messages); err != nil {
		t.Error(err)
	}
	select {
	case err := <-failed:
		t.Error(err)
	default:
	}
}

// TestOnDrainAtTheEnd: the function of a sender whose peer reads nothing is
// called when the connection ends, and Send returns that it has ended.
func TestOnDrainAtTheEnd(t *testing.T) {
	_, server := pair(t, plain)
	told := make(chan error, 1)
	server.OnDrain(func() {
		if err := server.Send(numbered(0, 10)); err != nil {
			select {
			case told <- err:
			default: // told already
			}
		}
	})
	for range 100 { // more than the socket takes
		if err := server.Send(numbered(0, 900_000)); err != nil {
			if !errors.Is(err, websocket.ErrSlowReader) {
				t.Fatal(err)
			}
			break
		}
	}
	server.CloseNow()
	if err := <-told; !errors.Is(err, websocket.ErrClosed) {
		t.Error(err)
	}
}

// TestOnDrainAfterEverySend: from many goroutines too, the last call comes after the last Send.
func TestOnDrainAfterEverySend(t *testing.T) {
	client, server := pair(t, plain)
	const senders, each = 4, 200
	drained := make(chan struct{}, 1)
	server.OnDrain(func() {
		select {
		case drained <- struct{}{}:
		default:
		}
	})
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for range each {
				if err := server.Send(numbered(0, 10)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for range senders * each {
		if _, _, err := client.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	<-drained
}
