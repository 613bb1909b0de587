// Several instances: what is sent to rooms goes to the other instances, too.

package socketio

import (
	"encoding/binary"
	"errors"
	"slices"

	"framescope/server/hub"
)

// The messages between instances begin with one of these. What follows are texts, each after its
// length, and lists of texts, each after their number: an event has rooms, excepted rooms, a name,
// the arguments and a list of attachments.
const (
	sharedEvent      = 'e'
	sharedClose      = 'c' // a room
	sharedDisconnect = 'd' // rooms and excepted rooms
)

var errTooLargeToShare = errors.New("socketio: the event is too large for the other instances")

// publish sends a message to the other instances, if there are any.
func (n *Namespace) publish(encode func(dst []byte) []byte) {
	if !n.topic.Alone() {
		n.topic.Publish(encode(nil))
	}
}

// publishEvent sends an event to the other instances, which add their own numbers for recovery.
func (n *Namespace) publishEvent(rooms, except []string, event string, args []any) error {
	var e encoding
	if err := e.appendArgs(args, false); err != nil {
		return err
	}
	message := appendTexts(appendTexts([]byte{sharedEvent}, rooms), except)
	message = appendText(appendText(message, event), e.text)
	message = appendTexts(message, e.attachments)
	if len(message) > hub.MaxMessage {
		return errTooLargeToShare
	}
	n.topic.Publish(message)
	return nil
}

func appendClose(dst []byte, room string) []byte {
	return appendText(append(dst, sharedClose), room)
}

func appendDisconnect(dst []byte, rooms, except []string) []byte {
	return appendTexts(appendTexts(append(dst, sharedDisconnect), rooms), except)
}

func appendText[T string | []byte](dst []byte, text T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func appendTexts[T string | []byte](dst []byte, texts []T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(texts)))
	for _, text := range texts {
		dst = appendText(dst, text)
	}
	return dst
}

// shared is a message of another instance, of which the parts are cut off one after the other. A
// part that is not there is empty, and bad is set.
type shared struct {
	rest []byte
	bad  bool
}

func (m *shared) number(most int) int {
	n, size := binary.Uvarint(m.rest)
	if size <= 0 || n > uint64(min(most, len(m.rest)-size)) {
		m.bad = true
		return 0
	}
	m.rest = m.rest[size:]
	return int(n)
}

func (m *shared) text() []byte {
	n := m.number(len(m.rest))
	text := m.rest[:n]
	m.rest = m.rest[n:]
	return text
}

// maxShared is how long a list may be.
const maxShared = 10_000

func (m *shared) texts() (all [][]byte) {
	for range m.number(maxShared) {
		all = append(all, m.text())
	}
	return all
}

func (m *shared) names() (all []string) {
	for _, text := range m.texts() {
		all = append(all, string(text))
	}
	return all
}

// receiver receives what the other instances of a namespace send. They have no state that this one
// needs to know: each knows its own sockets.
type receiver Namespace

func (r *receiver) PeerJoined(hub.Peer, func([]byte)) {}
func (r *receiver) PeerLeft(hub.Peer, error)          {}

// Lost says that events to rooms are missing, which only the log can tell.
func (r *receiver) Lost(from hub.Peer, messages uint64) {
	r.server.log.Warn("events for Socket.IO rooms were lost between instances", "namespace", r.name, "instance", string(from), "events", messages)
}

// Received obeys another instance. A message that makes no sense is ignored.
func (r *receiver) Received(_ hub.Peer, message []byte) {
	if len(message) == 0 {
		return
	}
	n, m := (*Namespace)(r), &shared{rest: message[1:]}
	switch message[0] {
	case sharedEvent:
		rooms, except, event, raw, attachments := m.names(), m.names(), string(m.text()), m.text(), m.texts()
		args := &arguments{raw, attachments}
		if m.done() && args.valid() {
			_ = n.emit(rooms, except, event, []any{Args{args}}) // they were encoded before
		}
	case sharedClose:
		if room := string(m.text()); m.done() {
			n.closeRoom(room)
		}
	case sharedDisconnect:
		if rooms, except := m.names(), m.names(); m.done() {
			n.disconnect(rooms, except)
		}
	}
}

// done reports whether the message was whole, and nothing follows.
func (m *shared) done() bool { return !m.bad && len(m.rest) == 0 }

// valid reports whether the arguments are what a client could have sent.
func (a *arguments) valid() bool {
	array := slices.Concat([]byte{'['}, a.raw, []byte{']'})
	return skipValue(array, 0) == len(array) && (len(a.attachments) == 0 || checkPlaceholders(a.raw, len(a.attachments)) == nil)
}
