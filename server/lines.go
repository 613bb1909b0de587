// The chat over TCP and UDP: --tcp and --udp.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/pflag"

	"framescope/server/lines"
)

// linesConfig is where the chat is joined over TCP and UDP: "" for not at all.
type linesConfig struct{ tcp, udp string }

func (c *linesConfig) addFlags(f *pflag.FlagSet) {
	f.StringVar(&c.tcp, "tcp", "", "chat over TCP at this `ADDR`, each line a message, room lobby; :8555 is 127.0.0.1:8555, 0.0.0.0:8555 is for other machines, too; port 0 picks a free one")
	f.StringVar(&c.udp, "udp", "", "chat over UDP at this `ADDR`, each datagram a message, room lobby; as --tcp")
}

// maxLineToken is the longest token, in bytes, that a line or a datagram can carry.
const maxLineToken = 1 << 10

// check gives an address without a host that of loopback.
func (c *linesConfig) check(token token) error {
	for _, flag := range []struct {
		name string
		addr *string
	}{{"tcp", &c.tcp}, {"udp", &c.udp}} {
		if *flag.addr == "" {
			continue
		}
		host, port, err := net.SplitHostPort(*flag.addr)
		if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
			return fmt.Errorf("--%s %q is not an address: give :PORT or HOST:PORT, such as :8555; port 0 picks a free one", flag.name, *flag.addr)
		}
		if strings.ContainsAny(string(token), " \r\n") || len(token) > maxLineToken {
			return fmt.Errorf("--%s takes the token of the chat as a word: give a --chat-token of at most %d bytes, without spaces", flag.name, maxLineToken)
		}
		if host == "" {
			*flag.addr = net.JoinHostPort("127.0.0.1", port)
		}
	}
	return nil
}

// lineListeners are the sockets of the chat over TCP and UDP; nil where there is none.
type lineListeners struct {
	tcp net.Listener
	udp *net.UDPConn
}

func (c *linesConfig) listen(ctx context.Context, log *slog.Logger) (l lineListeners, err error) {
	if c.tcp != "" {
		if l.tcp, err = listen(ctx, c.tcp); err != nil {
			return l, errors.New(strings.ReplaceAll(err.Error(), "--addr", "--tcp"))
		}
		warnExposed(log, "tcp", l.tcp.Addr())
	}
	if c.udp != "" {
		var config net.ListenConfig
		conn, err := config.ListenPacket(ctx, "udp", c.udp)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			return l, fmt.Errorf("%s is in use: stop what listens there, or choose another port with --udp; port 0 picks a free one", c.udp)
		case err != nil:
			return l, fmt.Errorf("cannot listen on %s: %w: choose another address with --udp", c.udp, err)
		}
		l.udp = conn.(*net.UDPConn)
		warnExposed(log, "udp", l.udp.LocalAddr())
	}
	return l, nil
}

// warnExposed logs that other machines can join the chat.
func warnExposed(log *slog.Logger, flag string, a net.Addr) {
	if at, err := netip.ParseAddrPort(a.String()); err != nil || !at.Addr().IsLoopback() {
		log.Warn("other machines can join the chat, without encryption", "flag", "--"+flag, "addr", a.String())
	}
}

// close closes the sockets if serve was not called.
func (l lineListeners) close() {
	if l.tcp != nil {
		_ = l.tcp.Close()
	}
	if l.udp != nil {
		_ = l.udp.Close()
	}
}

// serveLines serves the chat's sockets until ctx is done, and prints a line for each.
func (s *server) serveLines(ctx context.Context, l lineListeners, h *http.Server, background *sync.WaitGroup, stdout io.Writer) {
	o := lines.Options{Chat: s.chat, Log: s.log, Memory: s.memory, Token: string(s.config.chatToken)}
	ended := func(err error) {
		if err != nil {
			s.log.Error("the chat over TCP or UDP ended; the rest of the server goes on", "why", err)
		}
	}
	if l.tcp != nil {
		background.Go(func() {
			ended(lines.ServeTCP(ctx, newPatientListener(l.tcp, s.log, func() { closeIdle(h) }), o))
		})
		fmt.Fprintf(stdout, "chat over TCP on %s\n", l.tcp.Addr())
	}
	if l.udp != nil {
		background.Go(func() { ended(lines.ServeUDP(ctx, l.udp, o)) })
		fmt.Fprintf(stdout, "chat over UDP on %s\n", l.udp.LocalAddr())
	}
}
