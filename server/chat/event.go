// Events: what the server says, as JSON in prepared messages.

package chat

import (
	"bytes"
	"encoding/json"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// A list of names is cut into pieces of at most so many names and, unless one name alone
// is longer, bytes.
const (
	pieceNames = 500
	pieceBytes = 16 << 10
)

// message is an event as it is sent, the same to all.
type message struct {
	prepared *websocket.Prepared
	size     int // bytes of JSON
}

// event is an event but for its list of names.
type event struct {
	Type    string   `json:"type"`
	Room    string   `json:"room,omitempty"`
	Name    string   `json:"name,omitempty"`
	Names   []string `json:"names,omitempty"`
	Text    string   `json:"text,omitempty"`
	Time    string   `json:"time,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Reasons []string `json:"reasons,omitempty"`
	Members any      `json:"members,omitempty"` // how many, or their names
	More    *bool    `json:"more,omitempty"`
}

func messageEvent(name, text string, at time.Time) message {
	return prepare(event{Type: "message", Name: name, Text: text, Time: at.UTC().Format(time.RFC3339Nano)})
}

// joinEvent and leaveEvent announce one member as such, several in a list; members is how
// many there are then.
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

// welcomeEvent has the names of the members as JSON, which newcomers share.
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
		panic(err) // text can be prepared
	}
	return message{prepared, len(text)}
}

// marshal is v as JSON that is no longer than it must be: < and > stand as they are.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings and numbers always marshal
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// piece is how many of the first names make a piece; size is how long each is as JSON.
func piece(members []*member) int {
	n, size := 0, 0
	for n < len(members) && n < pieceNames {
		if size += members[n].size; size > pieceBytes && n > 0 {
			break
		}
		n++
	}
	return n
}
