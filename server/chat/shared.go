// Rooms that several instances share: what they tell each other over the hub, and members of
// other instances.
//
// Instances send each other the events that members get, as JSON, and these:
//
//	{"type":"begin"}                        the state of this instance follows
//	{"type":"history","history":[…]}        some of what was said
//	{"type":"members","names":["ann"]}      some of its members
//	{"type":"end"}                          that was all; its other members are gone
//	{"type":"error","to":"ann","code":…}    a private line of ann was refused
//
// Nothing of it is trusted: an instance speaks only for its own members, and a name or text
// that a client could not send is ignored.

package chat

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"framescope/server/hub"
)

const (
	maxRemote  = 2 * maxMembers // members of other instances in one room
	maxRemotes = 200_000        // in all rooms
	remoteSize = 256            // bytes that one counts for, beside its name

	// settleTime is how long the first member of a room waits for other instances to say who
	// is there and what was said; graceTime is how long after the first that has said so.
	settleTime = 250 * time.Millisecond
	graceTime  = 20 * time.Millisecond

	renamed = "renamed: the name is in use"
)

// sharing is what a room knows of other instances. The room's mutex guards it.
type sharing struct {
	topic    hub.Topic // nil without other instances
	settling bool      // the first member waits
	remotes  int
	claims   claims
	states   map[hub.Peer]map[string]bool // of peers whose state is coming: the members it named
}

// enter joins the room's topic; r.mu is held.
func (r *room) enter() {
	h := r.rooms.hub
	if h == nil || r.sharing.topic != nil {
		return
	}
	r.sharing.topic = h.Join("chat/"+r.name, r)
	r.sharing.states = map[hub.Peer]map[string]bool{}
	r.sharing.claims = claims{}
	if h.Alone() {
		return
	}
	r.sharing.settling = true
	a := &r.announcement
	a.due = time.Now()
	a.timer = time.AfterFunc(settleTime, r.announceOnTimer)
}

// settled lets the first members in soon; r.mu is held.
func (r *room) settled() {
	if a := &r.announcement; r.sharing.settling && a.timer != nil {
		a.timer.Reset(graceTime)
	}
	r.sharing.settling = false
}

// exit leaves the room's topic and forgets the members of other instances; r.mu is held.
func (r *room) exit() {
	if r.sharing.topic == nil {
		return
	}
	r.sharing.topic.Leave()
	for _, m := range r.members {
		r.forget(m)
	}
	for _, claims := range r.sharing.claims {
		for _, m := range claims {
			r.forget(m)
		}
	}
}

// publish sends an event to the other instances; r.mu is held.
func (r *room) publish(e event) {
	if t := r.sharing.topic; t != nil && !t.Alone() {
		t.Publish(marshal(e))
	}
}

// publishJoins and publishLeaves tell the other instances of members of this one.
func (r *room) publishJoins(members []*member) {
	for len(members) > 0 {
		n := pieceLen(members)
		r.publish(event{Type: "join", Names: namesOf(members[:n])})
		members = members[n:]
	}
}

func (r *room) publishLeaves(departures []departure) {
	own := slices.DeleteFunc(slices.Clone(departures), func(d departure) bool { return d.member.peer != "" })
	for len(own) > 0 {
		names, reasons := firstPiece(own)
		r.publish(event{Type: "leave", Names: names, Reasons: reasons})
		own = own[len(names):]
	}
}

// publishMessage sends a message that is encoded already; r.mu is held.
func (r *room) publishMessage(m *message) {
	if t := r.sharing.topic; t != nil {
		t.Publish(m.text)
	}
}

// PeerJoined implements [hub.Receiver]: it sends the state of this instance.
func (r *room) PeerJoined(_ hub.Peer, send func([]byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	send(marshal(event{Type: "begin"}))
	for _, e := range historyEvents(r.rooms.histories.of(r.name)) {
		send(marshal(e))
	}
	var own []*member
	for _, m := range r.announced {
		if m.peer == "" && !m.gone {
			own = append(own, m)
		}
	}
	for len(own) > 0 {
		n := pieceLen(own)
		send(marshal(event{Type: "members", Names: namesOf(own[:n])}))
		own = own[n:]
	}
	send(marshal(event{Type: "end"}))
}

// Lost implements [hub.Receiver]: the members are told how much they have missed.
func (r *room) Lost(_ hub.Peer, messages uint64) {
	r.change(func() {
		text := "a message from another server of the chat was lost"
		if messages != 1 {
			text = fmt.Sprintf("%d messages from another server of the chat were lost", messages)
		}
		r.backlog.add(errorMessage(refuseRequest("lost", text)))
	})
}

// Received implements [hub.Receiver].
func (r *room) Received(from hub.Peer, p []byte) {
	var e event
	if err := json.Unmarshal(p, &e); err != nil {
		r.rooms.log.Debug("another instance sent the chat what is no event", "room", r.name, "instance", string(from))
		return
	}
	r.change(func() { r.receive(from, &e) })
}

// change changes the room because of another instance, and tells its members.
func (r *room) change(do func()) { closeAll(r.changeLocked(do)) }

func (r *room) changeLocked(do func()) (slow []*member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	do()
	if a := &r.announcement; len(a.arrivals)+len(a.departures) > 0 {
		slow = r.announceSoon()
	}
	if r.backlog.nextNumber() != r.backlogEnd.Load() {
		slow = append(slow, r.broadcast()...)
	}
	return slow
}

func (r *room) receive(from hub.Peer, e *event) {
	switch e.Type {
	case "begin":
		r.sharing.states[from] = map[string]bool{}
	case "end":
		r.endState(from)
	case "members":
		r.arriveRemote(from, e.Names)
	case "join":
		r.arriveRemote(from, e.named())
	case "leave":
		r.leaveRemote(from, e)
	case "history":
		r.rooms.histories.merge(r.name, parseHistory(e.History))
	case "message":
		if m := r.speaker(from, e.Name); m != nil {
			if text, at, ok := e.said(); ok {
				r.addSaid(chatMessage(m.name, text, at))
			}
		}
	case "typing":
		if m := r.speaker(from, e.Name); m != nil && e.On != nil && r.allowTyping() {
			r.backlog.add(typingMessage(m, *e.On))
		}
	case "private":
		r.receivePrivate(from, e)
	case "error":
		if to := r.find(e.To); to != nil && to.peer == "" {
			to.addDirect(errorMessage(&refusal{code: oneLine(e.Code), text: oneLine(e.Text), refers: "message"}))
		}
	}
}

// named returns the names that a join or leave announces.
func (e *event) named() []string {
	if e.Name != "" {
		return []string{e.Name}
	}
	return e.Names
}

// said returns what an event says, and when; not ok if no client could say it.
func (e *event) said() (text string, at time.Time, ok bool) {
	at, err := time.Parse(time.RFC3339Nano, e.Time)
	text, refused := checkText(e.Text)
	return text, at, err == nil && refused == nil
}

func parseHistory(p json.RawMessage) (said []remembered) {
	var past []event
	if json.Unmarshal(p, &past) != nil {
		return nil
	}
	for _, e := range past[max(0, len(past)-maxRemembered):] {
		if text, at, ok := e.said(); ok && validName(e.Name) {
			said = append(said, chatMessage(e.Name, text, at).remembered())
		}
	}
	return said
}

func (r *room) receivePrivate(from hub.Peer, e *event) {
	text, at, ok := e.said()
	if !ok || r.speaker(from, e.From) == nil {
		return
	}
	var refused *refusal
	_, received := privateMessages(e.From, e.To, text, at)
	switch to := r.find(e.To); {
	case to == nil || to.peer != "":
		refused = refuseAbsent(e.To)
	case !to.hasRoomFor(received):
		refused = refuseBusy(e.To)
	default:
		to.addDirect(received)
		return
	}
	r.sharing.topic.Send(from, marshal(event{Type: "error", To: e.From, Code: refused.code, Text: refused.text}))
}
