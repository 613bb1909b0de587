//go:build linux

// Attacks on the chat: members that do not read, thousands that join, illegal lines.

package soak

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"framescope/protocol"
)

func chatAttacks() []attack {
	return []attack{
		{name: "a chat room with members that do not read", limit: "messages waiting for a chat member: 1 MiB", run: stalledMembers(40, 4, 1000, 50), wait: 30 * time.Second, p99: 2 * time.Second},
		{name: "members that join all at once", limit: "all welcomed within 10 s", run: joinRush(300, 10_000), wait: 10 * time.Second, rss: 448 * mib, p99: 2 * time.Second},
		{name: "illegal chat lines", limit: "32 KiB: close 1009, binary: close 1003", run: wrongLines, flood: true},
	}
}

// roomName makes the name of a new room.
func roomName() string { return fmt.Sprintf("room-%016x", rand.Uint64()) }

// stalledMembers fills a room, of whose members some do not read. The others send lines
// until those are dropped and announced as slow, and must get every line.
func stalledMembers(small, smallStalled, full, fullStalled int) func(a *attackRun) {
	return func(a *attackRun) {
		n, stalled := a.n(small, full), a.n(smallStalled, fullStalled)
		name := roomName()
		a.open(stalled, smallBuffer, "/ws/chat?room="+name+"&name=stalled", offerChat)
		begun := time.Now()
		r := &room{large: true, times: &latencies{}, left: func(reason string) {
			what := "announced as slow"
			if !strings.Contains(reason, "slow") {
				what = fmt.Sprintf("announced with %q", reason)
			}
			a.record(what, time.Since(begun))
		}}
		for i := range n - stalled {
			p, err := a.upgrade("/ws/chat?room="+name+fmt.Sprintf("&name=member-%d", i), offerChat)
			if err != nil {
				a.fail("join: %v", err)
				return
			}
			m, err := readWelcome(&rawClient{peer: p}, name, fmt.Sprint("member-", i))
			if err != nil {
				a.fail("join: %v", err)
				return
			}
			r.add(m)
		}
		begun = time.Now()
		a.talk(r, func() bool { return a.total() >= stalled })
		a.want("announced as slow")
		times := r.times.take()
		a.note("%d members heard %d lines each, p99 %v", len(r.members), len(times)/max(1, len(r.members)), round(percentile(times, 99)))
	}
}

// talk lets the first four members of a room send lines until over returns true, while all
// check what comes.
func (a *attackRun) talk(r *room, over func() bool) {
	var listening sync.WaitGroup
	for _, m := range r.members {
		listening.Go(func() {
			if err := r.listen(m); err != nil {
				a.fail("%v", err)
			}
		})
	}
	padding := noise(3500)
	for i, begun := 0, time.Now(); !over(); i++ {
		if time.Since(begun) > a.within(2*patience) {
			a.fail("members that do not read are still there after %v", round(time.Since(begun)))
			break
		}
		if err := r.members[i%4].say(" " + padding); err != nil || !pause(a.ctx, time.Duration(a.n(10, 20))*time.Millisecond) {
			break
		}
	}
	r.over.Store(true)
	_ = r.members[0].say("")
	listening.Wait()
}

// noise makes text that does not compress well.
func noise(n int) string {
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%x", rand.Uint64())
	}
	return b.String()[:n]
}

// rawClient makes a clientConn of a peer, which takes less memory than a client has.
type rawClient struct{ *peer }

func (c *rawClient) write(op protocol.Opcode, p []byte, _ int) error {
	_, err := c.Write(frame(fin|byte(op), p))
	return err
}

func (c *rawClient) read() (protocol.Opcode, []byte, []string, error) {
	for {
		c.SetReadDeadline(time.Now().Add(patience))
		h, p, err := c.readFrame()
		switch {
		case err != nil:
			return 0, nil, nil, err
		case h.Opcode == protocol.OpPing:
			c.Write(frame(pong, p))
		case h.Opcode == protocol.OpClose:
			code, reason, _ := protocol.ParseClosePayload(p)
			return 0, nil, nil, fmt.Errorf("closed with %v %s: %w", code, reason, io.EOF)
		default:
			return h.Opcode, p, nil, nil
		}
	}
}

func (c *rawClient) ping(payload string) error {
	_, err := c.Write(frame(ping, []byte(payload)))
	return err
}

func (c *rawClient) close() error { return c.Close() }
func (c *rawClient) abort()       { c.Close() }

// joinTime is how long it may take until all have joined.
const joinTime = 10 * time.Second

// joinRush lets members join a room as fast as they can, in a full run as many as a room
// holds. Each must be welcomed.
func joinRush(small, full int) func(a *attackRun) {
	return func(a *attackRun) {
		n, name := a.n(small, full), roomName()
		var welcome, ended atomic.Int64
		begun := time.Now()
		a.openEach(n, 0, "/ws/chat?room="+name, offerChat, func(p *peer) {
			go func() {
				p.countWelcome(&welcome)
				ended.Add(1)
			}()
		})
		for welcome.Load() < int64(n) && time.Since(begun) < 3*joinTime && ended.Load() == 0 {
			if !pause(a.ctx, 10*time.Millisecond) {
				return
			}
		}
		took := time.Since(begun)
		a.note("%d of %d were welcomed within %v", welcome.Load(), n, round(took))
		if welcome.Load() < int64(n) || took > a.within(joinTime) {
			a.fail("%d of %d were welcomed within %v, and %d dropped", welcome.Load(), n, round(took), ended.Load())
		}
	}
}

// countWelcome counts the welcome, which must come first, and skips what follows.
func (p *peer) countWelcome(welcome *atomic.Int64) {
	if _, first, err := p.readFrame(); err != nil || len(first) > 0 && !bytes.Contains(first, []byte(`"welcome"`)) {
		return
	}
	welcome.Add(1)
	io.Copy(io.Discard, p.reader())
}

// wrongLines sends lines that are too long or binary.
func wrongLines(a *attackRun) {
	long, _ := json.Marshal(strings.Repeat("x", 33<<10))
	lines := [][]byte{frame(text, long), frame(blob, []byte("binary"))}
	name := roomName()
	a.repeat(a.n(2, 8), func(i int) string {
		p, err := a.upgrade("/ws/chat?room="+name, "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		p.Write(lines[i%2])
		return p.awaitClose(a.within(5 * time.Second))
	})
	a.want("1003", "1009")
}
