// Welcomes: what newcomers are sent first, who is here and what was said before.

package chat

import (
	"bytes"
	"encoding/json"
	"slices"
)

// maxInline is how many newcomers at once get the history in their welcomes. More share it.
const maxInline = 32

// list holds what is too long for a welcome, in pieces that newcomers share.
type list struct {
	pieces    []*message
	size      int // bytes
	receivers int // newcomers that have not been sent all of it
}

// lists holds the lists that are in use, the oldest first.
type lists struct {
	rooms *rooms
	all   []*list
	size  int // bytes
}

// add adds a list of pieces, which a number of newcomers receive. Without pieces there is
// no list.
func (l *lists) add(pieces []*message, receivers int) *list {
	if len(pieces) == 0 {
		return nil
	}
	made := &list{pieces: pieces, receivers: receivers}
	for _, p := range pieces {
		made.size += p.size
	}
	l.all = append(l.all, made)
	l.size += made.size
	l.rooms.account(made.size)
	return made
}

// release records that one newcomer needs a list no longer.
func (l *lists) release(used *list) {
	if used.receivers--; used.receivers > 0 {
		return
	}
	l.size -= used.size
	l.rooms.account(-used.size)
	at := slices.Index(l.all, used)
	l.all = slices.Delete(l.all, at, at+1)
}

// welcome makes the messages that newcomers, who are among r.announced already, are sent
// first.
func (r *room) welcome(newcomers []*member) {
	var json, lines []*member // by outlet
	for _, m := range newcomers {
		if _, ok := m.out.(events); ok {
			json = append(json, m)
		} else {
			lines = append(lines, m)
		}
	}
	past := r.rooms.histories.of(r.name)
	if len(json) > 0 {
		r.welcomeJSON(json, past)
	}
	if len(lines) > 0 {
		r.welcomeLines(lines, past)
	}
}

func (r *room) welcomeJSON(newcomers []*member, past []remembered) {
	members, history := json.RawMessage("[]"), json.RawMessage("[]")
	var events []event
	if pieceLen(r.announced) == len(r.announced) {
		members = marshal(namesOf(r.announced))
	} else {
		events = membersEvents(r.announced)
	}
	if whole := joined(past); len(whole) <= maxPieceBytes && len(newcomers) <= maxInline {
		history = whole
	} else {
		events = append(events, historyEvents(past)...)
	}
	pieces := make([]*message, len(events))
	for i, e := range events {
		e.More = new(i < len(events)-1)
		pieces[i] = newMessage(e, "")
	}
	list := r.lists.add(pieces, len(newcomers))
	for _, m := range newcomers {
		m.beginWith(welcomeMessage(r.name, m.name, members, history, list != nil), list)
	}
}

func (r *room) welcomeLines(newcomers []*member, past []remembered) {
	pieces := make([]*message, len(past))
	for i, said := range past {
		pieces[i] = lineMessage(said.line)
	}
	list := r.lists.add(pieces, len(newcomers))
	for _, m := range newcomers {
		m.beginWith(lineMessage(welcomeLine(r.name, m.name, r.announced)), list)
	}
}

// beginWith has a newcomer sent a welcome, a list, which may be nil, and then the backlog.
func (m *member) beginWith(welcome *message, list *list) {
	m.releaseList() // of the welcome before, if m got another name
	m.welcome, m.list, m.piece, m.next = welcome, list, 0, m.room.backlog.nextNumber()
	m.storeDelivered()
}

func membersEvents(members []*member) (events []event) {
	for len(members) > 0 {
		n := pieceLen(members)
		events = append(events, event{Type: "members", Members: namesOf(members[:n])})
		members = members[n:]
	}
	return events
}

func historyEvents(past []remembered) (events []event) {
	for len(past) > 0 {
		n, size := 0, 0
		for n < len(past) {
			if size += len(past[n].json); size > maxPieceBytes && n > 0 {
				break
			}
			n++
		}
		events = append(events, event{Type: "history", History: joined(past[:n])})
		past = past[n:]
	}
	return events
}

// joined returns a JSON array of messages.
func joined(past []remembered) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, said := range past {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(said.json)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// pieceLen returns how many of the first members have names that fit into one piece of a
// list.
func pieceLen(members []*member) int {
	n, size := 0, 0
	for n < len(members) && n < maxPieceNames {
		if size += members[n].size; size > maxPieceBytes && n > 0 {
			break
		}
		n++
	}
	return n
}
