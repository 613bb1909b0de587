// Pings that wait for their pongs.

package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// nextFrame reads one frame of the server's.
func nextFrame(t *testing.T, nc net.Conn) (op protocol.Opcode, payload string) {
	t.Helper()
	var b []byte
	for {
		if h, n := protocol.ParseHeader(b); n > 0 && uint64(len(b)-n) == h.PayloadLength {
			return h.Opcode, string(b[n:])
		}
		b = append(b, 0)
		if _, err := nc.Read(b[len(b)-1:]); err != nil {
			t.Fatal(err)
		}
	}
}

// pinging pings from a goroutine.
func pinging(ctx context.Context, c *websocket.Conn) <-chan error {
	results := make(chan error, 1)
	go func() { results <- c.Ping(ctx) }()
	return results
}

func noPingsLeft(t *testing.T) {
	t.Helper()
	if connections, pings := websocket.WaitingPings(); connections != 0 {
		t.Errorf("%d connections are left with %d pings", connections, pings)
	}
}

func TestCancelledPingsAreForgotten(t *testing.T) {
	nc, c := piped(t, patient)
	end := ended(c)
	patiently := pinging(t.Context(), c)
	_, payload := nextFrame(t, nc)
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		result := pinging(ctx, c)
		nextFrame(t, nc)
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if connections, pings := websocket.WaitingPings(); connections != 1 || pings != 1 {
		t.Errorf("%d connections have %d pings, one waits", connections, pings)
	}
	nc.Write(masked(protocol.OpPong, true, payload))
	if err := <-patiently; err != nil {
		t.Error(err)
	}
	c.CloseNow()
	<-end
	noPingsLeft(t)
}

func TestPing(t *testing.T) {
	var seen [][]byte
	o := plain
	o.OnPong = func(p []byte) { seen = append(seen, bytes.Clone(p)) }
	client, server := pair(t, o)
	clientEnds, serverEnds := ended(client), ended(server)
	for range 3 {
		if err := client.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	client.CloseNow()
	<-clientEnds
	<-serverEnds
	if len(seen) != 3 || bytes.Equal(seen[0], seen[1]) || bytes.Equal(seen[1], seen[2]) {
		t.Errorf("OnPong was called with %q", seen)
	}
	if err := client.Ping(t.Context()); websocket.CloseStatus(err) != websocket.CloseAbnormal || !errors.Is(err, net.ErrClosed) {
		t.Errorf("a ping after the end: %v", err)
	}
	noPingsLeft(t)
}

func TestManyPingsAtOnce(t *testing.T) {
	client, server := pair(t, plain)
	ended(client)
	ended(server)
	var pings sync.WaitGroup
	for range 50 {
		pings.Go(func() {
			if err := client.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	pings.Wait()
	noPingsLeft(t)
}

// A pong answers its own ping and those before it, not one after it, and no other payload does.
func TestPongsAnswerThePingsBeforeThem(t *testing.T) {
	nc, c := piped(t, plain)
	end := ended(c)
	var results [3]<-chan error
	var payloads [3]string
	for i := range results {
		results[i] = pinging(t.Context(), c)
		_, payloads[i] = nextFrame(t, nc)
	}
	for _, payload := range []string{"", "another", payloads[0] + "x", payloads[0][1:]} {
		nc.Write(masked(protocol.OpPong, true, payload))
	}
	nc.Write(masked(protocol.OpPong, true, payloads[1]))
	for i := range 2 {
		if err := <-results[i]; err != nil {
			t.Errorf("ping %d: %v", i, err)
		}
	}
	nc.Write(masked(protocol.OpPong, true, payloads[0])) // late
	select {
	case err := <-results[2]:
		t.Errorf("a ping without a pong returns %v", err)
	default:
	}
	nc.Write(masked(protocol.OpPong, true, payloads[2]))
	if err := <-results[2]; err != nil {
		t.Error(err)
	}
	c.CloseNow()
	<-end
	noPingsLeft(t)
}

func TestPingEndsWithTheConnection(t *testing.T) {
	nc, c := piped(t, plain)
	end := ended(c)
	result := pinging(t.Context(), c)
	nextFrame(t, nc)
	nc.Close()
	if err := <-result; websocket.CloseStatus(err) != websocket.CloseAbnormal || err != <-end {
		t.Errorf("the ping returns %v", err)
	}
	noPingsLeft(t)
}

func TestPingIsBounded(t *testing.T) {
	o := plain
	o.PongTimeout = 20 * time.Millisecond
	nc, c := piped(t, o)
	end := ended(c)
	for name, test := range map[string]struct {
		ctx  func() (context.Context, context.CancelFunc)
		want []error
	}{
		"no deadline": {func() (context.Context, context.CancelFunc) { return t.Context(), func() {} },
			[]error{websocket.ErrNoPong, context.DeadlineExceeded}},
		"a deadline": {func() (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(t.Context(), 40*time.Millisecond, errEnough)
		}, []error{errEnough, context.DeadlineExceeded}},
		"cancelled": {func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			return ctx, func() { cancel() }
		}, []error{context.Canceled}},
	} {
		ctx, cancel := test.ctx()
		result := pinging(ctx, c)
		nextFrame(t, nc)
		if name == "cancelled" {
			cancel()
		}
		err := <-result
		for _, want := range test.want {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
		}
		if c.Err() != nil {
			t.Fatalf("%s: the connection ended: %v", name, c.Err())
		}
		cancel()
	}
	noPingsLeft(t)
	// A ping that cannot be sent: the peer reads a byte of it and no more.
	ctx, cancel := context.WithCancel(t.Context())
	first, second := pinging(ctx, c), pinging(ctx, c)
	nc.Read(make([]byte, 1))
	cancel()
	for _, result := range []<-chan error{first, second} {
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("a ping that is not sent: %v", err)
		}
	}
	if err := <-end; !errors.Is(err, websocket.ErrSlowReader) {
		t.Errorf("the connection ended with %v", err)
	}
	noPingsLeft(t)
}
