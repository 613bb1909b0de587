// Members that are no WebSockets, such as those that joined over TCP or UDP.

package chat

import "framescope/server/websocket"

// Transport is the outgoing side of a member that is no WebSocket.
type Transport interface {
	// Send takes lines, with \n between them and none at the end, and does not wait: it
	// queues them, and [Member.Drained] is called once they have been written. Before that
	// at most 64 messages are sent, 64 KiB and one message of about 8 KiB at most. An error
	// says that the connection has ended. A mutex is held meanwhile, so Send must not call a
	// method of the Member.
	Send(lines string) error
	// Drop ends the connection for a reason, such as "too slow". After that, too, Leave is
	// called.
	Drop(reason string)
}

// Member is a member that joined by [Handler.Join].
type Member struct{ m *member }

// Join enters a room and returns when the new member has been announced, usually at once.
// The names are those of the query: both may be empty.
func (h *Handler) Join(t Transport, room, name string) (*Member, error) {
	room, name, err := checkNames(room, name)
	if err != nil {
		return nil, err
	}
	m := newMember(h.options.MessageRate)
	m.out = &transport{Transport: t}
	if err := h.rooms.join(m, room, name); err != nil {
		return nil, err
	}
	return &Member{m}, nil
}

// Name returns the member's name in its room.
func (p *Member) Name() string { return p.m.currentName() }

// Room returns the name of the room.
func (p *Member) Room() string { return p.m.room.name }

// Say handles what the peer sent, one line or several with \n between them: each is said
// to the room, or is a command as in the chat's lines. It waits while the member says more
// than may be said. quit reports whether the member asked to leave: the caller then ends the
// connection and calls Leave.
func (p *Member) Say(lines string) (quit bool) { return p.m.readLines(lines) == errQuit }

// Tell sends the member a line of the transport, in its turn. It waits while the member has not
// read what came before.
func (p *Member) Tell(line string) { p.m.room.tell(p.m, lineMessage(line)) }

// Drained reports that everything that Send took has been written, or that the connection
// has ended. It does not wait for peers.
func (p *Member) Drained() { p.m.onDrain() }

// Leave removes the member from the room and announces the reason to the others. It is
// called once, and nothing else afterwards.
func (p *Member) Leave(reason string) {
	p.m.room.mu.Lock()
	if p.m.slow {
		reason = tooSlow
	}
	p.m.room.mu.Unlock()
	p.m.room.leave(p.m, reason)
}

// transport is the outlet of a Transport.
type transport struct {
	Transport
	failed bool // the room's mutex guards it
}

func (t *transport) takes(m *message) bool { return m.line != "" }

func (t *transport) send(m *message) error {
	if t.failed {
		return websocket.ErrClosed
	}
	if err := t.Send(m.line); err != nil {
		t.failed = true
		return err
	}
	return nil
}

func (t *transport) ended() bool        { return t.failed }
func (t *transport) drop(reason string) { t.Drop(reason) }
