// Rooms: who is in them, and telling all of them at once.

package chat

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"

	"framescope/protocol"
	"framescope/server/websocket"
)

const (
	maxRooms   = 1000
	maxMembers = 10000 // of a room
)

// event is what the server says, as JSON.
type event struct {
	Type    string `json:"type"`
	Room    string `json:"room,omitempty"`
	Name    string `json:"name"`
	Text    string `json:"text,omitempty"`
	Time    string `json:"time,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Members any    `json:"members,omitempty"` // how many, or in a welcome their names
}

// rooms are those that have members.
type rooms struct {
	mu   sync.Mutex
	open map[string]*room
}

// room is guarded by its own lock; rooms.mu is always taken first.
type room struct {
	name    string
	mu      sync.Mutex
	members map[string]*member
	guests  int // names given out
}

type member struct {
	name string
	conn *websocket.Conn
	room *room
}

var (
	errTooManyRooms = errors.New("too many rooms are open")
	errRoomFull     = errors.New("the room is full")
)

// join adds a connection to a room, opens it if need be, and tells everyone.
func (rs *rooms) join(c *websocket.Conn, roomName, name string) (*member, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.open[roomName]
	if r == nil {
		if len(rs.open) >= maxRooms {
			return nil, errTooManyRooms
		}
		r = &room{name: roomName, members: map[string]*member{}}
		rs.open[roomName] = r
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.members) >= maxMembers {
		return nil, errRoomFull
	}
	m := &member{name: r.freeName(name), conn: c, room: r}
	r.members[m.name] = m
	r.tellAll(event{Type: "join", Name: m.name, Members: len(r.members)}, m)
	m.tell(prepare(event{Type: "welcome", Room: r.name, Name: m.name, Members: r.names()}))
	return m, nil
}

// leave takes a member out and tells the others; an empty room is gone.
func (rs *rooms) leave(m *member, reason string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := m.room
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, m.name)
	if len(r.members) == 0 {
		delete(rs.open, r.name)
		return
	}
	r.tellAll(event{Type: "leave", Name: m.name, Reason: reason, Members: len(r.members)}, nil)
}

// freeName is the name asked for, or one like it that nobody has.
func (r *room) freeName(name string) string {
	if name == "" {
		for {
			r.guests++
			if guest := "guest-" + strconv.Itoa(r.guests); r.members[guest] == nil {
				return guest
			}
		}
	}
	free := name
	for i := 2; r.members[free] != nil; i++ {
		free = name + "-" + strconv.Itoa(i)
	}
	return free
}

func (r *room) names() []string { return slices.Sorted(maps.Keys(r.members)) }

// say tells everyone in the room, the one who said it too.
func (r *room) say(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tellAll(e, nil)
}

// tellAll tells everyone but one; r.mu is held, which keeps the order.
func (r *room) tellAll(e event, but *member) {
	message := prepare(e)
	for _, m := range r.members {
		if m != but {
			m.tell(message)
		}
	}
}

// tell queues a message; a member who cannot keep up is dropped, which its own
// goroutine then announces.
func (m *member) tell(message *websocket.Prepared) {
	if m.conn.Send(message) != nil {
		m.conn.CloseNow()
	}
}

func prepare(e event) *websocket.Prepared {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	message, err := websocket.Prepare(protocol.OpText, text)
	if err != nil {
		panic(err) // text can be prepared
	}
	return message
}
