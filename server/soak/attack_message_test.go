//go:build linux

// Attacks with messages: in very small pieces, as large as allowed or larger, unfinished.

package soak

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"framescope/protocol"
)

// messageTime is how long a message may take to arrive, beside a second for each 16 KiB.
const messageTime = 60 * time.Second

// connSize is about what a connection takes beside what it keeps for its peer, in bytes.
const connSize = 16 << 10

func messageAttacks() []attack {
	return []attack{
		{name: "messages a byte at a time", limit: "none: echoed", run: byteByByte, flood: true},
		{name: "messages in 10,000 fragments", limit: "none: echoed", run: manyFragments, flood: true},
		{name: "messages of 16 MiB", limit: "`--max-message-size 16777216`", run: largestMessages, flood: true, rss: 448 * mib, large: true},
		{name: "messages of more than 16 MiB", limit: "`--max-message-size 16777216`: close 1009", run: tooLargeMessages, flood: true, rss: 448 * mib, large: true},
		{name: "unfinished messages of very many peers", limit: "`--max-memory 256MiB`", run: unfinishedMessages, wait: 10 * time.Second,
			launch: launch{flags: []string{"--max-memory", "256MiB"}}, rss: budget(256*mib) + 8000*connSize, p99: 3 * time.Second, large: true},
		{name: "unfinished messages, a fragment now and then", limit: "a message's arrival: 60 s, and 1 s more for each 16 KiB", run: endlessMessages, wait: messageTime + 5*time.Second, fullOnly: true},
	}
}

// byteByByte sends a message a byte at a time, each in its own TCP segment.
func byteByByte(a *attackRun) {
	message := []byte("a message, byte by byte")
	a.repeat(a.n(10, 200), func(int) string {
		p, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		for _, b := range frame(text, message) {
			if _, err := p.Write([]byte{b}); err != nil {
				return outcome(err)
			}
			pause(a.ctx, time.Millisecond)
		}
		return p.expectEcho(message)
	})
	a.want("echoed")
}

// expectEcho reads a message, which must have this payload.
func (p *peer) expectEcho(want []byte) string {
	p.SetReadDeadline(time.Now().Add(patience))
	h, payload, err := p.readFrame()
	switch {
	case err != nil:
		return outcome(err)
	case h.Opcode == protocol.OpClose:
		code, _, _ := protocol.ParseClosePayload(payload)
		return strconv.Itoa(int(code))
	case h.PayloadLength > 64<<10 && h.PayloadLength == uint64(len(want)), bytes.Equal(payload, want):
		return "echoed"
	}
	return fmt.Sprintf("%v frame of %d bytes, not %d", h.Opcode, h.PayloadLength, len(want))
}

// manyFragments sends messages in 10,000 frames.
func manyFragments(a *attackRun) {
	const n = 10_000
	sent := frame(byte(protocol.OpText), []byte("x"))
	for range n - 2 {
		sent = append(sent, frame(0, []byte("x"))...)
	}
	sent = append(sent, frame(fin, []byte("x"))...)
	a.repeat(a.n(2, 16), func(int) string {
		p, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		p.Write(sent)
		return p.expectEcho(bytes.Repeat([]byte("x"), n))
	})
	a.want("echoed")
}

// largestMessages sends the largest messages that are taken.
func largestMessages(a *attackRun) {
	sent := frame(blob, make([]byte, 16*mib))
	a.repeat(a.n(2, 4), func(int) string {
		p, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		if _, err := p.Write(sent); err != nil {
			return outcome(err)
		}
		return p.expectEcho(make([]byte, 16*mib))
	})
	a.want("echoed")
}

// tooLargeMessages passes the limit in the first header or in the last fragment.
func tooLargeMessages(a *attackRun) {
	half := frame(byte(protocol.OpBinary), make([]byte, 8*mib))
	rest := frame(0, make([]byte, 8*mib))
	a.repeat(a.n(2, 8), func(i int) string {
		p, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		parts := net.Buffers{header(blob, 1<<62)}
		if i%2 == 1 {
			parts = net.Buffers{half, rest, frame(fin, []byte("x"))}
		}
		go parts.WriteTo(p.TCPConn)
		return p.awaitClose(patience)
	})
	a.want("1009")
}

// unfinishedMessages makes the server hold a little for each peer, and for all of them
// twice what it may.
func unfinishedMessages(a *attackRun) {
	n := a.n(400, 8000)
	part := frame(byte(protocol.OpBinary), make([]byte, 512*mib/n))
	var held atomic.Int64
	for _, p := range a.open(n, 0, "/ws/echo", "") {
		held.Add(1)
		go func() {
			begun := time.Now()
			go p.Write(part)
			end := p.awaitClose(patience)
			a.record(end, time.Since(begun))
			held.Add(-1)
		}()
	}
	for begun := time.Now(); time.Since(begun) < 8*time.Second; {
		if !pause(a.ctx, sampleTime) {
			return
		}
	}
	left := held.Load()
	a.note("%d are held open", left)
	if left < int64(n) {
		a.want("1008", "1009", "1013", resetTCP)
	}
}

// endlessMessages sends a fragment of one byte every five seconds.
func endlessMessages(a *attackRun) {
	a.each(a.n(20, 1000), func(int) string {
		p, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		stop := make(chan struct{})
		defer close(stop)
		p.Write(frame(byte(protocol.OpText), []byte("x")))
		go func() {
			for err := error(nil); err == nil; {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Second):
					_, err = p.Write(frame(0, []byte("x")))
				}
			}
		}()
		return p.awaitClose(a.within(messageTime + 5*time.Second))
	})
	a.want("1008")
}
