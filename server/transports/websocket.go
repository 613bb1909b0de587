// The exchanges over WebSocket: plain, compressed, and with the packets of Socket.IO.

package transports

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"

	"framescope/protocol"
	"framescope/server/websocket"
)

// webSocketExchange sends each message as a text message.
type webSocketExchange struct {
	fields         http.Header
	compress       bool
	web            web
	sockets        websocket.Server
	accepted       chan *websocket.Conn
	ended          chan struct{} // closed when the exchange is
	client, server *websocket.Conn
}

func (e *webSocketExchange) open(ctx context.Context, m *meter) error {
	o := websocket.Options{Compression: websocket.Compression{Off: !e.compress, Threshold: 1}}
	e.sockets.Options = o
	e.accepted, e.ended = make(chan *websocket.Conn, 1), make(chan struct{})
	if err := e.web.start(ctx, m, e); err != nil {
		return err
	}
	fields := e.fields.Clone()
	fields.Del("Origin") // it names the server that was asked, not this one
	client, _, err := websocket.Dial(ctx, "ws://"+e.web.address+"/messages", &websocket.DialOptions{
		Options: o, Header: fields, Proxy: websocket.NoProxy,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return m.dial(ctx, network, address)
		},
	})
	if err != nil {
		return err
	}
	e.client = client
	select {
	case e.server = <-e.accepted:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ServeHTTP is the server's side.
func (e *webSocketExchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A refused handshake fails at the client.
	_ = e.sockets.Handle(w, r, nil, func(c *websocket.Conn) {
		put(e.accepted, c)
		<-e.ended
	})
}

func (e *webSocketExchange) send(ctx context.Context, text string) error {
	return sendMessage(ctx, e.client, e.server, text)
}

func (e *webSocketExchange) receive(ctx context.Context, text string) error {
	return sendMessage(ctx, e.server, e.client, text)
}

func sendMessage(ctx context.Context, from, to *websocket.Conn, text string) error {
	if err := from.Write(ctx, protocol.OpText, []byte(text)); err != nil {
		return err
	}
	_, p, err := to.Read(ctx)
	if err != nil {
		return err
	}
	return arrived(string(p), text)
}

func (e *webSocketExchange) close() {
	if e.ended == nil {
		return
	}
	close(e.ended)
	if e.client != nil {
		e.client.CloseNow()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e.sockets.Shutdown(ctx) // at once
	e.web.stop()
}

// socketIOExchange sends each message as an event of Socket.IO 5.
type socketIOExchange struct{ webSocketExchange }

func (e *socketIOExchange) open(ctx context.Context, m *meter) error {
	if err := e.webSocketExchange.open(ctx, m); err != nil {
		return err
	}
	const id = "AAAAAAAAAAAAAAAAAAAA" // as long as such ids are
	for _, packet := range []struct {
		up   bool
		text string
	}{
		{false, fmt.Sprintf(`0{"sid":%q,"upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`, id)},
		{true, "40"},
		{false, fmt.Sprintf(`40{"sid":%q}`, id)},
	} {
		from, to := e.server, e.client
		if packet.up {
			from, to = to, from
		}
		if err := sendMessage(ctx, from, to, packet.text); err != nil {
			return err
		}
	}
	return nil
}

func (e *socketIOExchange) send(ctx context.Context, text string) error {
	return sendMessage(ctx, e.client, e.server, event(text))
}

func (e *socketIOExchange) receive(ctx context.Context, text string) error {
	return sendMessage(ctx, e.server, e.client, event(text))
}

// event is the packet of an event named message.
func event(text string) string {
	b := bytes.NewBufferString("42")
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false) // as JavaScript writes it
	if err := e.Encode([]string{"message", text}); err != nil {
		panic(err) // strings can always be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}
