// The servers: each library in the way that its own documentation calls best, with
// every check of the RFC, UTF-8 of text included.

package main

import (
	"bytes"
	standard "compress/flate"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"
	gorilla "github.com/gorilla/websocket"
	"github.com/klauspost/compress/flate"
	"github.com/lxzan/gws"

	"framescope/server/inspect"
	"framescope/server/tap"
	ours "framescope/server/websocket"
)

// serverNames are in the order of the table's columns.
var serverNames = []string{"raw", "framescope", "framescope+tap", "framescope+page", "gorilla", "coder", "gobwas", "gws"}

// Each server echoes at /echo, at /deflate with permessage-deflate without context
// takeover and at /takeover with it, and at /fan sends what one says to all.
var servers = map[string]func(net.Listener) error{
	"raw":             serveRaw,
	"framescope":      func(l net.Listener) error { return serveOurs(l, nil) },
	"framescope+tap":  serveTapped,
	"framescope+page": serveTapped,
	"gorilla":         serveGorilla,
	"coder":           serveCoder,
	"gobwas":          serveGobwas,
	"gws":             serveGws,
}

// takesOver tells which servers can keep the context of what they send.
var takesOver = map[string]bool{"framescope": true, "framescope+tap": true, "framescope+page": true, "coder": true, "gws": true}

// serveRaw is the limit: the handshake, and then the payload of each frame back as
// it is, without a look at it. It knows nothing but the length of the request.
func serveRaw(l net.Listener) error {
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer nc.Close()
			buf := make([]byte, 64<<10)
			n, err := nc.Read(buf)
			if err != nil || n == 0 {
				return
			}
			if _, err := io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\n\r\n"); err != nil {
				return
			}
			for {
				n, err := nc.Read(buf)
				if err != nil {
					return
				}
				if _, err := nc.Write(buf[:n]); err != nil {
					return
				}
			}
		}()
	}
}

func serveOurs(l net.Listener, t *tap.Tap) error {
	mux := http.NewServeMux()
	handle := func(path string, app func(*ours.Conn), o ours.Options) *ours.Server {
		s := &ours.Server{Options: o}
		var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = s.Handle(w, r, app) })
		if t != nil {
			h = t.Handler(16<<20, h)
		}
		mux.Handle(path, h)
		return s
	}
	echo := func(c *ours.Conn) {
		for {
			op, p, err := c.ReadMessage()
			if err != nil || c.WriteMessage(op, p) != nil {
				return
			}
		}
	}
	handle("/echo", echo, ours.Options{Compression: ours.Compression{Off: true}})
	handle("/deflate", echo, ours.Options{Compression: ours.Compression{PeerNoContextTakeover: true}})
	handle("/takeover", echo, ours.Options{Compression: ours.Compression{PeerNoContextTakeover: true, ContextTakeover: true}})
	var all crowd[*ours.Conn]
	handle("/fan", func(c *ours.Conn) {
		defer all.add(c)()
		for {
			op, p, err := c.ReadMessage()
			if err != nil {
				return
			}
			m := ours.Prepare(op, p)
			all.each(func(c *ours.Conn) { _ = c.Send(m) })
		}
	}, ours.Options{Compression: ours.Compression{Off: true}, SendQueue: 16 << 20})
	server := &http.Server{Handler: mux}
	if t != nil {
		mux.Handle("/ws/inspect", tap.Ignore(&inspect.Handler{Tap: t, Server: &ours.Server{}, Log: slog.New(slog.DiscardHandler)}))
		server.ConnContext = tap.ConnContext
		l = t.Listener(l)
	}
	return server.Serve(l)
}

func serveTapped(l net.Listener) error {
	return serveOurs(l, tap.New(tap.Options{Snap: 64 << 10, History: 64 << 20}))
}

// crowd is everybody who listens at /fan.
type crowd[C comparable] struct {
	mu  sync.Mutex
	all map[C]struct{}
}

func (c *crowd[C]) add(one C) (remove func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[C]struct{}{}
	}
	c.all[one] = struct{}{}
	return func() {
		c.mu.Lock()
		delete(c.all, one)
		c.mu.Unlock()
	}
}

func (c *crowd[C]) each(do func(C)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.all {
		do(one)
	}
}

func serveGorilla(l net.Listener) error {
	mux := http.NewServeMux()
	handle := func(path string, app func(*gorilla.Conn), compress bool) {
		upgrader := gorilla.Upgrader{WriteBufferPool: &sync.Pool{}, EnableCompression: compress}
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			c, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			defer c.Close()
			app(c)
		})
	}
	echo := func(c *gorilla.Conn) {
		for {
			kind, p, err := c.ReadMessage()
			if err != nil || kind == gorilla.TextMessage && !utf8.Valid(p) || c.WriteMessage(kind, p) != nil {
				return
			}
		}
	}
	handle("/echo", echo, false)
	handle("/deflate", echo, true)
	var all crowd[*gorilla.Conn]
	handle("/fan", func(c *gorilla.Conn) {
		defer all.add(c)()
		for {
			kind, p, err := c.ReadMessage()
			if err != nil {
				return
			}
			m, err := gorilla.NewPreparedMessage(kind, p)
			if err != nil {
				return
			}
			all.each(func(c *gorilla.Conn) { _ = c.WritePreparedMessage(m) })
		}
	}, false)
	return http.Serve(l, mux)
}

func serveCoder(l net.Listener) error {
	mux := http.NewServeMux()
	handle := func(path string, app func(*websocket.Conn), mode websocket.CompressionMode) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: mode})
			if err != nil {
				return
			}
			defer c.CloseNow()
			c.SetReadLimit(16 << 20)
			app(c)
		})
	}
	background := context.Background()
	echo := func(c *websocket.Conn) {
		for {
			kind, p, err := c.Read(background)
			if err != nil || kind == websocket.MessageText && !utf8.Valid(p) || c.Write(background, kind, p) != nil {
				return
			}
		}
	}
	handle("/echo", echo, websocket.CompressionDisabled)
	handle("/deflate", echo, websocket.CompressionNoContextTakeover)
	handle("/takeover", echo, websocket.CompressionContextTakeover)
	var all crowd[*websocket.Conn]
	handle("/fan", func(c *websocket.Conn) {
		defer all.add(c)()
		for {
			kind, p, err := c.Read(background)
			if err != nil {
				return
			}
			all.each(func(c *websocket.Conn) { _ = c.Write(background, kind, p) })
		}
	}, websocket.CompressionDisabled)
	return http.Serve(l, mux)
}

// serveGobwas upgrades without net/http, which is what the library is for.
func serveGobwas(l net.Listener) error {
	var all crowd[net.Conn]
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer nc.Close()
			var path string
			deflate := wsflate.Extension{Parameters: wsflate.Parameters{ServerNoContextTakeover: true, ClientNoContextTakeover: true}}
			upgrader := ws.Upgrader{
				OnRequest: func(uri []byte) error { path = string(uri); return nil },
				Negotiate: func(o httphead.Option) (httphead.Option, error) {
					if path == "/deflate" {
						return deflate.Negotiate(o)
					}
					return httphead.Option{}, nil
				},
			}
			if _, err := upgrader.Upgrade(nc); err != nil {
				return
			}
			switch path {
			case "/deflate":
				gobwasDeflate(nc)
			case "/fan":
				gobwasFan(nc, &all)
			default:
				gobwasEcho(nc)
			}
		}()
	}
}

func gobwasEcho(nc net.Conn) {
	reader := wsutil.Reader{Source: nc, State: ws.StateServerSide, CheckUTF8: true, OnIntermediate: wsutil.ControlFrameHandler(nc, ws.StateServerSide)}
	writer := wsutil.NewWriterBufferSize(nc, ws.StateServerSide, 0, 64<<10)
	for {
		h, err := reader.NextFrame()
		if err != nil {
			return
		}
		if h.OpCode.IsControl() {
			if wsutil.ControlFrameHandler(nc, ws.StateServerSide)(h, &reader) != nil {
				return
			}
			continue
		}
		writer.Reset(nc, ws.StateServerSide, h.OpCode)
		if _, err := io.Copy(writer, &reader); err != nil || writer.Flush() != nil {
			return
		}
	}
}

// resetReader has the Reset that gobwas looks for. The standard library's reader,
// since the other does not take the byte that gobwas's source says twice at its end.
type resetReader struct{ io.ReadCloser }

func (r *resetReader) Reset(src io.Reader) { _ = r.ReadCloser.(standard.Resetter).Reset(src, nil) }

// gobwasDeflate keeps a compressor and a decompressor for each connection, which
// begin anew with each message.
func gobwasDeflate(nc net.Conn) {
	inflater := wsflate.NewReader(nil, func(r io.Reader) wsflate.Decompressor { return &resetReader{standard.NewReader(r)} })
	deflater := wsflate.NewWriter(nil, func(w io.Writer) wsflate.Compressor {
		f, err := flate.NewWriter(w, 1)
		if err != nil {
			panic(err)
		}
		return f
	})
	var clear, small bytes.Buffer
	for {
		frame, err := ws.ReadFrame(nc)
		if err != nil || frame.Header.OpCode == ws.OpClose {
			return
		}
		frame = ws.UnmaskFrameInPlace(frame)
		clear.Reset()
		inflater.Reset(bytes.NewReader(frame.Payload))
		if _, err := clear.ReadFrom(inflater); err != nil {
			return
		}
		if frame.Header.OpCode == ws.OpText && !utf8.Valid(clear.Bytes()) {
			return
		}
		small.Reset()
		deflater.Reset(&small)
		if _, err := deflater.Write(clear.Bytes()); err != nil || deflater.Flush() != nil {
			return
		}
		h := ws.Header{Fin: true, Rsv: ws.Rsv(true, false, false), OpCode: frame.Header.OpCode, Length: int64(small.Len())}
		if ws.WriteFrame(nc, ws.Frame{Header: h, Payload: small.Bytes()}) != nil {
			return
		}
	}
}

func gobwasFan(nc net.Conn, all *crowd[net.Conn]) {
	defer all.add(nc)()
	for {
		p, op, err := wsutil.ReadClientData(nc)
		if err != nil {
			return
		}
		wire := ws.MustCompileFrame(ws.NewFrame(op, true, p))
		all.each(func(nc net.Conn) { _, _ = nc.Write(wire) })
	}
}

// gwsApp is gws's event handler.
type gwsApp struct {
	gws.BuiltinEventHandler
	fan *crowd[*gws.Conn]
}

func (a *gwsApp) OnOpen(c *gws.Conn) {
	if a.fan != nil {
		a.fan.add(c)
	}
}

func (a *gwsApp) OnClose(c *gws.Conn, _ error) {
	if a.fan != nil {
		a.fan.add(c)()
	}
}

func (a *gwsApp) OnPing(c *gws.Conn, p []byte) { _ = c.WritePong(p) }

func (a *gwsApp) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	if a.fan == nil {
		_ = c.WriteMessage(m.Opcode, m.Bytes())
		return
	}
	b := gws.NewBroadcaster(m.Opcode, m.Bytes())
	defer b.Close()
	a.fan.each(func(c *gws.Conn) { _ = b.Broadcast(c) })
}

func serveGws(l net.Listener) error {
	mux := http.NewServeMux()
	handle := func(path string, app *gwsApp, deflate gws.PermessageDeflate) {
		upgrader := gws.NewUpgrader(app, &gws.ServerOption{CheckUtf8Enabled: true, PermessageDeflate: deflate, ReadMaxPayloadSize: 16 << 20})
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			c, err := upgrader.Upgrade(w, r)
			if err != nil {
				return
			}
			go c.ReadLoop()
		})
	}
	handle("/echo", &gwsApp{}, gws.PermessageDeflate{})
	handle("/deflate", &gwsApp{}, gws.PermessageDeflate{Enabled: true, Threshold: 1})
	handle("/takeover", &gwsApp{}, gws.PermessageDeflate{Enabled: true, Threshold: 1, ServerContextTakeover: true})
	handle("/fan", &gwsApp{fan: &crowd[*gws.Conn]{}}, gws.PermessageDeflate{})
	return http.Serve(l, mux)
}
