// One run of the server: listen, print the ready line, serve, and shut down.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"framescope/server/memory"
	"framescope/server/tap"
)

// Limits of plain HTTP. WebSocket connections have others.
const (
	maxHeaderBytes = 64 << 10 // net/http answers a longer head with 431
	readTimeout    = 30 * time.Second
	writeTimeout   = time.Minute
	keepAlive      = 2 * time.Minute
)

// serve runs the server until ctx is done or it fails. It returns nil once ctx is done and
// everything has ended.
func serve(ctx context.Context, c *config, stdout io.Writer, log *slog.Logger) error {
	s, err := newServer(c, log)
	if err != nil {
		return err
	}
	defer s.closeFolder()
	defer s.leaveHub() // last, so that the others are told who leaves, and then goodbye
	certificate, err := c.tls.certificate(c, stdout, log)
	if err != nil {
		return err
	}
	l, err := listen(ctx, c.addr)
	if err != nil {
		return err
	}
	lineListeners, err := c.lines.listen(ctx, log)
	defer lineListeners.close()
	if err != nil {
		_ = l.Close()
		return err
	}
	if c.exposed() {
		log.Warn("other machines can connect: every visitor sees the bytes of every other; names other than the address need --allow-host", "addr", c.addr)
	}
	h := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: c.headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       keepAlive,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          httpLog(log),
	}
	tap.Attach(h)
	s.limitHTTP2(h)
	memoryContext, stopMemory := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { memory.Tend(memoryContext, int64(c.maxMemory)+int64(c.history)<<20) })
	s.startOperator(memoryContext, &background)
	defer background.Wait()
	defer stopMemory()
	background.Go(func() { certificate.watch(memoryContext) })
	failed := s.serveConnections(newPatientListener(l, log, func() { closeIdle(h) }), certificate, h)
	fmt.Fprintf(stdout, "listening on %s\n", c.url(l.Addr().(*net.TCPAddr).Port))
	s.serveLines(memoryContext, lineListeners, h, &background, stdout)

	select {
	case err := <-failed:
		return fmt.Errorf("the server stopped: %w: start it again", err)
	case <-ctx.Done():
	}
	s.shutDown(h, c.drainTimeout)
	return nil
}

// closeIdle closes the HTTP connections on which no request is being served. WebSocket
// connections are not among them.
func closeIdle(h *http.Server) {
	h.SetKeepAlivesEnabled(false)
	h.SetKeepAlivesEnabled(true)
}

// listen opens a listener. Its errors say what to do.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	config := net.ListenConfig{Control: limitUnsent}
	config.SetMultipathTCP(false) // its connections inherit nothing
	l, err := config.Listen(ctx, "tcp", addr)
	var dns *net.DNSError
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use: stop what listens there, or choose another port with --addr; port 0 picks a free one", addr)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("this user may not listen on %s: choose a port from 1024 up with --addr", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.As(err, &dns):
		return nil, fmt.Errorf("%s is not an address of this machine: choose another with --addr, such as 127.0.0.1:8080", addr)
	}
	return nil, fmt.Errorf("cannot listen on %s: %w: choose another address with --addr", addr, err)
}
