//go:build linux

// Guests of /ws/chat: four in a room, who check that each line of each of them comes
// once and in order.

package soak

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// chatEvent is what the README documents.
type chatEvent struct {
	Type, Room, Name, Text, Time, Reason string
	Members                              any
}

// member is one in a room.
type member struct {
	name   string
	client client
	heard  map[string]int // the last line of each member
	said   atomic.Int64
}

// room is some members and what they have in common.
type room struct {
	members []*member
	over    atomic.Bool // nobody says anything any more
	times   *latencies
	left    func(e chatEvent) // is told by the first member who of the others leaves; may be nil
	large   bool              // so that parsing JSON would cost more than anything else
}

// enter joins a room; its members must have joined before they speak.
func enter(dial dialer, room, name string) (*member, error) {
	k, err := dial("/ws/chat?" + url.Values{"room": {room}, "name": {name}}.Encode())
	if err != nil {
		return nil, err
	}
	return welcomed(k, room, name)
}

// welcomed reads the welcome of a member that has just joined.
func welcomed(k client, room, name string) (*member, error) {
	op, p, _, err := k.read()
	if err != nil {
		return nil, err
	}
	var e chatEvent
	if err := json.Unmarshal(p, &e); err != nil || op != protocol.OpText || e.Type != "welcome" || e.Room != room || e.Name != name {
		return nil, fmt.Errorf("welcomed to room %q as %q with %.200q, %v", room, name, p, err)
	}
	return &member{name: name, client: k, heard: map[string]int{}}, nil
}

// say says the member's next line: its number and the time.
func (m *member) say(padding string) error {
	line := fmt.Sprintf("%d %d%s", m.said.Load()+1, time.Now().UnixNano(), padding)
	if err := m.client.write(protocol.OpText, []byte(line), 0); err != nil {
		return err
	}
	m.said.Add(1)
	return nil
}

// listen checks what comes until all that was said has been heard.
func (r *room) listen(m *member) error {
	for !r.over.Load() || !r.heardAll(m) {
		op, p, _, err := m.client.read()
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

// parse reads an event; in a large room only what stands in front, where nothing needs
// an escape, as in all that is said there.
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

func (r *room) hear(m *member, e chatEvent) error {
	known := slices.ContainsFunc(r.members, func(o *member) bool { return o.name == e.Name })
	switch {
	case !known && e.Type == "leave" && r.left != nil && m == r.members[0]:
		r.left(e)
		return nil
	case !known || e.Type == "join":
		return nil
	case e.Type == "leave" && !r.over.Load():
		return fmt.Errorf("%s is told that %s has left: %s", m.name, e.Name, e.Reason)
	case e.Type != "message":
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

func (r *room) heardAll(m *member) bool {
	return !slices.ContainsFunc(r.members, func(o *member) bool { return int64(m.heard[o.name]) < o.said.Load() })
}

// missing tells of each member what was heard and what was said.
func (r *room) missing(m *member) string {
	of := map[string]string{}
	for _, o := range r.members[:min(4, len(r.members))] {
		of[o.name] = fmt.Sprintf("%d of %d lines of %s", m.heard[o.name], o.said.Load(), o.name)
	}
	return strings.Join(slices.Sorted(maps.Values(of)), ", ")
}

// chat is a talk of four until it is time to leave.
func (c *company) chat(here func()) error {
	r := &room{times: &c.times}
	for i, dial := range []dialer{dialOurs(c, true), dialGorilla(c, false), dialOurs(c, false), dialGorilla(c, true)} {
		m, err := enter(dial, "company", fmt.Sprint("guest ", 'a'+i))
		if err != nil {
			return err
		}
		r.members = append(r.members, m)
	}
	var mu sync.Mutex
	var first error
	var talking sync.WaitGroup
	note := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = err
		}
	}
	for _, m := range r.members {
		talking.Go(func() {
			if err := r.listen(m); err != nil {
				note(err)
			}
		})
	}
	here()
	for i := 0; !c.done(); i++ {
		if err := r.members[i%len(r.members)].say(""); err != nil {
			break // whoever listens knows why
		}
		pause(c.ctx, 2*c.rest)
	}
	// One line more after the end has been told, so that whoever listens looks up.
	r.over.Store(true)
	_ = r.members[0].say("")
	talking.Wait()
	if first != nil {
		return first
	}
	for _, m := range r.members {
		if err := m.client.close(); err != nil {
			return fmt.Errorf("leave in order: %w", err)
		}
	}
	return nil
}
