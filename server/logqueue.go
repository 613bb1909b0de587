// The log on its way to standard error, whose reader nobody waits for.

package main

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	maxLogWaiting = 1 << 20 // bytes of lines that wait for standard error
	flushTime     = 300 * time.Millisecond
)

// logQueue passes on lines from a goroutine of its own, which Close ends: whoever logs
// never waits for the reader. Lines that find the queue full are dropped, and how many is
// logged once there is room again.
type logQueue struct {
	out  io.Writer
	more chan struct{} // has one when something waits, is closed by Close
	done chan struct{} // closed when all has been written

	mu      sync.Mutex
	waiting bytes.Buffer
	dropped int
	closed  bool
}

func newLogQueue(out io.Writer) *logQueue {
	q := &logQueue{out: out, more: make(chan struct{}, 1), done: make(chan struct{})}
	go q.pass()
	return q
}

// Write queues a line, which ends with a newline. It never fails.
func (q *logQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
	case q.waiting.Len()+len(line) > maxLogWaiting:
		q.dropped++
	default:
		q.waiting.Write(line)
		select {
		case q.more <- struct{}{}:
		default:
		}
	}
	return len(line), nil
}

// pass writes what waits until Close has been called and nothing does.
func (q *logQueue) pass() {
	defer close(q.done)
	var lines bytes.Buffer
	for range q.more {
		q.mu.Lock()
		lines, q.waiting = q.waiting, lines
		dropped := q.dropped
		q.dropped = 0
		q.mu.Unlock()
		// There is nobody to tell of an error.
		_, _ = lines.WriteTo(q.out)
		lines.Reset()
		if dropped > 0 {
			slog.New(slog.NewTextHandler(q.out, nil)).Warn("standard error was not read: log lines were dropped", "lines", dropped)
		}
	}
}

// Close writes what waits and ends the queue. It gives up, and returns false, when the
// reader does not take that within flushTime.
func (q *logQueue) Close() bool {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.more)
	}
	q.mu.Unlock()
	select {
	case <-q.done:
		return true
	case <-time.After(flushTime):
		return false
	}
}
