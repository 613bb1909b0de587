//go:build linux

// Attacks by compression: messages that inflate to much or to nothing, and unfinished ones.

package soak

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

func deflateAttacks() []attack {
	small, large := []string{"--max-memory", "256MiB"}, []string{"--max-memory", "512MiB"}
	return []attack{
		{name: "16 MiB compressed to 16 KiB", limit: "`--max-message-size`: echoed", run: legalBombs, flood: true, launch: launch{flags: small}, rss: budget(256 * mib), large: true},
		{name: "64 MiB compressed to 64 KiB", limit: "`--max-message-size`: close 1009", run: bombs, flood: true, launch: launch{flags: small}, rss: budget(256 * mib), large: true},
		{name: "unfinished compressed messages", limit: "`--max-memory 256MiB`", run: heldMessages(60, 300, 8*time.Second), wait: 10 * time.Second, launch: launch{flags: small}, rss: budget(256 * mib), large: true},
		{name: "unfinished compressed messages of very many peers", limit: "`--max-memory 512MiB`", run: heldMessages(100, 2000, messageTime+10*time.Second), wait: messageTime + 10*time.Second, launch: launch{flags: large}, rss: budget(512 * mib), fullOnly: true, large: true},
		{name: "an unfinished message of empty deflate blocks", limit: "`--max-message-size` of what was sent: close 1009", run: emptyBlocks, flood: true},
		{name: "messages of empty deflate blocks", limit: "none: echoed", run: emptyMessages, flood: true},
	}
}

// deflated is p as permessage-deflate sends it (RFC 7692 7.2.1).
func deflated(p []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic(err) // the level is valid
	}
	w.Write(p)
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff})
}

// Compressed zeros: 15 and 64 MiB of them.
var (
	bomb15 = sync.OnceValue(func() []byte { return deflated(make([]byte, 15*mib)) })
	bomb64 = sync.OnceValue(func() []byte { return deflated(make([]byte, 64*mib)) })
)

// unfinished makes what deflated returns the first part of a longer message.
func unfinished(p []byte) []byte { return append(slices.Clip(p), 0, 0, 0xff, 0xff) }

// legalBombs sends messages that inflate to as much as is allowed.
func legalBombs(a *attackRun) {
	zeros := make([]byte, 16*mib)
	a.repeat(a.n(2, 4), func(int) string {
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
		var closed *websocket.CloseError
		switch {
		case errors.As(err, &closed) && closed.Code != protocol.CloseAbnormal:
			return strconv.Itoa(int(closed.Code))
		case err != nil:
			return err.Error()
		case op != protocol.OpBinary || !bytes.Equal(p, zeros):
			return "not the echo"
		}
		return "echoed"
	})
	a.want("echoed")
}

// bombs sends messages that inflate to more than is allowed, in one frame or in two.
func bombs(a *attackRun) {
	one := frame(rsv1|blob, bomb64())
	part := unfinished(bomb15())
	var many bytes.Buffer
	many.Write(frame(rsv1|byte(protocol.OpBinary), part))
	many.Write(frame(0, part))
	a.repeat(a.n(4, 16), func(i int) string {
		p, err := a.upgrade("/ws/echo", offerDeflate)
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		sent := one
		if i%2 == 1 {
			sent = many.Bytes()
		}
		go p.Write(sent)
		return p.awaitClose(patience)
	})
	a.want("1009", "1013")
}

// heldMessages sends what inflates to 15 MiB on each connection, does not finish the
// message, and answers pings. It waits at most longest, which if it is longer than a
// message may take is a limit too.
func heldMessages(small, full int, longest time.Duration) func(a *attackRun) {
	return func(a *attackRun) {
		sent := frame(rsv1|byte(protocol.OpBinary), unfinished(bomb15()))
		var held atomic.Int64
		for _, p := range a.open(a.n(small, full), 0, "/ws/echo", offerDeflate) {
			if _, err := p.Write(sent); err == nil {
				held.Add(1)
			}
			go func() {
				begun := time.Now()
				end := p.awaitClose(messageTime + patience)
				a.record(end, time.Since(begun))
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
			a.want("1008", "1009", "1013", resetTCP)
		}
	}
}

// emptyBlock is a stored block of no bytes (RFC 1951 3.2.4).
var emptyBlock = []byte{0, 0, 0, 0xff, 0xff}

// emptyBlocks sends a message of as many empty blocks as the server takes in the time of a
// flood. It inflates to nothing, but not more than 16 MiB of it are taken.
func emptyBlocks(a *attackRun) {
	blocks := frame(0, bytes.Repeat(emptyBlock, 13_000))
	var total atomic.Int64
	begun := a.server.cpu()
	a.each(a.n(2, 8), func(int) string {
		p, err := a.upgrade("/ws/echo", offerDeflate)
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		p.Write(frame(rsv1|byte(protocol.OpBinary), emptyBlock))
		for over := time.Now().Add(a.scale.flood); time.Now().Before(over); a.throttle() {
			n, err := p.Write(blocks)
			total.Add(int64(n))
			if err != nil {
				break // the close frame says why
			}
		}
		p.Write(frame(fin, []byte{0}))
		return p.expectEcho(nil)
	})
	a.note("%d MiB in %v of CPU", total.Load()/mib, round(a.server.cpu()-begun))
	a.want("echoed", "1009")
}

// emptyMessages sends messages of 3,000 empty blocks.
func emptyMessages(a *attackRun) {
	message := frame(rsv1|blob, append(bytes.Repeat(emptyBlock, 3000), 0))
	batch := bytes.Repeat(message, 20)
	a.repeat(a.n(2, 8), func(int) string {
		p, err := a.upgrade("/ws/echo", offerDeflate)
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		go p.Write(batch)
		for range 20 {
			if got := p.expectEcho(nil); got != "echoed" {
				return got
			}
		}
		return "echoed"
	})
	a.want("echoed")
}
