//go:build linux

// Attacks on what a process has little of: files, and a terminal that takes its log.

package soak

import (
	"io"
	"strings"
	"time"
)

// fewFiles is how many files a server has that is to run out of them.
const fewFiles = 200

func resourceAttacks() []attack {
	return []attack{
		{name: "more connections than files", limit: "open files (`ulimit -n 200`)", run: outOfFiles, wait: 4 * time.Second, alone: true, shut: true, launch: launch{files: fewFiles}},
		{name: "a log that nobody reads", limit: "none: nothing waits for it", run: unreadLog, flood: true, alone: true, launch: launch{unheard: true}},
		{name: "idle connections", limit: "none: they are held", run: idle(1000, 18_000), wait: 10 * time.Second, rss: 448 * mib},
	}
}

// outOfFiles: there are more connections than files. Those that are served go on; the
// others wait until there is room, and the log says so now and then.
func outOfFiles(a *assault) {
	lines := a.server.stderr.lines()
	begun := time.Now()
	var waiting []*wire
	for range 2 * fewFiles {
		w, err := a.connect()
		if err != nil {
			a.fail("connect: %v", err)
			return
		}
		waiting = append(waiting, w)
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
	// The last is served as soon as the others have gone.
	last := waiting[len(waiting)-1]
	for _, w := range waiting[:len(waiting)-1] {
		a.leave(w)
	}
	io.WriteString(last, handshake("/ws/echo", ""))
	gone := time.Now()
	a.happened("then "+last.status(a.within(5*time.Second)), time.Since(gone))
	a.want("then 101")
}

// unreadLog: connections end, of which each is a line of log, until no more fit into
// the pipe. All must be served nevertheless.
func unreadLog(a *assault) {
	a.again(a.n(8, 32), func(int) string {
		w, err := a.upgrade("/ws/echo", "")
		if err != nil {
			return err.Error()
		}
		defer a.leave(w)
		w.Write(frame(fin|byte(0x8), []byte{0x03, 0xe8}))
		return w.end(a.within(5 * time.Second))
	})
	a.want("1000")
}

// idle holds as many connections as there are files for, and lets them be.
func idle(small, full int) func(a *assault) {
	return func(a *assault) {
		before := a.server.memory("VmRSS")
		begun := time.Now()
		all := a.open(a.n(small, full), 0, "/ws/echo", "")
		took := time.Since(begun)
		after := a.server.memory("VmRSS")
		a.note("%d open in %v, %.1f KiB each", len(all), round(took), float64(after-before)/1024/float64(max(1, len(all))))
		pause(a.ctx, 3*time.Second)
		// Each of them is still served.
		a.each(min(len(all), 200), func(i int) string {
			w := all[i*len(all)/min(len(all), 200)]
			w.Write(frame(text, []byte("still there")))
			return w.echo([]byte("still there"))
		})
		a.want("echoed")
	}
}
