// The writer: what waits for it is bounded, and no deadline outlasts what it was set for.

package websocket_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"framescope/protocol"
	"framescope/server/memory"
	"framescope/server/websocket"
)

// frames decodes all frames of a server's bytes.
func frames(t *testing.T, wire []byte) (headers []protocol.Header, payloads [][]byte) {
	t.Helper()
	for len(wire) > 0 {
		h, n := protocol.ParseHeader(wire)
		end := n + int(h.PayloadLength)
		if n == 0 || end > len(wire) {
			t.Fatalf("%d bytes are left that are no frame", len(wire))
		}
		headers, payloads = append(headers, h), append(payloads, wire[n:end])
		wire = wire[end:]
	}
	return headers, payloads
}

// numberedPing is a client's ping of 125 bytes.
func numberedPing(n int) []byte {
	p := make([]byte, protocol.MaxControlPayload)
	binary.LittleEndian.PutUint64(p, uint64(n))
	return masked(protocol.OpPing, true, string(p))
}

// While a write waits for the peer, pongs wait for it: as many as 8 KiB hold, the newest among
// them.
func TestPongsThatWaitAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pings = 1000
		nc, c := piped(t, plain)
		go c.WriteMessage(protocol.OpText, []byte("in the way"))
		synctest.Wait()
		go c.ReadMessage()
		for i := range pings {
			if _, err := nc.Write(numberedPing(i)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		var wire bytes.Buffer
		go io.Copy(&wire, nc)
		synctest.Wait()
		headers, payloads := frames(t, wire.Bytes())
		size := 0
		for i, h := range headers[1:] {
			if h.Opcode != protocol.OpPong || i > 0 && bytes.Equal(payloads[i+1], payloads[i]) {
				t.Errorf("frame %d is %v", i+1, h.Opcode)
			}
			size += h.Size() + len(payloads[i+1])
		}
		if size > 8<<10 || size == 0 {
			t.Errorf("%d bytes of pongs waited", size)
		}
		if last := binary.LittleEndian.Uint64(payloads[len(payloads)-1]); last != pings-1 {
			t.Errorf("the last pong answers ping %d of %d", last, pings)
		}
	})
}

// A peer that sends pings without end and reads their pongs too slowly is dropped: one deadline
// counts from when the first had to wait, however much it reads meanwhile.
func TestPingsWhosePongsAreReadTooSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := plain
		o.WriteTimeout = 10 * time.Second
		nc, c := piped(t, o)
		began := time.Now()
		var peer sync.WaitGroup
		go c.ReadMessage()
		peer.Go(func() {
			for i := 0; c.Err() == nil; i++ {
				nc.Write(numberedPing(i))
				time.Sleep(time.Millisecond)
			}
		})
		peer.Go(func() {
			for c.Err() == nil { // all that may wait in four seconds
				io.ReadFull(nc, make([]byte, 2<<10))
				time.Sleep(time.Second)
			}
		})
		<-c.Done()
		peer.Wait()
		if took := time.Since(began); took < o.WriteTimeout || took > o.WriteTimeout+2*time.Second || !errors.Is(c.Err(), websocket.ErrSlowReader) {
			t.Errorf("ended after %v with %v", took, c.Err())
		}
	})
}

// A write that waited leaves no deadline on the socket, whatever was set meanwhile.
func TestNoWriteDeadlineIsLeftBehind(t *testing.T) {
	o := plain
	o.WriteTimeout = time.Hour
	far, c, set := watched(t, protocol.Server, o)
	const size = 32 << 20 // more than sockets take
	for name, meanwhile := range map[string][]time.Time{
		"no deadline":                       nil,
		"a deadline that is taken back":     {time.Now().Add(time.Minute), {}},
		"a far deadline that is taken back": {time.Now().Add(2 * time.Hour), {}},
	} {
		written := make(chan error)
		go func() { written <- c.WriteMessage(protocol.OpBinary, make([]byte, size)) }()
		if by := <-set; by.IsZero() {
			t.Fatalf("%s: a write waits without a deadline", name)
		}
		for _, by := range meanwhile {
			c.SetWriteDeadline(by)
			if got := <-set; time.Until(got) > o.WriteTimeout || time.Until(got) < 0 {
				t.Errorf("%s: a write that waits has the deadline %v", name, got)
			}
		}
		if _, err := io.CopyN(io.Discard, far, size+10); err != nil {
			t.Fatal(err)
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		select {
		case by := <-set:
			if !by.IsZero() || len(set) > 0 {
				t.Errorf("%s: after the write the socket has the deadline %v", name, by)
			}
		default:
			t.Fatalf("%s: after the write the socket has the deadline of the write", name)
		}
	}
}

// A deadline that is over ends the next write, and not if it was taken back before.
func TestWriteDeadlineBetweenWrites(t *testing.T) {
	near, far := tcpPair(t)
	c := websocket.NewConn(near, protocol.Server, nil, plain)
	defer c.CloseNow()
	go io.Copy(io.Discard, far)
	past := time.Now().Add(-time.Second)
	c.SetWriteDeadline(past)
	c.SetWriteDeadline(time.Time{})
	if err := c.WriteMessage(protocol.OpText, nil); err != nil {
		t.Errorf("after a deadline that was taken back: %v", err)
	}
	c.SetWriteDeadline(past)
	if err := c.WriteMessage(protocol.OpText, nil); !errors.Is(err, websocket.ErrSlowReader) {
		t.Errorf("after a deadline: %v", err)
	}
}

// What is queued while a write waits is sent after it, and then nothing is counted any more.
func TestQueueBehindAWriteThatWaits(t *testing.T) {
	const size = 32 << 20 // more than sockets take
	o := patient
	o.Memory = memory.NewBudget(1<<30, slog.New(slog.DiscardHandler))
	nc, c, set := watched(t, protocol.Server, o)
	written := make(chan error, 1)
	go func() { written <- c.WriteMessage(protocol.OpBinary, make([]byte, size)) }()
	<-set
	drained := make(chan struct{}, 1)
	c.OnDrain(func() { drained <- struct{}{} })
	if err := c.Send(prepared(protocol.OpText, []byte("queued"))); err != nil {
		t.Fatal(err)
	}
	wire := make([]byte, 10+size+2+len("queued"))
	if _, err := io.ReadFull(nc, wire); err != nil {
		t.Fatal(err)
	}
	if end := string(wire[10+size:]); end != "\x81\x06queued" {
		t.Errorf("behind the message came %q", end)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	<-drained
	waitFor(t, "nothing to be counted", func() bool { return o.Memory.Used() == 0 })
}

// OnDrain's function is called when the connection ends while the queue waits behind a write.
func TestOnDrainBehindAWriteThatWaits(t *testing.T) {
	_, c, set := watched(t, protocol.Server, patient)
	clog(c, set)
	drained := make(chan struct{}, 1)
	c.OnDrain(func() { drained <- struct{}{} })
	if err := c.Send(prepared(protocol.OpText, []byte("queued"))); err != nil {
		t.Fatal(err)
	}
	c.CloseNow()
	within(t, 10*time.Second, "OnDrain", func() { <-drained })
}
