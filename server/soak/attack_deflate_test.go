//go:build linux

// Attacks by compression: much out of little, nothing out of much, and messages that
// are inflated and never finished.

package soak

import (
	"bytes"
	"compress/flate"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

func deflateAttacks() []attack {
	small, large := []string{"--max-memory", "256MiB"}, []string{"--max-memory", "512MiB"}
	return []attack{
		{name: "16 MiB in 16 KiB", limit: "`--max-message-size`: echoed", run: legalBombs, flood: true, launch: launch{flags: small}, rss: budget(256 * mib)},
		{name: "64 MiB in 64 KiB", limit: "`--max-message-size`: close 1009", run: bombs, flood: true, launch: launch{flags: small}, rss: budget(256 * mib)},
		{name: "compressed messages held open, few", limit: "`--max-memory 256MiB`", run: heldMessages(60, 300, 8*time.Second), wait: 10 * time.Second, launch: launch{flags: small}, rss: budget(256 * mib)},
		{name: "compressed messages held open, many", limit: "`--max-memory 512MiB`", run: heldMessages(100, 2000, messageTime+10*time.Second), wait: messageTime + 10*time.Second, launch: launch{flags: large}, rss: budget(512 * mib), onlyBig: true},
		{name: "empty deflate blocks, without an end", limit: "none: memory stays as it is", run: emptyBlocks, flood: true},
		{name: "messages of nothing but empty deflate blocks", limit: "none: they are echoed", run: emptyMessages, flood: true},
	}
}

// deflated is p as permessage-deflate sends it (RFC 7692 7.2.1).
func deflated(p []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic(err) // the level is one
	}
	w.Write(p)
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff})
}

// Zeros, compressed.
var (
	bomb15 = sync.OnceValue(func() []byte { return deflated(make([]byte, 15*mib)) })
	bomb64 = sync.OnceValue(func() []byte { return deflated(make([]byte, 64*mib)) })
)

// unfinished is what deflated returns as a part to which more may follow.
func unfinished(p []byte) []byte { return append(slices.Clip(p), 0, 0, 0xff, 0xff) }

// legalBombs: what a client may send comes back.
func legalBombs(a *assault) {
	zeros := make([]byte, 16*mib)
	a.again(a.n(2, 4), func(int) string {
		ctx, cancel := context.WithTimeout(a.ctx, patience)
		defer cancel()
		c, _, err := websocket.Dial(ctx, a.server.url("ws", "/ws/echo"), &websocket.DialOptions{Proxy: websocket.NoProxy})
		if err != nil {
			return err.Error()
		}
		defer c.CloseNow()
		defer context.AfterFunc(a.ctx, c.CloseNow)()
		c.SetReadDeadline(time.Now().Add(patience))
		if err := c.WriteMessage(protocol.OpBinary, zeros); err != nil {
			return err.Error()
		}
		op, p, err := c.ReadMessage()
		if err != nil || op != protocol.OpBinary || !bytes.Equal(p, zeros) {
			return "not the echo"
		}
		return "echoed"
	})
	a.want("echoed")
}

// bombs: too much in one frame, or little by little.
func bombs(a *assault) {
	one := frame(rsv1|blob, bomb64())
	part := unfinished(bomb15())
	var many bytes.Buffer
	many.Write(frame(rsv1|byte(protocol.OpBinary), part))
	many.Write(frame(0, part))
	a.again(a.n(4, 16), func(i int) string {
		w, err := a.upgrade("/ws/echo", offerDeflate)
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		sent := one
		if i%2 == 1 {
			sent = many.Bytes()
		}
		go w.Write(sent)
		return w.end(patience)
	})
	a.want("1009", "1013")
}

// heldMessages: each peer sends what inflates to nearly 16 MiB and does not finish the
// message, but answers pings. Nobody may do so for longer than a message's time.
func heldMessages(small, full int, longest time.Duration) func(a *assault) {
	return func(a *assault) {
		sent := frame(rsv1|byte(protocol.OpBinary), unfinished(bomb15()))
		var held atomic.Int64
		for _, w := range a.open(a.n(small, full), 0, "/ws/echo", offerDeflate) {
			if _, err := w.Write(sent); err == nil {
				held.Add(1)
			}
			go func() {
				begun := time.Now()
				end := w.end(messageTime + patience)
				a.happened(end, time.Since(begun))
				held.Add(-1)
			}()
		}
		for begun := time.Now(); held.Load() > 0 && time.Since(begun) < longest; {
			if !pause(a.ctx, sampleTime) {
				return
			}
		}
		left := held.Load()
		a.note("%d are held open", left)
		if longest > messageTime && left > 0 {
			a.fail("%d messages are still held open after %v", left, longest)
		}
		if left < int64(a.n(small, full)) {
			a.want("1008", "1009", "1013")
		}
	}
}

// emptyBlock is a stored block of no bytes (RFC 1951 3.2.4).
var emptyBlock = []byte{0, 0, 0, 0xff, 0xff}

// emptyBlocks: as many as the server takes, in a message that has no end, which then
// is given one.
func emptyBlocks(a *assault) {
	blocks := frame(0, bytes.Repeat(emptyBlock, 13_000))
	var total atomic.Int64
	begun := a.server.cpu()
	a.each(a.n(2, 8), func(int) string {
		w, err := a.upgrade("/ws/echo", offerDeflate)
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		w.Write(frame(rsv1|byte(protocol.OpBinary), emptyBlock))
		for over := time.Now().Add(a.scale.flood); time.Now().Before(over); a.breathe() {
			n, err := w.Write(blocks)
			total.Add(int64(n))
			if err != nil {
				return w.end(time.Second)
			}
		}
		w.Write(frame(fin, []byte{0}))
		return w.echo(nil)
	})
	a.note("%d MiB taken with %v of CPU", total.Load()/mib, round(a.server.cpu()-begun))
	a.want("echoed", "1008", "1013")
}

func emptyMessages(a *assault) {
	message := frame(rsv1|blob, append(bytes.Repeat(emptyBlock, 3000), 0))
	batch := bytes.Repeat(message, 20)
	a.again(a.n(2, 8), func(int) string {
		w, err := a.upgrade("/ws/echo", offerDeflate)
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		go w.Write(batch)
		for range 20 {
			if got := w.echo(nil); got != "echoed" {
				return got
			}
		}
		return "echoed"
	})
	a.want("echoed")
}
