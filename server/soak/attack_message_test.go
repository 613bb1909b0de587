//go:build linux

// Attacks with messages: in the smallest pieces, as large as allowed, larger, never
// finished.

package soak

import (
	"bytes"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"framescope/protocol"
)

// messageTime is how long a message may take, beside a second for each 16 KiB.
const messageTime = 60 * time.Second

func messageAttacks() []attack {
	return []attack{
		{name: "messages a byte at a time", limit: "none: they are echoed", run: byteByByte, flood: true},
		{name: "messages in 10,000 fragments", limit: "none: they are echoed", run: manyFragments, flood: true},
		{name: "messages of 16 MiB", limit: "`--max-message-size 16777216`", run: largestMessages, flood: true, rss: 448 * mib},
		{name: "messages of a byte more", limit: "`--max-message-size 16777216`: close 1009", run: tooLargeMessages, flood: true, rss: 384 * mib},
		{name: "messages not finished, of very many", limit: "`--max-memory 256MiB`", run: unfinishedMessages, wait: 10 * time.Second,
			launch: launch{flags: []string{"--max-memory", "256MiB"}}, rss: budget(256 * mib)},
		{name: "fragments of a byte, now and then, without an end", limit: "a message's arrival: 60 s, and 1 s more for each 16 KiB", run: endlessMessages, wait: messageTime + 5*time.Second, onlyBig: true},
	}
}

// byteByByte sends a text a byte at a time, each in a segment of its own.
func byteByByte(a *assault) {
	message := []byte("a message, byte by byte")
	a.again(a.n(10, 200), func(int) string {
		w, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		for _, b := range frame(text, message) {
			if _, err := w.Write([]byte{b}); err != nil {
				return outcome(err)
			}
			pause(a.ctx, time.Millisecond)
		}
		return w.echo(message)
	})
	a.want("echoed")
}

// echo reads a message, which must be this.
func (w *wire) echo(want []byte) string {
	w.SetReadDeadline(time.Now().Add(patience))
	h, payload, err := w.next()
	switch {
	case err != nil:
		return outcome(err)
	case h.PayloadLength > 64<<10 && h.PayloadLength == uint64(len(want)), bytes.Equal(payload, want):
		return "echoed"
	}
	return fmt.Sprintf("%v frame of %d bytes for %d", h.Opcode, h.PayloadLength, len(want))
}

func manyFragments(a *assault) {
	const n = 10_000
	sent := frame(byte(protocol.OpText), []byte("x"))
	for range n - 2 {
		sent = append(sent, frame(0, []byte("x"))...)
	}
	sent = append(sent, frame(fin, []byte("x"))...)
	a.again(a.n(2, 16), func(int) string {
		w, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		w.Write(sent)
		return w.echo(bytes.Repeat([]byte("x"), n))
	})
	a.want("echoed")
}

func largestMessages(a *assault) {
	sent := frame(blob, make([]byte, 16*mib))
	a.again(a.n(2, 4), func(int) string {
		w, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		if _, err := w.Write(sent); err != nil {
			return outcome(err)
		}
		return w.echo(make([]byte, 16*mib))
	})
	a.want("echoed")
}

// tooLargeMessages: the header says too much, or the last of many fragments does.
func tooLargeMessages(a *assault) {
	half := frame(byte(protocol.OpBinary), make([]byte, 8*mib))
	rest := frame(0, make([]byte, 8*mib))
	a.again(a.n(2, 8), func(i int) string {
		w, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		parts := net.Buffers{header(blob, 1<<62)}
		if i%2 == 1 {
			parts = net.Buffers{half, rest, frame(fin, []byte("x"))}
		}
		go parts.WriteTo(w.TCPConn)
		return w.end(patience)
	})
	a.want("1009")
}

// unfinishedMessages: each peer holds little; together they hold twice what the server
// allows.
func unfinishedMessages(a *assault) {
	n := a.n(400, 8000)
	part := frame(byte(protocol.OpBinary), make([]byte, 512*mib/n))
	var held atomic.Int64
	for _, w := range a.open(n, 0, "/ws/echo", "") {
		held.Add(1)
		go func() {
			begun := time.Now()
			go w.Write(part)
			end := w.end(patience)
			a.happened(end, time.Since(begun))
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
		a.want("1008", "1009", "1013")
	}
}

func endlessMessages(a *assault) {
	a.each(a.n(20, 1000), func(int) string {
		w, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		stop := make(chan struct{})
		defer close(stop)
		w.Write(frame(byte(protocol.OpText), []byte("x")))
		go func() {
			for err := error(nil); err == nil; {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Second):
					_, err = w.Write(frame(0, []byte("x")))
				}
			}
		}()
		return w.end(a.within(messageTime + 5*time.Second))
	})
	a.want("1008")
}
