// The history and its watchers, from outside: each loss is reported, and nothing is sent twice.

package tap_test

import (
	"context"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
	"testing"

	gorilla "github.com/gorilla/websocket"

	"framescope/protocol"
	"framescope/protocol/feed"
	"framescope/server/tap"
)

func TestSlowWatcherLosesWholeFramesExactly(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 1 << 20, History: 1 << 20})
	slow := collect(t, frames)
	const total = 5000
	talk(t, frames, func(write func([]byte)) {
		for i := range total {
			payload := make([]byte, 1000)
			binary.LittleEndian.PutUint64(payload, uint64(i+1))
			write(payload)
			if i == 0 {
				slow.until(func(r feed.Record) bool { return r.Kind == feed.Frame })
			}
		}
	})
	slow.until(closed)
	next, lost := uint64(1), uint64(0)
	for _, r := range slow.records {
		switch r.Kind {
		case feed.Lost:
			n := binary.LittleEndian.Uint64(r.Data)
			next += n
			lost += n
		case feed.Frame:
			if got := binary.LittleEndian.Uint64(r.Data[8:]); len(r.Data) != 1008 || got != next {
				t.Fatalf("frame %d came where %d was due", got, next)
			}
			next++
		}
	}
	if next != total+1 || lost == 0 {
		t.Errorf("%d frames accounted for, %d of them lost, of %d", next-1, lost, total)
	}
	if held := frames.Held(); held > 1<<20+256<<10 {
		t.Errorf("the history holds %d bytes", held)
	}
	// A late watcher is sent the number of frames before its first.
	late := collect(t, frames)
	late.until(closed)
	if r := late.records[0]; r.Kind != feed.Begin || binary.LittleEndian.Uint64(r.Data[16:])+uint64(len(late.of(feed.Frame, protocol.Client))) != total {
		t.Errorf("a late feed begins with %+v and has %d frames", r, len(late.of(feed.Frame, protocol.Client)))
	}
}

// TestWatcherKeepsTheBlockThatItIsIn: after a watcher has been sent its losses it is at the
// oldest block, the first to be evicted, and has been sent nothing of that yet.
func TestWatcherKeepsTheBlockThatItIsIn(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 1 << 20, History: 1 << 20})
	slow := collect(t, frames)
	const round, rounds = 3000, 4
	talk(t, frames, func(write func([]byte)) {
		for i := range round * rounds {
			payload := make([]byte, 900+i%200)
			binary.LittleEndian.PutUint64(payload, uint64(i+1))
			write(payload)
			switch {
			case i == 0:
				slow.until(func(r feed.Record) bool { return r.Kind == feed.Frame })
			case i%round == round-1:
				slow.until(func(r feed.Record) bool { return r.Kind == feed.Lost })
			}
		}
	})
	slow.until(closed)
	next := uint64(1)
	for _, r := range slow.records {
		switch r.Kind {
		case feed.Lost:
			next += binary.LittleEndian.Uint64(r.Data)
		case feed.Frame:
			if got := binary.LittleEndian.Uint64(r.Data[8:]); got != next {
				t.Fatalf("frame %d came where %d was due", got, next)
			}
			next++
		}
	}
	if next != round*rounds+1 {
		t.Errorf("%d frames accounted for, of %d", next-1, round*rounds)
	}
}

func TestResume(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 1 << 20, History: 1 << 20})
	talk(t, frames, func(write func([]byte)) {
		for range 100 {
			write([]byte("x"))
		}
	})
	first := collect(t, frames)
	first.until(closed)
	id := first.records[0].Data[:16]
	w, err := frames.Watch(id, 60)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	second := &collector{t: t, watcher: w}
	second.until(closed)
	if n := len(second.of(feed.Frame, protocol.Client)); n != 40 {
		t.Errorf("%d frames after the 60th of 100", n)
	}
	for _, r := range second.records {
		if r.Kind == feed.Known || r.Flags&feed.Replayed != 0 {
			t.Errorf("told again: %+v", r)
		}
	}
}

// Of frames that came together one may be the last that a watcher has seen.
func TestResumeAmidFramesThatCameTogether(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 4, History: 1 << 20})
	c := frames.Wrap(sink{}, protocol.Server)
	const total = 30
	var wire []byte
	for i := range total {
		wire = append(wire, 0x82, 6, byte(i), 0, 0, 0, 0, 0)
		if i%10 == 9 {
			c.Write(wire)
			wire = wire[:0]
		}
	}
	c.Close()
	first := collect(t, frames)
	first.until(closed)
	for after := uint64(1); after <= total; after++ {
		w, err := frames.Watch(first.records[0].Data[:16], after)
		if err != nil {
			t.Fatal(err)
		}
		second := &collector{t: t, watcher: w}
		second.until(closed)
		w.Close()
		if begin := second.records[0]; begin.Kind != feed.Begin || binary.LittleEndian.Uint64(begin.Data[16:]) != after {
			t.Fatalf("after %d: begins with %+v", after, begin)
		}
		rest := second.of(feed.Frame, protocol.Client)
		if uint64(len(rest)) != total-after {
			t.Fatalf("%d frames after %d of %d", len(rest), after, total)
		}
		for i, r := range rest {
			if len(r.Data) != 6 || r.Data[2] != byte(after)+byte(i) || r.WireSize != 8 || r.Flags != feed.Cut {
				t.Errorf("after %d: frame %d is %+v", after, i, r)
			}
		}
	}
}

// A late watcher is sent the connections that are open where the history begins, and no
// others; a watcher that resumes is sent nothing again.
func TestLateWatcherKnowsOpenConnections(t *testing.T) {
	for _, history := range []int64{1 << 20, 0} {
		frames := tap.New(tap.Options{Snap: 1 << 20, History: history})
		write := func(c *tap.Conn, n int) {
			for range n {
				c.Write(append(protocol.AppendHeader(nil, protocol.Header{Fin: true, PayloadLength: 1000}), make([]byte, 1000)...))
			}
		}
		check := func(want ...uint32) {
			t.Helper()
			w := collect(t, frames)
			defer w.watcher.Close()
			w.until(func(r feed.Record) bool { return r.Kind == feed.Known || r.Kind == feed.Frame })
			var before, known []uint32
			for _, r := range w.records {
				switch {
				case r.Kind == feed.Open && r.Flags&feed.Replayed != 0:
					before = append(before, r.Conn)
				case r.Kind == feed.Known:
					for ids := r.Data[8:]; len(ids) > 0; ids = ids[4:] {
						known = append(known, binary.LittleEndian.Uint32(ids))
					}
				}
			}
			if !slices.Equal(before, want) || !slices.Equal(known, want) {
				t.Errorf("history of %d: told of %v, known are %v, want %v", history, before, known, want)
			}
		}
		first := frames.Wrap(sink{}, protocol.Server)
		second := frames.Wrap(sink{}, protocol.Server)
		write(first, 10)
		second.Close()
		if history > 0 {
			check() // all of it is held
		}
		write(first, 3000)
		check(1)
		third := frames.Wrap(sink{}, protocol.Server)
		first.Close()
		write(third, 3000)
		check(3)
		third.Close()
	}
}

// Of a long head a late watcher is sent the fields of the handshake.
func TestLateWatcherIsSentTheHandshake(t *testing.T) {
	frames, host := tapped(t, tap.Options{Snap: 1 << 20, History: 512 << 10})
	for _, cookie := range []int{10, 5_000, 60_000} {
		target := "/echo?" + strings.Repeat("t", 5+cookie/20)
		c, _, err := gorilla.DefaultDialer.Dial("ws://"+host+target, http.Header{"Cookie": {strings.Repeat("c", cookie)}})
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			c.WriteMessage(gorilla.BinaryMessage, make([]byte, 20_000))
			c.ReadMessage()
		}
		late := collect(t, frames)
		late.until(func(r feed.Record) bool { return r.Kind == feed.Known })
		heads := late.of(feed.Head, protocol.Client)
		head := string(heads[len(heads)-1].Data)
		if !strings.HasPrefix(head, "GET /echo?ttttt") || !strings.Contains(head, "t HTTP/1.1\r\n") || !strings.Contains(head, "\r\nSec-WebSocket-Key: ") || !strings.HasSuffix(head, "\r\n\r\n") {
			t.Errorf("with %d bytes of cookies: %.300q", cookie, head)
		}
		if long := cookie > 4_000; strings.Contains(head, "ccc") == long || (heads[len(heads)-1].Flags&feed.Cut != 0) != long {
			t.Errorf("with %d bytes of cookies: a head of %d bytes, flags %b", cookie, len(head), heads[len(heads)-1].Flags)
		}
		late.watcher.Close()
		c.Close()
	}
}

func TestHistoryOff(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 100})
	say := func(write func([]byte)) { write([]byte("x")) }
	talk(t, frames, say)
	w := collect(t, frames)
	talk(t, frames, say)
	w.until(closed)
	if n := len(w.of(feed.Frame, protocol.Client)); n != 1 {
		t.Errorf("%d frames, want the one that was sent while somebody watched", n)
	}
	w.watcher.Close()
	if frames.Held() != 0 {
		t.Error("frames are kept with history off")
	}
}

func TestWatcherStops(t *testing.T) {
	frames := tap.New(tap.Options{})
	w := collect(t, frames)
	w.watcher.Next(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.watcher.Next(ctx); err == nil {
		t.Error("a cancelled watcher goes on")
	}
	for range tap.MaxWatchers - 1 {
		collect(t, frames)
	}
	if _, err := frames.Watch(nil, 0); err != tap.ErrTooManyWatchers {
		t.Errorf("one more watcher: %v", err)
	}
}

// Without watchers, short records are collected; long ones, and those that follow, are not:
// all are in order nevertheless.
func TestRecordsStayInOrder(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 64 << 10, History: 8 << 20})
	conn := frames.Wrap(sink{}, protocol.Server)
	sizes := []int{0, 10, 20_000, 30, 40, 125, 60_000, 0, 8000, 9000, 70_000, 1}
	next := 0
	write := func(n int) {
		for range n {
			p := make([]byte, max(sizes[next%len(sizes)], 8))
			binary.LittleEndian.PutUint64(p, uint64(next))
			h := protocol.Header{Fin: true, Opcode: protocol.OpBinary, PayloadLength: uint64(len(p))}
			conn.Write(append(protocol.AppendHeader(nil, h), p...))
			next++
		}
	}
	write(100)
	first := collect(t, frames)
	write(50)
	first.watcher.Close()
	write(50)
	all := collect(t, frames)
	write(50)
	conn.Close()
	all.until(closed)
	got := all.of(feed.Frame, protocol.Client)
	if len(got) != next {
		t.Fatalf("%d frames, want %d", len(got), next)
	}
	for i, r := range got {
		h, n := protocol.ParseHeader(r.Data)
		if number := binary.LittleEndian.Uint64(r.Data[n:]); number != uint64(i) || r.WireSize != uint64(n)+h.PayloadLength {
			t.Fatalf("frame %d is number %d with %d bytes", i, number, r.WireSize)
		}
	}
}

func TestWatcherOfAnEmptyHistoryIsSentItsLosses(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 1 << 20, History: 512 << 10})
	stalled := collect(t, frames)
	const total = 200
	talk(t, frames, func(write func([]byte)) {
		for range total {
			write(make([]byte, 20_000))
		}
	})
	stalled.until(closed)
	lost := uint64(0)
	for _, r := range stalled.records {
		if r.Kind == feed.Lost {
			lost += binary.LittleEndian.Uint64(r.Data)
		}
	}
	if seen := uint64(len(stalled.of(feed.Frame, protocol.Client))); seen+lost != total || lost == 0 {
		t.Errorf("%d frames seen, %d told as lost, of %d", seen, lost, total)
	}
}

func TestUnrecordedFramesAreCounted(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 100})
	first := collect(t, frames)
	say := func(write func([]byte)) { write([]byte("x")) }
	talk(t, frames, say)
	first.until(closed)
	first.watcher.Close()
	talk(t, frames, say)
	w, err := frames.Watch(first.records[0].Data[:16], 1)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	batch, err := w.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r, _, _ := feed.Parse(batch); r.Kind != feed.Begin || binary.LittleEndian.Uint64(r.Data[16:]) != 2 {
		t.Errorf("the feed goes on with %+v, want 2 frames before it", r)
	}
}
