// Package echo serves /ws/echo: it sends every data message back with the same opcode.
//
// A browser cannot send a ping. In the subprotocol framescope.play.v1 it can ask the
// server for one: a text message that is "/ping" or begins with "/ping " is not echoed.
// Instead the server sends a ping, with the text after "/ping " as payload, at most 125
// bytes of it.
//
// It also speaks the subprotocols chat and superchat, the examples of RFC 6455 1.3, in which
// messages are echoed all the same. Of those that a client offers, the first one that is spoken
// here is chosen, and unknown ones are ignored; with ?subprotocol=required a client that offers
// none of them is refused.
package echo

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"

	"framescope/protocol"
	"framescope/server/websocket"
)

// Subprotocol is the subprotocol in which "/ping" asks for a ping.
const Subprotocol = "framescope.play.v1"

// Handler serves the echo.
type Handler struct {
	Server *websocket.Server
	Log    *slog.Logger
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	o := &websocket.AcceptOptions{
		Subprotocols:       []string{Subprotocol, "chat", "superchat"},
		RequireSubprotocol: query.Get("subprotocol") == "required",
		// A browser always offers compression; without it the payloads can be read on the wire.
		NoCompression: query.Get("deflate") == "off",
	}
	// An idle connection's goroutine waits in this function. It only calls others, so that the
	// 2 KiB of stack that a goroutine begins with are enough.
	app := func(c *websocket.Conn) {
		for {
			op, p, err := c.NextMessage()
			if err == nil {
				err = answer(c, op, p)
			}
			if err != nil {
				h.ended(c, err)
				return
			}
		}
	}
	// Handle has answered a handshake that it refused, and the capture shows why.
	_ = h.Server.Handle(w, r, o, app)
}

func (h *Handler) ended(c *websocket.Conn, why error) {
	h.Log.Info("echo ended", "remote", c.RemoteAddr().String(), "why", why)
}

// answer sends a message back, or the ping that it asks for. An error means that the
// connection has ended.
func answer(c *websocket.Conn, op protocol.Opcode, p []byte) (err error) {
	if payload, ok := pingRequest(c, op, p); ok {
		err = c.SendPing(payload)
	} else {
		err = c.WriteMessage(op, p)
	}
	if errors.Is(err, websocket.ErrClosed) {
		return nil // the next read says why
	}
	return err
}

// pingRequest reports whether a message asks for a ping, and returns the payload of that.
func pingRequest(c *websocket.Conn, op protocol.Opcode, p []byte) (payload []byte, ok bool) {
	if c.Subprotocol() != Subprotocol || op != protocol.OpText {
		return nil, false
	}
	payload, ok = bytes.CutPrefix(p, []byte("/ping"))
	if !ok || len(payload) > 0 && payload[0] != ' ' {
		return nil, false
	}
	payload = bytes.TrimPrefix(payload, []byte(" "))
	return payload[:min(len(payload), protocol.MaxControlPayload)], true
}
