//go:build linux

// Clients of /ws/chat: members of a room check that each line of each member comes once
// and in order.

package soak

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"framescope/protocol"
)

const chatSubprotocol = "framescope.chat.v1"

// offerChat is a field of the handshake.
const offerChat = "Sec-WebSocket-Protocol: " + chatSubprotocol + "\r\n"

// subprotocols returns those that a client offers.
func subprotocols(path string) []string {
	if strings.HasPrefix(path, "/ws/chat") {
		return []string{chatSubprotocol}
	}
	return nil
}

// chatEvent is a message of the server, as the README documents it.
type chatEvent struct {
	Type, Room, Name, Text, Time, Reason string
	Names, Reasons                       []string // in place of Name and Reason, when many join or leave together
	Members                              any
}

// left yields the names and reasons of those that a leave event announces.
func (e chatEvent) left() iter.Seq2[string, string] {
	return func(yield func(name, reason string) bool) {
		if len(e.Names) == 0 {
			yield(e.Name, e.Reason)
		}
		for i, name := range e.Names {
			if !yield(name, e.Reasons[min(i, len(e.Reasons)-1)]) {
				return
			}
		}
	}
}

// member is a connection that has joined a room.
type member struct {
	name  string
	conn  clientConn
	heard map[string]int // by name: the number of the last line that came from that member
	said  atomic.Int64   // how many lines this member has sent
}

// room is a chat room as its checking members see it.
type room struct {
	members []*member
	names   map[string]bool // of the members
	over    atomic.Bool     // no more lines will be sent
	times   *latencies
	left    func(reason string) // called when somebody else leaves; may be nil
	large   bool                // so many members that parsing all as JSON costs too much
}

// add adds a member. All must be added before the first line is sent.
func (r *room) add(m *member) {
	if r.names == nil {
		r.names = map[string]bool{}
	}
	r.members = append(r.members, m)
	r.names[m.name] = true
}

// enter joins a room.
func enter(dial dialer, room, name string) (*member, error) {
	k, err := dial("/ws/chat?" + url.Values{"room": {room}, "name": {name}}.Encode())
	if err != nil {
		return nil, err
	}
	return readWelcome(k, room, name)
}

// readWelcome reads the server's welcome to a member that has just joined.
func readWelcome(k clientConn, room, name string) (*member, error) {
	op, p, _, err := k.read()
	if err != nil {
		return nil, err
	}
	var e chatEvent
	if err := json.Unmarshal(p, &e); err != nil || op != protocol.OpText || e.Type != "welcome" || e.Room != room || e.Name != name {
		return nil, fmt.Errorf("welcomed to room %q as %q with %.200q, %v", room, name, p, err)
	}
	return &member{name: name, conn: k, heard: map[string]int{}}, nil
}

// say sends the member's next line: its number, the time, and the padding.
func (m *member) say(padding string) error {
	line := fmt.Sprintf(`{"type":"message","text":"%d %d%s"}`, m.said.Load()+1, time.Now().UnixNano(), padding)
	if err := m.conn.write(protocol.OpText, []byte(line), 0); err != nil {
		return err
	}
	m.said.Add(1)
	return nil
}

// listen reads what comes to a member until it has got every line that was sent.
func (r *room) listen(m *member) error {
	for !r.over.Load() || !r.heardAll(m) {
		op, p, _, err := m.conn.read()
		if err != nil {
			return fmt.Errorf("%s has heard %s: %w", m.name, r.missing(m), err)
		}
		e, err := r.parse(p)
		if err != nil || op != protocol.OpText {
			return fmt.Errorf("%s got %.200q: %w", m.name, p, err)
		}
		if err := r.hear(m, e); err != nil {
			return err
		}
	}
	return nil
}

// parse reads an event. In a large room it takes only the start of a line's fields, which
// hold no escapes there.
func (r *room) parse(p []byte) (e chatEvent, err error) {
	if !r.large || !bytes.HasPrefix(p, []byte(`{"type":"message"`)) {
		err = json.Unmarshal(p, &e)
		return e, err
	}
	field := func(name string) string {
		_, value, _ := bytes.Cut(p, []byte(`"`+name+`":"`))
		value, _, _ = bytes.Cut(value, []byte(`"`))
		return string(value[:min(len(value), 64)])
	}
	return chatEvent{Type: "message", Name: field("name"), Text: field("text")}, nil
}

// hear checks an event that came to a member against those before it.
func (r *room) hear(m *member, e chatEvent) error {
	switch {
	case e.Type == "leave":
		return r.hearLeave(m, e)
	case e.Type != "message" || !r.names[e.Name]:
		return nil
	}
	number, rest, _ := strings.Cut(e.Text, " ")
	stamp, _, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	nanos, err2 := strconv.ParseInt(stamp, 10, 64)
	if err != nil || err2 != nil || n != m.heard[e.Name]+1 {
		return fmt.Errorf("%s heard %.40q of %s, want line %d", m.name, e.Text, e.Name, m.heard[e.Name]+1)
	}
	m.heard[e.Name] = n
	r.times.add(time.Since(time.Unix(0, nanos)))
	return nil
}

// hearLeave checks that none of the members is announced as gone.
func (r *room) hearLeave(m *member, e chatEvent) error {
	for name, reason := range e.left() {
		switch {
		case r.names[name] && !r.over.Load():
			return fmt.Errorf("%s is told that %s has left: %s", m.name, name, reason)
		case !r.names[name] && r.left != nil && m == r.members[0]:
			r.left(reason)
		}
	}
	return nil
}

// heardAll reports whether a member has got every line.
func (r *room) heardAll(m *member) bool {
	return !slices.ContainsFunc(r.members, func(o *member) bool { return int64(m.heard[o.name]) < o.said.Load() })
}

// missing says how many lines of the first members have come to m.
func (r *room) missing(m *member) string {
	of := map[string]string{}
	for _, o := range r.members[:min(4, len(r.members))] {
		of[o.name] = fmt.Sprintf("%d of %d lines of %s", m.heard[o.name], o.said.Load(), o.name)
	}
	return strings.Join(slices.Sorted(maps.Values(of)), ", ")
}

// chat lets four members send lines to each other until the clients end.
func (c *clients) chat(ready func()) error {
	r := &room{times: &c.times}
	for i, dial := range []dialer{dialOurs(c, true), dialGorilla(c, false), dialOurs(c, false), dialGorilla(c, true)} {
		m, err := enter(dial, "well-behaved", fmt.Sprint("client ", i))
		if err != nil {
			return err
		}
		defer m.conn.abort()
		r.add(m)
	}
	var mu sync.Mutex
	var failed error
	var listening sync.WaitGroup
	for _, m := range r.members {
		listening.Go(func() {
			if err := r.listen(m); err != nil {
				mu.Lock()
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	ready()
	for i := 0; !c.done(); i++ {
		if err := r.members[i%len(r.members)].say(""); err != nil {
			break // listen returns the cause
		}
		pause(c.ctx, 2*c.pause)
	}
	// One more line, which wakes every listener to see that it is the last.
	r.over.Store(true)
	_ = r.members[0].say("")
	listening.Wait()
	if failed != nil {
		return failed
	}
	for _, m := range r.members {
		if err := m.conn.close(); err != nil {
			return fmt.Errorf("close: %w", err)
		}
	}
	return nil
}
