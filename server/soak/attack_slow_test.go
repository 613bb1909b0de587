//go:build linux

// Attacks by peers that read slowly, or not at all.

package soak

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// stallTime is how long a write of the server may wait; blockedTime is after what time
// without progress it is taken to wait.
const (
	stallTime   = 10 * time.Second
	blockedTime = 500 * time.Millisecond
)

func slowAttacks() []attack {
	const stallLimit = "a peer that does not read: 10 s a write"
	return []attack{
		{name: "echoes that are never read", limit: stallLimit, run: unreadEchoes, wait: stallTime + 2*time.Second},
		{name: "echoes read a byte a second", limit: stallLimit, run: slowlyReadEchoes, wait: stallTime + 2*time.Second},
		{name: "answers of 16 MiB that are never read", limit: "`--max-memory 256MiB`", run: unreadAnswers, wait: stallTime + 4*time.Second,
			launch: launch{flags: []string{"--max-memory", "256MiB"}}, rss: budget(256 * mib), large: true},
	}
}

// unreadEchoes sends messages and reads no echo.
func unreadEchoes(a *attackRun) {
	flood := frame(blob, make([]byte, 64<<10))
	a.each(a.n(8, 200), func(int) string {
		p, err := a.upgradeWith(smallBuffer, "/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		return a.floodUntilDropped(p, flood)
	})
	a.want(dropped, resetTCP)
}

// slowlyReadEchoes sends messages and reads a byte of the echoes each second.
func slowlyReadEchoes(a *attackRun) {
	flood := frame(blob, make([]byte, 64<<10))
	a.each(a.n(8, 100), func(int) string {
		p, err := a.upgradeWith(smallBuffer, "/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for one := make([]byte, 1); ; {
				select {
				case <-stop:
					return
				case <-time.After(time.Second):
					p.Read(one)
				}
			}
		}()
		return a.floodUntilDropped(p, flood)
	})
	a.want(dropped, resetTCP)
}

// unreadAnswers makes the server hold an echo of 16 MiB for each peer. After the time of a
// write the peers read, and must find that the connection has ended inside the echo.
func unreadAnswers(a *attackRun) {
	const size = 16 * mib
	sent := frame(blob, make([]byte, size))
	begun := time.Now()
	a.each(a.n(40, 120), func(int) string {
		p, err := a.upgradeWith(smallBuffer, "/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		p.SetWriteDeadline(time.Now().Add(patience))
		if _, err := p.Write(sent); err != nil {
			return dropped
		}
		pause(a.ctx, time.Until(begun.Add(stallTime+3*time.Second)))
		p.SetReadDeadline(time.Now().Add(patience))
		n, err := io.CopyN(io.Discard, p, size)
		if err == nil {
			return "the whole answer"
		}
		if n > size/2 || errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Sprintf("%d MiB of the answer, %s", n/mib, outcome(err))
		}
		return dropped
	})
	a.want(dropped, resetTCP)
}
