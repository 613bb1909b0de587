// Package echo serves /ws/echo: every data message comes back with its opcode.
//
// A browser cannot send a ping. In the subprotocol framescope.play.v1 it asks
// the server for one: a text message that is "/ping", or begins with "/ping ",
// is not echoed; the server sends a ping with the rest as payload, at most 125
// bytes.
package echo

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"

	"framescope/protocol"
	"framescope/server/websocket"
)

// Subprotocol is the one in which "/ping" asks for a ping.
const Subprotocol = "framescope.play.v1"

// Handler echoes.
type Handler struct {
	Server *websocket.Server
	Log    *slog.Logger
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	remote := r.RemoteAddr
	// A refusal has been answered, and is in the capture.
	_ = h.Server.Handle(w, r, func(c *websocket.Conn) { h.ended(remote, serve(c)) }, Subprotocol)
}

func (h *Handler) ended(remote string, why error) {
	h.Log.Info("echo ended", "remote", remote, "why", why)
}

func serve(c *websocket.Conn) error {
	for {
		op, p, err := c.ReadMessage()
		if err != nil {
			return err
		}
		payload, ping := pingRequest(c, op, p)
		if ping {
			err = c.Ping(payload)
		} else {
			err = c.WriteMessage(op, p)
		}
		if err != nil && !errors.Is(err, websocket.ErrClosed) {
			return err // the connection has ended
		}
	}
}

// pingRequest tells whether a message asks for a ping, and with what payload.
func pingRequest(c *websocket.Conn, op protocol.Opcode, p []byte) (payload []byte, ok bool) {
	if c.Subprotocol() != Subprotocol || op != protocol.OpText {
		return nil, false
	}
	rest, ok := bytes.CutPrefix(p, []byte("/ping"))
	if !ok || len(rest) > 0 && rest[0] != ' ' {
		return nil, false
	}
	rest = bytes.TrimPrefix(rest, []byte(" "))
	return rest[:min(len(rest), protocol.MaxControlPayload)], true
}
