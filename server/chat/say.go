// Saying: what a member sends to all, to one, or asks of its room.

package chat

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/time/rate"
)

// typingDeliveries is how many members of a room may be told each second that somebody
// types. Beyond it typing is not shown: it is news for few, not for a crowd.
const typingDeliveries = 20_000

// say sends what m says to everyone in the room, m included. It waits while m itself is
// far behind, so that no member can say more than the server is able to send to all.
func (r *room) say(m *member, text string) { closeAll(r.addMessage(m, text)) }

func (r *room) addMessage(m *member, text string) (slow []*member) {
	now, name := time.Now(), m.currentName()
	msg := chatMessage(name, text, now)
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.waitWhileBehind(); m.slow {
		return nil
	}
	if m.name != name {
		msg = chatMessage(m.name, text, now)
	}
	r.publishMessage(msg)
	r.addSaid(msg)
	return r.broadcast()
}

func (r *room) addSaid(msg *message) {
	r.rooms.histories.add(r.name, msg)
	r.backlog.add(msg)
}

// announceText sends a message of the server to everyone, and returns how many they are.
func (r *room) announceText(msg *message) (receivers int) {
	slow, receivers := r.addText(msg)
	closeAll(slow)
	return receivers
}

func (r *room) addText(msg *message) (slow []*member, receivers int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, 0
	}
	r.backlog.add(msg)
	slow = r.broadcast()
	for _, m := range r.receivers {
		if !m.gone && !m.slow {
			receivers++
		}
	}
	return slow, receivers
}

// tell sends a message to m alone, and waits while m is far behind.
func (r *room) tell(m *member, msg *message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.waitWhileBehind()
	m.addDirect(msg)
}

// sayTo sends a private message to its receiver and to its sender.
func (r *room) sayTo(m *member, q request) *refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.waitWhileBehind()
	name, text := "", q.text
	if q.to != nil {
		name = *q.to
	} else if name, text = splitPrivate(q.text, func(name string) bool { return r.find(name) != nil }); text == "" {
		return refuseRequest("empty", "nothing is said: write /msg NAME TEXT")
	}
	to := r.find(name)
	if to == nil {
		return refuseAbsent(name)
	}
	sent, received := privateMessages(m.name, name, text, time.Now())
	if !to.hasRoomFor(received) {
		return refuseBusy(name)
	}
	m.addDirect(sent)
	switch {
	case to == m:
	case to.peer == "":
		to.addDirect(received)
	default:
		r.sharing.topic.Send(to.peer, received.text)
	}
	return nil
}

func refuseAbsent(name string) *refusal {
	return refuseRequest("no-such-member", fmt.Sprintf("nobody named %s is here", strconv.Quote(clipped(name))))
}

func refuseBusy(name string) *refusal {
	return refuseRequest("busy", clipped(name)+" has not read earlier messages yet: try again later")
}

// find returns the member of a name that has been announced, or nil. r.mu is held.
func (r *room) find(name string) *member {
	if m := r.members[name]; m != nil && m.here {
		return m
	}
	return nil
}

// setTyping tells the others that m types or has stopped.
func (r *room) setTyping(m *member, on bool) *refusal {
	if m.typing == nil {
		m.typing = rate.NewLimiter(rate.Every(time.Second), 5)
	}
	if !m.typing.Allow() {
		return refuseRequest("too-fast", "typing is sent too often: once in two seconds is enough")
	}
	slow := r.addTyping(m, on)
	closeAll(slow)
	return nil
}

func (r *room) addTyping(m *member, on bool) (slow []*member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.slow || !r.allowTyping() {
		return nil
	}
	msg := typingMessage(m, on)
	r.publishMessage(msg)
	r.backlog.add(msg)
	return r.broadcast()
}

// allowTyping reports whether the receivers may be told now that somebody types.
func (r *room) allowTyping() bool {
	if r.typing == nil {
		r.typing = rate.NewLimiter(typingDeliveries, typingDeliveries)
	}
	return r.typing.AllowN(time.Now(), len(r.receivers))
}

// who tells m who is here.
func (r *room) who(m *member, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.waitWhileBehind()
	m.addDirect(whoMessage(id, r.announced))
}
