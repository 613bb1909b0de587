//go:build linux

// Attacks on resources of the process: its files, and the reader of its log.

package soak

import (
	"io"
	"strings"
	"time"
)

// fewFiles is the limit of open files of a server that is to run out of them.
const fewFiles = 200

func resourceAttacks() []attack {
	return []attack{
		{name: "more connections than files", limit: "`ulimit -n 200`: new ones wait", run: outOfFiles, wait: 4 * time.Second, alone: true, noDial: true, launch: launch{files: fewFiles}},
		{name: "a log that nobody reads", limit: "none: all served", run: unreadLog, flood: true, alone: true, launch: launch{unreadLog: true}},
		{name: "idle connections", limit: "none: all served", run: idle(1000, 18_000), wait: 10 * time.Second, rss: 448 * mib},
	}
}

// outOfFiles opens more connections than the server has files. The log must say so, at
// most once a second, and the last of them must be served when the others have gone.
func outOfFiles(a *attackRun) {
	lines := a.server.stderr.lines()
	begun := time.Now()
	var waiting []*peer
	for range 2 * fewFiles {
		p, err := a.connect()
		if err != nil {
			a.fail("connect: %v", err)
			return
		}
		waiting = append(waiting, p)
	}
	pause(a.ctx, 3*time.Second)
	logged := a.server.stderr.lines() - lines
	a.note("%d lines of log", logged)
	if seconds := int(time.Since(begun).Seconds()); logged > seconds+2 {
		a.fail("%d lines of log in %d s, one a second is enough: %s", logged, seconds, a.server.stderr.last(3))
	}
	if !strings.Contains(a.server.stderr.last(logged), "open files") {
		a.fail("the log does not say that there are no files left: %q", a.server.stderr.last(3))
	}
	last := waiting[len(waiting)-1]
	for _, p := range waiting[:len(waiting)-1] {
		a.release(p)
	}
	io.WriteString(last, handshake("/ws/echo", ""))
	gone := time.Now()
	a.record("then "+last.status(a.within(5*time.Second)), time.Since(gone))
	a.want("then 101")
}

// unreadLog opens and closes connections, of which each is a line of the log, until the
// pipe of the log is full, and goes on.
func unreadLog(a *attackRun) {
	a.repeat(a.n(8, 32), func(int) string {
		p, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.release(p)
		p.Write(frame(fin|byte(0x8), []byte{0x03, 0xe8}))
		return p.awaitClose(a.within(5 * time.Second))
	})
	a.want("1000")
}

// idle keeps as many connections open as the limit of files allows, and then uses some.
func idle(small, full int) func(a *attackRun) {
	return func(a *attackRun) {
		before, _ := a.server.memory()
		begun := time.Now()
		all := a.open(a.n(small, full), 0, "/ws/echo", "")
		took := time.Since(begun)
		after, _ := a.server.memory()
		a.note("%d open in %v, %.1f KiB each", len(all), round(took), float64(after-before)/1024/float64(max(1, len(all))))
		pause(a.ctx, 3*time.Second)
		a.each(min(len(all), 200), func(i int) string {
			p := all[i*len(all)/min(len(all), 200)]
			p.Write(frame(text, []byte("still there")))
			return p.expectEcho([]byte("still there"))
		})
		a.want("echoed")
	}
}
