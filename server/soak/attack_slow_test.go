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

// stallTime is how long a write may wait.
const stallTime = 10 * time.Second

func slowAttacks() []attack {
	const stallLimit = "a peer that does not read: 10 s a write"
	return []attack{
		{name: "echoes that are never read", limit: stallLimit, run: unreadEchoes, wait: stallTime + 2*time.Second},
		{name: "echoes read a byte a second", limit: stallLimit, run: trickledEchoes, wait: stallTime + 2*time.Second},
		{name: "answers of 16 MiB that are never read", limit: "`--max-memory 256MiB`", run: unreadAnswers, wait: stallTime + 4*time.Second,
			launch: launch{flags: []string{"--max-memory", "256MiB"}}, rss: budget(256 * mib)},
	}
}

func unreadEchoes(a *assault) {
	flood := frame(blob, make([]byte, 64<<10))
	a.each(a.n(8, 200), func(int) string {
		w, err := a.upgradeWith(smallBuffer, "/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		return a.stalled(w, flood)
	})
	a.want(dropped, resetTCP)
}

func trickledEchoes(a *assault) {
	flood := frame(blob, make([]byte, 64<<10))
	a.each(a.n(8, 100), func(int) string {
		w, err := a.upgradeWith(smallBuffer, "/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for one := make([]byte, 1); ; {
				select {
				case <-stop:
					return
				case <-time.After(time.Second):
					w.Read(one)
				}
			}
		}()
		return a.stalled(w, flood)
	})
	a.want(dropped, resetTCP)
}

// unreadAnswers: each peer makes the server hold a message of 16 MiB for as long as a
// write may wait. When it reads at last, it finds less than the answer.
func unreadAnswers(a *assault) {
	const size = 16 * mib
	sent := frame(blob, make([]byte, size))
	begun := time.Now()
	a.each(a.n(40, 120), func(int) string {
		w, err := a.upgradeWith(smallBuffer, "/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		w.SetWriteDeadline(time.Now().Add(patience))
		if _, err := w.Write(sent); err != nil {
			return dropped // while it still sent
		}
		pause(a.ctx, time.Until(begun.Add(stallTime+3*time.Second)))
		w.SetReadDeadline(time.Now().Add(patience))
		n, err := io.CopyN(io.Discard, w, size)
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
