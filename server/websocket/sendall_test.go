// Tests of messages that are queued together, and of what is said about the queue.

package websocket_test

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

// TestSendAll: nothing comes between messages that are queued together, whoever else sends.
func TestSendAll(t *testing.T) {
	near, far := net.Pipe()
	c := websocket.NewConn(near, protocol.Server, nil, websocket.Options{})
	peer := websocket.NewConn(far, protocol.Client, nil, websocket.Options{})
	defer c.CloseNow()
	defer peer.CloseNow()
	const groups, parts = 50, 3
	var sending sync.WaitGroup
	for sender := range 3 {
		sending.Go(func() {
			for n := range groups {
				var all []*websocket.Prepared
				for part := range parts {
					m, err := websocket.Prepare(websocket.Text, fmt.Appendf(nil, "%d %d %d", sender, n, part))
					if err != nil {
						t.Error(err)
					}
					if string(m.Payload()) != fmt.Sprintf("%d %d %d", sender, n, part) {
						t.Errorf("payload %q", m.Payload())
					}
					all = append(all, m)
				}
				if err := c.SendAll(all); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sending.Go(func() {
		for range groups {
			if err := c.WriteMessage(websocket.Text, []byte("alone")); err != nil {
				t.Error(err)
			}
		}
	})
	var next [3]int
	for received := 0; received < 3*groups*parts; {
		_, p, err := peer.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if string(p) == "alone" {
			continue
		}
		var sender, n, part int
		fmt.Sscan(string(p), &sender, &n, &part)
		if part != 0 || n != next[sender] {
			t.Fatalf("received %q, want group %d from its beginning", p, next[sender])
		}
		for part := 1; part < parts; part++ {
			_, p, err := peer.ReadMessage()
			if want := fmt.Sprintf("%d %d %d", sender, n, part); err != nil || string(p) != want {
				t.Fatalf("received %q, %v; want %q", p, err, want)
			}
		}
		next[sender]++
		received += parts
	}
	go func() { // the last single messages
		for {
			if _, _, err := peer.ReadMessage(); err != nil {
				return
			}
		}
	}()
	sending.Wait()
}

// TestQueued: Queued is true from Send until the messages are written.
func TestQueued(t *testing.T) {
	near, far := net.Pipe()
	c := websocket.NewConn(near, protocol.Server, nil, websocket.Options{})
	peer := websocket.NewConn(far, protocol.Client, nil, websocket.Options{})
	defer c.CloseNow()
	defer peer.CloseNow()
	if c.Queued() {
		t.Error("queued before the first Send")
	}
	drained := make(chan struct{})
	c.OnDrain(func() { close(drained) })
	m, err := websocket.Prepare(websocket.Binary, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(m); err != nil {
		t.Fatal(err)
	}
	if !c.Queued() { // a pipe takes nothing until the peer reads
		t.Error("not queued, though the peer has not read")
	}
	if _, p, err := peer.ReadMessage(); err != nil || string(p) != "x" {
		t.Errorf("received %q, %v", p, err)
	}
	<-drained
	if c.Queued() {
		t.Error("still queued after OnDrain")
	}
}
