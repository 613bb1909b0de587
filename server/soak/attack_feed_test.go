//go:build linux

// Attacks by those who watch: too many, too slow, with wrong credit.

package soak

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// maxWatchers is how many pages may watch at once.
const maxWatchers = 32

func feedAttacks() []attack {
	const batches = "8 batches under way, of at most 256 KiB"
	return []attack{
		{name: "watchers that give no credit, in a flood", limit: batches, run: creditless, flood: true},
		{name: "32 watchers at once, idle connections with heads of 3.7 KiB", limit: "32 pages, `--history 64`", run: manyWatchers(1000, 16_000), wait: 15 * time.Second, rss: 448 * mib, p99: 20 * time.Millisecond},
		{name: "watchers overtaken in a flood, idle connections", limit: batches, run: overtaken(500, 5000), flood: true, rss: 384 * mib},
		{name: "credits that are none, or too long", limit: "64 bytes: close 1008 or 1009", run: wrongCredits, flood: true},
		{name: "watchers that come and go", limit: "32 pages: close 1013", run: restlessWatchers, flood: true},
	}
}

const offerFeed = "Sec-WebSocket-Protocol: framescope.v1\r\n"

// traffic echoes messages of 64 KiB in order until it is stopped, and counts bytes.
func (a *assault) traffic(stop <-chan struct{}, bytes *atomic.Int64) {
	w, err := a.upgrade("/ws/echo", "")
	if err != nil {
		a.fail("traffic: %v", err)
		return
	}
	defer a.leave(w)
	sent := frame(blob, make([]byte, 64<<10))
	for {
		select {
		case <-stop:
			return
		case <-a.ctx.Done():
			return
		default:
		}
		if _, err := w.Write(sent); err != nil {
			a.fail("traffic: %v", err)
			return
		}
		if _, _, err := w.next(); err != nil {
			a.fail("traffic: %v", err)
			return
		}
		bytes.Add(int64(len(sent)))
		a.breathe()
	}
}

// during lets traffic flow for as long as f runs, and returns its bytes a second.
func (a *assault) during(f func()) float64 {
	var bytes atomic.Int64
	var flowing sync.WaitGroup
	stop, begun := make(chan struct{}), time.Now()
	for range 2 {
		flowing.Go(func() { a.traffic(stop, &bytes) })
	}
	f()
	close(stop)
	flowing.Wait()
	return float64(bytes.Load()) / time.Since(begun).Seconds()
}

// creditless: they take eight batches, and then no more come; a ping is still answered.
func creditless(a *assault) {
	watchers := a.open(a.n(4, 20), 0, "/ws/inspect", offerFeed)
	rate := a.during(func() { pause(a.ctx, a.scale.flood) })
	a.note("%.0f MB/s echoed beside them", rate/1e6)
	for _, w := range watchers {
		begun := time.Now()
		w.Write(frame(ping, []byte("there?")))
		a.happened(w.batchesAndPong(), time.Since(begun))
	}
	a.want("8 batches")
}

// batchesAndPong counts batches until a pong comes.
func (w *wire) batchesAndPong() string {
	w.SetReadDeadline(time.Now().Add(patience))
	for n := 0; ; {
		h, _, err := w.next()
		switch {
		case err != nil:
			return outcome(err)
		case h.Opcode == protocol.OpPong:
			return fmt.Sprintf("%d batches", n)
		case h.Opcode != protocol.OpBinary:
			return h.Opcode.String()
		case h.PayloadLength > maxBatch:
			return fmt.Sprintf("a batch of %d bytes", h.PayloadLength)
		}
		n++
	}
}

// largeHead makes a handshake of 3.7 KiB.
var largeHead = "Cookie: " + strings.Repeat("c", 3500) + "\r\n"

// manyWatchers: many connections are open and older than the history, and then as
// many watchers as may come begin at the same moment; each must be told of all.
func manyWatchers(small, full int) func(*assault) {
	return func(a *assault) {
		idle := len(a.open(a.n(small, full), 0, "/ws/echo", largeHead))
		a.evict()
		before := a.server.memory("VmRSS")
		n := maxWatchers - 1 // a page of the well-behaved is there
		if a.together {
			n = 4
		}
		a.each(n, func(int) string { return a.watchAll(idle) })
		a.note("%d connections, RSS %s before", idle, inMiB(before))
		a.want("told of all")
	}
}

// evict lets pass what fills the history, so that it holds no beginning any more.
func (a *assault) evict() {
	w, err := a.upgrade("/ws/echo", "")
	if err != nil {
		a.fail("fill the history: %v", err)
		return
	}
	defer a.leave(w)
	sent := frame(blob, make([]byte, 64<<10))
	for range historySize / len(sent) { // twice: there is an echo
		if _, err := w.Write(sent); err != nil {
			a.fail("fill the history: %v", err)
			return
		}
		if _, _, err := w.next(); err != nil {
			a.fail("fill the history: %v", err)
			return
		}
	}
}

// watchAll opens a feed and reads until it has been told of so many connections.
func (a *assault) watchAll(connections int) string {
	v, err := a.view()
	if err != nil {
		return err.Error()
	}
	defer a.leave(v)
	for !v.told || len(v.open) < connections {
		if err := v.next(true); err != nil {
			return fmt.Sprintf("%d of %d connections, then %v", len(v.open), connections, err)
		}
	}
	return "told of all"
}

// overtaken: watchers take a batch now and then, so that the history passes them again
// and again. The flood may not suffer by more than what they read.
func overtaken(small, full int) func(*assault) {
	return func(a *assault) {
		a.open(a.n(small, full), 0, "/ws/echo", largeHead)
		alone := a.during(func() { pause(a.ctx, a.scale.flood/2) })
		var watching sync.WaitGroup
		stop := make(chan struct{})
		for range 8 {
			watching.Go(func() { a.lag(stop) })
		}
		beside := a.during(func() { pause(a.ctx, a.scale.flood) })
		close(stop)
		watching.Wait()
		a.note("%.0f MB/s echoed alone, %.0f beside 8 of them", alone/1e6, beside/1e6)
		if a.scale.lanes == 1 && !a.together && beside < alone/5 {
			a.fail("the flood falls from %.0f to %.0f MB/s", alone/1e6, beside/1e6)
		}
	}
}

// lag follows the feed a batch at a time, ten a second.
func (a *assault) lag(stop <-chan struct{}) {
	begun := time.Now()
	v, err := a.view()
	if err != nil {
		a.fail("watch: %v", err)
		return
	}
	defer a.leave(v)
	for {
		select {
		case <-stop:
			what := "kept up"
			if v.lost > 0 {
				what = "overtaken"
			}
			a.happened(what, time.Since(begun))
			return
		case <-a.ctx.Done():
			return
		default:
		}
		if err := v.next(true); err != nil {
			a.fail("watch: %v", err)
			return
		}
		pause(a.ctx, sampleTime)
	}
}

// wrongCredits: what is no number of batches ends the feed at once, before a long
// message has come.
func wrongCredits(a *assault) {
	credits := [][]byte{
		frame(text, []byte("x")), frame(text, []byte("-1")), frame(text, []byte("999")), frame(text, []byte("9")), frame(blob, []byte("1")),
		append(header(text, 16*mib), strings.Repeat("1", 1000)...),
	}
	a.again(a.n(1, 4), func(i int) string {
		w, err := a.upgrade("/ws/inspect", offerFeed)
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		w.Write(credits[i%len(credits)])
		return w.end(a.within(5 * time.Second))
	})
	a.want("1008", "1009")
}

// restlessWatchers: more than may watch, each for a moment.
func restlessWatchers(a *assault) {
	a.again(a.n(8, 2*maxWatchers), func(i int) string {
		v, err := a.view()
		if err != nil {
			return err.Error()
		}
		defer a.leave(v)
		err = v.next(i%2 == 0)
		var closed *websocket.CloseError
		switch {
		case err == nil:
			return "a batch"
		case errors.As(err, &closed) && closed.Code == protocol.CloseTryAgainLater:
			return "1013"
		case errors.Is(err, io.EOF):
			return closedTCP
		}
		return err.Error()
	})
	a.want("a batch", "1013")
}
