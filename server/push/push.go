// The connections of /ws/push, and sending a text to all of them.

// Package push sends one text to everyone: each connection of /ws/push receives it as a text
// message, and each chat room as an event of the operator. The texts come from the server's
// terminal ([Handler.Operate]) and from POST /api/broadcast ([Handler.Broadcast]).
//
// What a client of /ws/push sends is read and ignored, since many clients greet the server or
// send pings of their own; a message of more than 4 KiB closes the connection with 1009. A
// client that does not read is dropped when 1 MiB waits for it, or when one write to it takes
// 10 seconds.
package push

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"golang.org/x/time/rate"

	"framescope/protocol"
	"framescope/server/hub"
	"framescope/server/websocket"
)

const (
	maxText   = 4 << 10 // bytes of a text, as of a line of chat
	maxMissed = 64      // texts kept for a connection whose handshake is being answered
)

// Rooms is the chat, as far as the operator speaks in it.
type Rooms interface {
	// Operator queues a text for the members of a room, or of every room if room is "", and
	// returns how many members these are. It does not wait for them.
	Operator(room, text string) (receivers int)
}

// Handler serves /ws/push. Make it with New.
type Handler struct {
	server *websocket.Server
	log    *slog.Logger
	rooms  Rooms
	topic  hub.Topic // nil without other instances

	order sync.Mutex // held during a push, so that everyone receives all texts in one order

	mu        sync.Mutex // guards the fields below; nothing waits for a peer while it is held
	receivers map[*receiver]struct{}
}

// receiver is a connection, or a request that will become one.
type receiver struct {
	conn   *websocket.Conn       // nil until the handshake has been answered
	missed []*websocket.Prepared // texts pushed before that
}

// New returns a handler that pushes to its connections, to rooms, and to those of the other
// instances in h. A nil h has no other.
func New(server *websocket.Server, log *slog.Logger, rooms Rooms, h hub.Hub) *Handler {
	p := &Handler{server: server, log: log, rooms: rooms, receivers: map[*receiver]struct{}{}}
	if h != nil {
		p.topic = h.Join(topicName, &shared{push: p.pushHere, log: log, limit: rate.NewLimiter(sharedPerSecond, sharedPerSecond)})
	}
	return p
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A browser always offers compression; without it the payloads can be read on the wire.
	o := &websocket.AcceptOptions{NoCompression: r.URL.Query().Get("deflate") == "off"}
	// The receiver is added before the client has its answer: once the client knows that it is
	// connected, it misses no text.
	receiver := h.add()
	err := h.server.Handle(w, r, o, func(c *websocket.Conn) {
		defer h.remove(receiver)
		c.SetMaxMessageSize(maxText)
		h.connect(receiver, c)
		for {
			if _, _, err := c.NextMessage(); err != nil {
				h.log.Info("push receiver left", "remote", c.RemoteAddr().String(), "why", err)
				return
			}
		}
	})
	if err != nil { // Handle has answered the handshake, and the capture shows why it was refused.
		h.remove(receiver)
	}
}

func (h *Handler) add() *receiver {
	r := new(receiver)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.receivers[r] = struct{}{}
	return r
}

func (h *Handler) remove(r *receiver) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.receivers, r)
}

// connect gives a receiver its connection, and sends what was pushed meanwhile.
func (h *Handler) connect(r *receiver, c *websocket.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.conn = c
	for _, m := range r.missed {
		_ = c.Send(m) // the queue of a new connection has space for these; if it has ended, its reader says why
	}
	r.missed = nil
}

// Push sends a text to every connection and every chat room, or, if room is not "", to that
// room alone, here and at the other instances. It returns how many connections and members here it
// was queued for.
func (h *Handler) Push(room, text string) (receivers int) {
	h.order.Lock()
	defer h.order.Unlock()
	publish(h.topic, room, text)
	return h.sendHere(room, text)
}

// pushHere is Push for what another instance has pushed.
func (h *Handler) pushHere(room, text string) (receivers int) {
	h.order.Lock()
	defer h.order.Unlock()
	return h.sendHere(room, text)
}

// sendHere queues a text for the receivers of this instance; h.order is held.
func (h *Handler) sendHere(room, text string) (receivers int) {
	if room == "" {
		receivers = h.sendToAll(text)
	}
	return receivers + h.rooms.Operator(room, text)
}

// sendToAll queues a text for every connection, and drops the slow ones.
func (h *Handler) sendToAll(text string) (receivers int) {
	m, err := websocket.Prepare(protocol.OpText, []byte(text))
	if err != nil {
		panic(err) // a text message can be prepared
	}
	receivers, slow := h.queue(m)
	for _, c := range slow {
		h.log.Warn("push receiver dropped", "remote", c.RemoteAddr().String(), "why", "too slow")
		c.CloseNow()
	}
	return receivers
}

// queue queues a message for every connection, and returns those that are too slow for it.
func (h *Handler) queue(m *websocket.Prepared) (receivers int, slow []*websocket.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for r := range h.receivers {
		switch {
		case r.conn == nil && len(r.missed) < maxMissed:
			r.missed = append(r.missed, m)
			receivers++
		case r.conn == nil:
		default:
			switch err := r.conn.Send(m); {
			case err == nil:
				receivers++
			case errors.Is(err, websocket.ErrSlowReader):
				slow = append(slow, r.conn)
			}
		}
	}
	return receivers, slow
}
