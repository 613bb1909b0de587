// The listener when files run out: it says so, makes room, and lets new connections wait.

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
	retryAccept = 50 * time.Millisecond // how often a connection that waits is tried again
	sayAgain    = time.Second           // how often it is said at most that one does
)

// patientListener accepts connections also when the process, or the system, has no file
// left for one: it waits until there is. The connections wait with the system meanwhile.
type patientListener struct {
	net.Listener
	log *slog.Logger
	// makeRoom closes connections that nothing is lost with.
	makeRoom func()
	said     time.Time // when it was last said; used by Accept alone
	closing  sync.Once
	closed   chan struct{}
}

func patient(l net.Listener, log *slog.Logger, makeRoom func()) *patientListener {
	return &patientListener{Listener: l, log: log, makeRoom: makeRoom, closed: make(chan struct{})}
}

func (l *patientListener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return nc, err
		}
		if time.Since(l.said) >= sayAgain {
			l.log.Error("no file is left for a new connection: it waits until another one ends; raise `ulimit -n`, or fs.file-max of the system, and start again", "err", err)
			l.said = time.Now()
		}
		l.makeRoom()
		select {
		case <-time.After(retryAccept):
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

func (l *patientListener) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
