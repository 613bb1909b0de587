//go:build linux

// Attacks by watchers of the capture: too many, too slow, with wrong credits.

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
		{name: "watchers without credit", limit: batches, run: noCredit, flood: true},
		{name: "32 watchers at once, many connections with heads of 3.7 KiB", limit: "32 pages, `--history 64`", run: manyWatchers(1000, 16_000), wait: 15 * time.Second, rss: 448 * mib},
		{name: "slow watchers in a flood, many connections", limit: batches, run: overtaken(500, 5000), flood: true},
		{name: "bad credits", limit: "a number, 64 bytes: close 1008 or 1009", run: wrongCredits, flood: true},
		{name: "watchers that come and go", limit: "32 pages: close 1013", run: shortWatchers, flood: true},
	}
}

const offerFeed = "Sec-WebSocket-Protocol: framescope.v1\r\n"

// traffic sends messages of 64 KiB and reads the echoes until it is stopped, and counts
// the bytes that it has sent.
func (a *attackRun) traffic(stop <-chan struct{}, bytes *atomic.Int64) {
	p, err := a.upgrade("/ws/echo", "")
	if err != nil {
		a.fail("traffic: %v", err)
		return
	}
	defer a.release(p)
	sent := frame(blob, make([]byte, 64<<10))
	for {
		select {
		case <-stop:
			return
		case <-a.ctx.Done():
			return
		default:
		}
		if _, err := p.Write(sent); err != nil {
			a.fail("traffic: %v", err)
			return
		}
		if _, _, err := p.readFrame(); err != nil {
			a.fail("traffic: %v", err)
			return
		}
		bytes.Add(int64(len(sent)))
		a.throttle()
	}
}

// during runs f beside two connections of traffic, and returns their bytes a second.
func (a *attackRun) during(f func()) float64 {
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

// noCredit opens watchers that give no credit. They must get eight batches, then no more,
// and still an answer to a ping.
func noCredit(a *attackRun) {
	watchers := a.open(a.n(4, 20), 0, "/ws/inspect", offerFeed)
	rate := a.during(func() { pause(a.ctx, a.scale.flood) })
	a.note("%.0f MB/s echoed beside them", rate/1e6)
	for _, p := range watchers {
		begun := time.Now()
		p.Write(frame(ping, []byte("there?")))
		a.record(p.batchesAndPong(), time.Since(begun))
	}
	want := []string{"8 batches"}
	for n := range 8 { // beside many other watchers they take their time
		want = append(want, fmt.Sprintf("%d batches", n))
	}
	a.want(want...)
}

// batchesAndPong counts the batches before a pong.
func (p *peer) batchesAndPong() string {
	p.SetReadDeadline(time.Now().Add(patience))
	for n := 0; ; {
		h, _, err := p.readFrame()
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

// largeHead is a field that makes the head of a handshake 3.7 KiB long.
var largeHead = "Cookie: " + strings.Repeat("c", 3500) + "\r\n"

// manyWatchers opens many connections, fills the history so that their records are gone
// from it, and starts as many watchers as are allowed at once. Each must be told of all
// connections.
func manyWatchers(small, full int) func(*attackRun) {
	return func(a *attackRun) {
		idle := len(a.open(a.n(small, full), 0, "/ws/echo", largeHead))
		a.evict()
		before, _ := a.server.memory()
		n := maxWatchers - 1 // one of the well-behaved clients is a watcher
		if a.together {
			n = 4
		}
		a.each(n, func(int) string { return a.watchAll(idle) })
		a.note("%d connections, RSS %s before", idle, inMiB(before))
		a.want("told of all")
	}
}

// evictPause keeps evict slower than a flood, of which only 128 bytes a frame are recorded.
const evictPause = 4 * time.Millisecond

// evict sends as much as the history holds, so that all that was in it goes.
func (a *attackRun) evict() {
	p, err := a.upgrade("/ws/echo", "")
	if err != nil {
		a.fail("fill the history: %v", err)
		return
	}
	defer a.release(p)
	sent := frame(blob, make([]byte, 64<<10))
	for range historySize * 6 / 10 / len(sent) { // each is recorded twice, with its echo
		pause(a.ctx, evictPause)
		if _, err := p.Write(sent); err != nil {
			a.fail("fill the history: %v", err)
			return
		}
		if _, _, err := p.readFrame(); err != nil {
			a.fail("fill the history: %v", err)
			return
		}
	}
}

// watchAll opens a feed and reads it until so many connections are known to be open.
func (a *attackRun) watchAll(connections int) string {
	v, err := a.view()
	if err != nil {
		return err.Error()
	}
	defer a.release(v)
	for len(v.open) < connections {
		if err := v.next(); err != nil {
			return fmt.Sprintf("%d of %d connections, then %v", len(v.open), connections, err)
		}
	}
	return "told of all"
}

// overtaken starts slow watchers in a flood, which overtakes them again and again, and
// compares the flood's throughput with that before.
func overtaken(small, full int) func(*attackRun) {
	return func(a *attackRun) {
		a.open(a.n(small, full), 0, "/ws/echo", largeHead)
		alone := a.during(func() { pause(a.ctx, a.scale.flood/2) })
		var watching sync.WaitGroup
		stop := make(chan struct{})
		for range 8 {
			watching.Go(func() { a.followSlowly(stop) })
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

// followSlowly reads a feed at ten batches a second until stop is closed.
func (a *attackRun) followSlowly(stop <-chan struct{}) {
	begun := time.Now()
	v, err := a.view()
	if err != nil {
		a.fail("watch: %v", err)
		return
	}
	defer a.release(v)
	for {
		select {
		case <-stop:
			what := "kept up"
			if v.lost > 0 {
				what = "overtaken"
			}
			a.record(what, time.Since(begun))
			return
		case <-a.ctx.Done():
			return
		default:
		}
		if err := v.next(); err != nil {
			a.fail("watch: %v", err)
			return
		}
		pause(a.ctx, sampleTime)
	}
}

// wrongCredits sends what is no number of batches, or is too long. Each must end the feed at
// once, the last one before its payload has come.
func wrongCredits(a *attackRun) {
	credits := [][]byte{
		frame(text, []byte("x")), frame(text, []byte("-1")), frame(text, []byte("999")), frame(text, []byte("9")), frame(blob, []byte("1")),
		append(header(text, 16*mib), strings.Repeat("1", 1000)...),
	}
	a.repeat(a.n(1, 4), func(i int) string {
		p, err := a.upgrade("/ws/inspect", offerFeed)
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		p.Write(credits[i%len(credits)])
		return p.awaitClose(a.within(5 * time.Second))
	})
	a.want("1008", "1009", "1013") // too many watch at once, perhaps
}

// shortWatchers opens more watchers than are allowed, each for one batch.
func shortWatchers(a *attackRun) {
	a.repeat(a.n(8, 2*maxWatchers), func(int) string {
		v, err := a.view()
		if err != nil {
			return err.Error()
		}
		defer a.release(v)
		err = v.next()
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
