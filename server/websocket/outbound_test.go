// The writer's role: it goes round, ends, and leaves nothing unsent behind.

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// writeInALoop has a goroutine write a message until the end.
func writeInALoop(c *websocket.Conn, message ...byte) {
	go func() {
		for c.WriteMessage(protocol.OpBinary, message) == nil {
		}
	}()
}

// Each of the goroutines that write without a pause has its turn, on a single processor too, where
// the order in which they run is nearly always the same.
func TestNoWriterStarves(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, func(t *testing.T) {
		const writers, messages = 3, 3000
		nc, c := piped(t, plain)
		for i := range writers {
			writeInALoop(c, byte(i))
		}
		var came [writers]int
		for range messages {
			_, p := nextFrame(t, nc)
			came[p[0]]++
			runtime.Gosched() // the goroutines that were woken run
		}
		if slices.Min(came[:]) < messages/writers/10 {
			t.Errorf("of %d messages the writers sent %d", messages, came)
		}
	})
}

// Writes that wait and are cancelled return at once, also those that were overtaken, and the others
// have their turns.
func TestWritesAreCancelledWhileTheRoleGoesRound(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, func(t *testing.T) {
		const writers, rounds, cancelled = 2, 50, 4
		nc, c := piped(t, plain)
		for i := range writers {
			writeInALoop(c, byte(i), 'x')
		}
		var came [writers + 1]int
		for round := range rounds {
			ctx, cancel := context.WithCancel(t.Context())
			results := make(chan error, cancelled)
			for range cancelled {
				go func() {
					var err error
					for err == nil {
						err = c.Write(ctx, protocol.OpBinary, []byte{writers, 'x'})
					}
					results <- err
				}()
			}
			// At last one of the other writers is sending: all but a byte of its frame was read.
			for sends := false; !sends; round-- {
				frame := make([]byte, 4)
				io.ReadFull(nc, frame[:3])
				came[frame[2]]++
				if sends = round <= 0 && frame[2] < writers; !sends {
					io.ReadFull(nc, frame[3:])
				}
				runtime.Gosched() // the goroutines that were woken run
			}
			cancel()
			synctest.Wait()
			if len(results) != cancelled {
				t.Fatalf("of %d writes that were cancelled %d returned", cancelled, len(results))
			}
			for range cancelled {
				if err := <-results; !errors.Is(err, context.Canceled) || websocket.CloseStatus(err) != 0 {
					t.Error(err)
				}
			}
			io.ReadFull(nc, make([]byte, 1))
		}
		if slices.Min(came[:]) < rounds {
			t.Errorf("the writers sent %d messages", came)
		}
	})
}

// What is queued has its turn beside goroutines that write without a pause, on a single processor too.
func TestTheQueueDoesNotStarve(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, writers := range []int{1, 2, 3} {
		synctest.Test(t, func(t *testing.T) {
			const messages = 100
			nc, c := piped(t, plain)
			for range writers {
				writeInALoop(c, 0)
			}
			synctest.Wait()
			if err := c.Send(prepared(protocol.OpBinary, []byte{1})); err != nil {
				t.Fatal(err)
			}
			for range messages {
				if _, p := nextFrame(t, nc); p[0] == 1 {
					return
				}
				synctest.Wait() // the goroutines that were woken run
			}
			t.Errorf("beside %d writers nothing that is queued came in %d messages", writers, messages)
		})
	}
}

// A peer that sends pings without end and reads what comes is answered for ever, and messages have
// their turn.
func TestPingsWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, c := piped(t, plain)
		nc.SetDeadline(time.Time{})
		go c.ReadMessage()
		var peer sync.WaitGroup
		peer.Go(func() { // a thousand pings a second
			for _, err := nc.Write(numberedPing(0)); err == nil; _, err = nc.Write(numberedPing(0)) {
				time.Sleep(time.Millisecond)
			}
		})
		time.Sleep(10 * time.Millisecond)
		written := make(chan error, 1)
		go func() { written <- c.WriteMessage(protocol.OpText, []byte("data")) }()
		b := make([]byte, 64<<10)
		for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(5 * time.Millisecond) {
			if _, err := nc.Read(b); err != nil {
				t.Errorf("it ended after %v: %v", time.Since(start), c.Err())
				break
			}
		}
		select {
		case err := <-written:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("a message had no turn within a minute")
		}
		c.CloseNow()
		peer.Wait()
	})
}

// OnDrain's function is called also when Close sends what is queued.
func TestOnDrainBesideClose(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			nc, c := piped(t, plain)
			var sent, drained atomic.Int64
			c.OnDrain(func() { drained.Store(sent.Load()) })
			writeInALoop(c, 0)
			synctest.Wait()
			sent.Add(1)
			if err := c.Send(prepared(protocol.OpBinary, []byte{1})); err != nil {
				t.Fatal(err)
			}
			go c.Close(protocol.CloseNormal, "")
			go func() {
				b := make([]byte, 100)
				for _, err := nc.Read(b); err == nil; _, err = nc.Read(b) {
					synctest.Wait()
				}
			}()
			<-c.Done()
			synctest.Wait()
			if drained.Load() != sent.Load() {
				t.Error("the queue was sent, and OnDrain's function not called")
			}
		})
	}
}

// A peer that reads slowly, but without a pause, is not cut off between two writes of a long
// message; one that reads a few bytes now and then is.
func TestSteadyReader(t *testing.T) {
	for name, connect := range transports {
		for _, side := range []protocol.Side{protocol.Server, protocol.Client} {
			if name == "descriptor" && side == protocol.Server {
				continue // which sends a long message in one write
			}
			t.Run(fmt.Sprint(name, " ", side), func(t *testing.T) { testReaders(t, connect, side) })
		}
	}
}

func testReaders(t *testing.T, connect transport, side protocol.Side) {
	for rate, want := range map[int]error{1 << 10: websocket.ErrSlowReader, 32 << 10: nil} {
		synctest.Test(t, func(t *testing.T) {
			took, err := readSteadily(t.Context(), t, connect, side, rate)
			if !errors.Is(err, want) || want != nil && took > 11*time.Second {
				t.Errorf("%d bytes a second: after %v: %v, want %v", rate, took, err, want)
			}
		})
	}
}

// A write whose context is done waits no longer, though the peer reads steadily.
func TestWriteIsCancelledBesideASteadyReader(t *testing.T) {
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const limit = 25 * time.Second
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				took, err := readSteadily(ctx, t, connect, protocol.Client, 32<<10)
				if !errors.Is(err, context.DeadlineExceeded) || took < limit || took > limit+time.Second {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}

// readSteadily writes a long message and reads it at a rate, in bytes a second. It returns how long
// the write took, and its error.
func readSteadily(ctx context.Context, t *testing.T, connect transport, side protocol.Side, rate int) (took time.Duration, err error) {
	near, far := connect(t)
	defer far.Close()
	c := websocket.NewConn(near, side, nil, plain)
	defer c.CloseNow()
	written := make(chan error, 1)
	start := time.Now()
	go func() {
		err := c.Write(ctx, protocol.OpBinary, make([]byte, 2<<20))
		took = time.Since(start)
		written <- err
	}()
	for b := make([]byte, rate/10); len(written) == 0; time.Sleep(100 * time.Millisecond) {
		far.Read(b)
	}
	err = <-written
	return took, err
}

// Frames that are held while control frames are sent that had to wait do not stay behind.
func TestHeldBesideLatePongs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, c := piped(t, plain)
		var burst []byte
		for _, frame := range [][]byte{masked(protocol.OpText, true, "one"), masked(protocol.OpPing, true, "?"), masked(protocol.OpText, true, "two"), masked(protocol.OpText, true, "three")} {
			burst = append(burst, frame...)
		}
		go nc.Write(burst)
		reads(t, c, "one") // from now on frames are held: there is more to decode
		go func() {
			for range 3 { // there is no space for the third, which waits for the socket
				c.WriteMessage(protocol.OpBinary, make([]byte, 30_000))
			}
		}()
		time.Sleep(holdTime)
		reads(t, c, "two") // after a ping, whose pong waits for the writer
		for _, want := range []protocol.Opcode{protocol.OpBinary, protocol.OpBinary, protocol.OpPong, protocol.OpBinary} {
			if op, _ := nextFrame(t, nc); op != want {
				t.Fatalf("%v came, not %v", op, want)
			}
			time.Sleep(2 * holdTime)
		}
	})
}

// holdTime is how long a frame is held at most.
const holdTime = time.Millisecond
