// The fan-out: every receiver gets all in order, and none waits for a slow one.

package websocket_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

// prepared is a message that can be prepared.
func prepared(op protocol.Opcode, p []byte) *websocket.Prepared {
	m, err := websocket.Prepare(op, p)
	if err != nil {
		panic(err)
	}
	return m
}

// numbered is a prepared message that begins with its number.
func numbered(n, size int) *websocket.Prepared {
	p := make([]byte, size)
	binary.LittleEndian.PutUint64(p, uint64(n))
	return prepared(protocol.OpBinary, p)
}

// receive reads n messages and checks that they come in order.
func receive(c *websocket.Conn, n int) error {
	for i := range n {
		_, p, err := c.ReadMessage()
		if err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		if got := binary.LittleEndian.Uint64(p); got != uint64(i) {
			return fmt.Errorf("message %d came where %d was due", got, i)
		}
	}
	return nil
}

func TestFanOut(t *testing.T) {
	const receivers, slow, messages = 40, 5, 300
	o := plain
	o.SendQueue = 64 << 20
	var clients, servers []*websocket.Conn
	for range receivers {
		client, server := pair(t, o)
		clients, servers = append(clients, client), append(servers, server)
	}
	// The slow ones take nothing until all others have got everything: far more than
	// their sockets hold.
	var wait sync.WaitGroup
	failed := make(chan error, receivers)
	start := func(c *websocket.Conn) { wait.Go(func() { failed <- receive(c, messages) }) }
	for _, c := range clients[slow:] {
		start(c)
	}
	for i := range messages {
		m := numbered(i, 40_000)
		for _, c := range servers {
			if err := c.Send(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	wait.Wait()
	for _, c := range clients[:slow] {
		start(c)
	}
	wait.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			t.Error(err)
		}
	}
}

// A message in parts is not interrupted, and what waited for its end is sent then.
func TestFanOutWaitsForAMessageInParts(t *testing.T) {
	client, server := pair(t, plain)
	w, err := server.NextWriter(protocol.OpBinary)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 100_000)
	w.Write(first)
	for i := range 3 {
		if err := server.Send(numbered(i+1, 10)); err != nil {
			t.Fatal(err)
		}
	}
	w.Write(first)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := receive(client, 4); err != nil {
		t.Error(err)
	}
}

// A client masks each prepared message with a new key, short and long, compressed or not.
func TestClientSendsPrepared(t *testing.T) {
	for name, o := range map[string]websocket.Options{
		"plain": plain, "compressed": {}, "context takeover": {Compression: websocket.Compression{ContextTakeover: true}},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := pair(t, o)
			sizes := []int{10, 1000, 30_000, 40_000, 70_000, 200_000, 10, 10}
			for i, size := range sizes {
				if err := client.Send(numbered(i, size)); err != nil {
					t.Fatal(err)
				}
			}
			if err := receive(server, len(sizes)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPreparedIsMaskedAnew(t *testing.T) {
	c, server, _ := dialled(t)
	const messages = 50
	m := prepared(protocol.OpText, []byte("x"))
	for range messages {
		if err := c.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	wire := make([]byte, messages*7)
	if _, err := io.ReadFull(server, wire); err != nil {
		t.Fatal(err)
	}
	keys := map[uint32]bool{}
	headers, _ := frames(t, wire)
	for _, h := range headers {
		if keys[h.MaskingKey] = true; !h.Masked {
			t.Fatal("a client's frame is not masked")
		}
	}
	if len(keys) < messages-1 {
		t.Errorf("%d frames have %d keys", messages, len(keys))
	}
}

func TestFanOutEnds(t *testing.T) {
	o := plain
	o.SendQueue = 1 << 20
	client, server := pair(t, o)
	var err error
	for n := 0; err == nil; n++ { // nobody reads
		err = server.Send(numbered(n, 60_000))
	}
	if !errors.Is(err, websocket.ErrSlowReader) {
		t.Errorf("a full queue: %v", err)
	}
	server.CloseNow()
	if err := server.Send(numbered(0, 10)); !errors.Is(err, websocket.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	client.CloseNow()
	// That nothing is left running is what TestMain sees.
}

// Sent from many goroutines while the connection writes by itself, all arrives.
func TestFanOutBesideWrites(t *testing.T) {
	client, server := pair(t, plain)
	const each = 500
	var wait sync.WaitGroup
	m := prepared(protocol.OpText, []byte("prepared"))
	for range 4 {
		wait.Go(func() {
			for range each {
				if server.Send(m) != nil || server.WriteMessage(protocol.OpText, []byte("written")) != nil {
					t.Error("refused")
				}
			}
		})
	}
	count := map[string]int{}
	for range 8 * each {
		_, p, err := client.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		count[string(p)]++
	}
	wait.Wait()
	if count["prepared"] != 4*each || count["written"] != 4*each {
		t.Errorf("%v", count)
	}
}
