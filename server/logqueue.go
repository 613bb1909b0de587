// A queue between the log and standard error, so that no goroutine that logs waits for
// whatever reads standard error.

package main

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	maxQueuedLog = 1 << 20 // bytes of lines that wait for standard error
	flushTimeout = 300 * time.Millisecond
)

// logQueue writes lines to out in its own goroutine, which ends after Close. When the queue
// is full, further lines are dropped; a line in the log says how many, once there is space
// again.
type logQueue struct {
	out  io.Writer
	wake chan struct{} // holds a value when lines are queued; closed by Close
	done chan struct{} // closed when all lines have been written after Close

	mu      sync.Mutex
	queued  bytes.Buffer
	dropped int
	closed  bool
}

func newLogQueue(out io.Writer) *logQueue {
	q := &logQueue{out: out, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go q.run()
	return q
}

// Write queues a line, which ends with a newline. It never fails and never blocks.
func (q *logQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
	case q.queued.Len()+len(line) > maxQueuedLog:
		q.dropped++
	default:
		q.queued.Write(line)
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
	return len(line), nil
}

// run writes queued lines until Close has been called and the queue is empty.
func (q *logQueue) run() {
	defer close(q.done)
	var lines bytes.Buffer
	for range q.wake {
		q.mu.Lock()
		lines, q.queued = q.queued, lines
		dropped := q.dropped
		q.dropped = 0
		q.mu.Unlock()
		_, _ = lines.WriteTo(q.out) // there is no place to report an error
		lines.Reset()
		if dropped > 0 {
			slog.New(slog.NewTextHandler(q.out, nil)).Warn("standard error was not read: log lines were dropped", "lines", dropped)
		}
	}
}

// Close writes the queued lines and ends the goroutine. It returns false if that takes
// longer than flushTimeout, because nobody reads what out gets.
func (q *logQueue) Close() bool {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.wake)
	}
	q.mu.Unlock()
	select {
	case <-q.done:
		return true
	case <-time.After(flushTimeout):
		return false
	}
}
