// HTTP/2: the limits of its connections, on which pages open their WebSockets, too.

package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/spf13/pflag"

	"framescope/server/connect"
	_ "framescope/server/extendedconnect" // WebSockets over HTTP/2
	"framescope/server/websocket"
)

// addHTTP2Flag adds the flag of connect.
func addHTTP2Flag(f *pflag.FlagSet, o *connect.Options) {
	f.BoolVar(&o.HTTP2, "http2", false, "connect over HTTP/2 (RFC 8441), for wss:// URLs only; fails if the server cannot")
}

// limitHTTP2 sets the limits of HTTP/2 connections.
func limitHTTP2(h *http.Server) {
	h.HTTP2 = &http.HTTP2Config{
		// A page has all its WebSockets on one connection. One more waits until another ends.
		MaxConcurrentStreams: 256,
		// What handlers have not read yet is bounded for each connection, and for each stream by
		// a part of that, so that one stream that is not read leaves something to the others.
		MaxReceiveBufferPerConnection: 512 << 10,
		MaxReceiveBufferPerStream:     128 << 10,
		// A peer that has vanished, or takes nothing, keeps a connection no longer than this.
		SendPingTimeout:  30 * time.Second,
		PingTimeout:      15 * time.Second,
		WriteByteTimeout: 10 * time.Second,
	}
	connContext := h.ConnContext
	h.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		if connContext != nil {
			ctx = connContext(ctx, nc)
		}
		return websocket.ConnContext(ctx, nc)
	}
}
