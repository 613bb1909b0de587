// Events: the JSON objects that the server sends, as prepared messages.

package chat

import (
	"bytes"
	"encoding/json"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// Limits of a piece of a list of names. A piece with one name may have more bytes.
const (
	maxPieceNames = 500
	maxPieceBytes = 16 << 10
)

// message is an event that is ready to be sent to any number of members.
type message struct {
	prepared *websocket.Prepared
	size     int // bytes of JSON
}

// event is the JSON object of an event. Its type decides which fields it has.
type event struct {
	Type    string   `json:"type"`
	Room    string   `json:"room,omitempty"`
	Name    string   `json:"name,omitempty"`
	Names   []string `json:"names,omitempty"`
	Text    string   `json:"text,omitempty"`
	Time    string   `json:"time,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Reasons []string `json:"reasons,omitempty"`
	Members any      `json:"members,omitempty"` // their number or their names
	More    *bool    `json:"more,omitempty"`
}

func messageEvent(name, text string, at time.Time) message {
	return prepare(event{Type: "message", Name: name, Text: text, Time: at.UTC().Format(time.RFC3339Nano)})
}

// joinEvent and leaveEvent announce members: one with its name, several with a list of
// names. members is the number of members afterwards.
func joinEvent(names []string, members int) message {
	if len(names) == 1 {
		return prepare(event{Type: "join", Name: names[0], Members: members})
	}
	return prepare(event{Type: "join", Names: names, Members: members})
}

func leaveEvent(names, reasons []string, members int) message {
	if len(names) == 1 {
		return prepare(event{Type: "leave", Name: names[0], Reason: reasons[0], Members: members})
	}
	return prepare(event{Type: "leave", Names: names, Reasons: reasons, Members: members})
}

// welcomeEvent takes the names of the members as JSON, since newcomers share it.
func welcomeEvent(room, name string, members json.RawMessage, more bool) message {
	e := event{Type: "welcome", Room: room, Name: name, Members: members}
	if more {
		e.More = &more
	}
	return prepare(e)
}

func membersEvent(names []string, more bool) message {
	return prepare(event{Type: "members", Members: names, More: &more})
}

func prepare(e event) message {
	text := marshal(e)
	prepared, err := websocket.Prepare(protocol.OpText, text)
	if err != nil {
		panic(err) // preparing an uncompressed text message cannot fail
	}
	return message{prepared, len(text)}
}

// marshal returns v as JSON in which <, > and & are not escaped, since that is shorter.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings and numbers always marshal
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
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
