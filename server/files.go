// A listener that keeps accepting when no file descriptor is free: it logs the error,
// closes idle connections, and tries again.

package main

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	acceptRetryDelay = 50 * time.Millisecond // between two tries to accept a connection
	acceptLogPeriod  = time.Second           // at least, between two log lines about it
)

// patientListener goes on accepting when the process, or the system, has no file
// descriptor left: it waits for one. New connections stay in the system's queue until then.
type patientListener struct {
	net.Listener
	log *slog.Logger
	// closeIdle closes connections that no request or WebSocket uses.
	closeIdle func()
	lastLog   time.Time // used by Accept only
	closeOnce sync.Once
	closed    chan struct{}
}

func newPatientListener(l net.Listener, log *slog.Logger, closeIdle func()) *patientListener {
	return &patientListener{Listener: l, log: log, closeIdle: closeIdle, closed: make(chan struct{})}
}

func (l *patientListener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return nc, err
		}
		if time.Since(l.lastLog) >= acceptLogPeriod {
			l.log.Error("too many open files: a new connection waits until another one ends; raise `ulimit -n`, or fs.file-max of the system, and start again", "err", err)
			l.lastLog = time.Now()
		}
		l.closeIdle()
		select {
		case <-time.After(acceptRetryDelay):
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

func (l *patientListener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
