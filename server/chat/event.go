// Events: what the server sends, as JSON and as lines.

package chat

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// Limits of a piece of a list. A piece with one element may have more bytes.
const (
	maxPieceNames = 500
	maxPieceBytes = 16 << 10
)

// message is an event that is ready to be sent to any number of members.
type message struct {
	text   []byte    // JSON
	line   string    // for members that get lines, several with \n between; "" if they do not get it
	size   int       // bytes that it counts for
	except *member   // is not sent it
	at     time.Time // of a message of a member

	json  *websocket.Prepared
	plain *websocket.Prepared // made for the first member that gets lines; the room's mutex guards it
}

// event is the JSON object of an event. Its type decides which fields it has.
type event struct {
	Type    string          `json:"type"`
	Room    string          `json:"room,omitempty"`
	Name    string          `json:"name,omitempty"`
	Names   []string        `json:"names,omitempty"`
	From    string          `json:"from,omitempty"`
	To      string          `json:"to,omitempty"`
	Code    string          `json:"code,omitempty"`
	Text    string          `json:"text,omitempty"`
	Refers  string          `json:"refers,omitempty"`
	ID      string          `json:"id,omitempty"`
	On      *bool           `json:"on,omitempty"`
	Time    string          `json:"time,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Reasons []string        `json:"reasons,omitempty"`
	Members any             `json:"members,omitempty"` // their number or their names
	Count   int             `json:"count,omitempty"`
	History json.RawMessage `json:"history,omitempty"`
	More    *bool           `json:"more,omitempty"`
}

func chatMessage(name, text string, at time.Time) *message {
	msg := newMessage(event{Type: "message", Name: name, Text: text, Time: stamp(at)}, saidLine(name, text))
	msg.at = at
	return msg
}

// remembered returns a message of a member as newcomers get it.
func (m *message) remembered() remembered { return remembered{m.text, m.line, m.at} }

// privateMessages returns what sender and receiver of a private message are sent.
func privateMessages(from, to, text string, at time.Time) (sent, received *message) {
	received = newMessage(event{Type: "private", From: from, To: to, Text: text, Time: stamp(at)}, eachLine("* "+from+" (private): ", text))
	copied := *received
	copied.line, copied.plain = eachLine("* to "+to+" (private): ", text), nil
	return &copied, received
}

// typingMessage says that a member types, or has stopped. Those who get lines do not get it.
func typingMessage(m *member, on bool) *message {
	msg := newMessage(event{Type: "typing", Name: m.name, On: &on}, "")
	msg.except = m
	return msg
}

func operatorMessage(text string, at time.Time) *message {
	return newMessage(event{Type: "operator", Text: text, Time: stamp(at)}, eachLine("* operator: ", text))
}

func errorMessage(r *refusal) *message {
	return newMessage(event{Type: "error", Code: r.code, Text: r.text, Refers: r.refers, ID: r.id}, "* error: "+r.text)
}

func pongMessage(id string, at time.Time) *message {
	return newMessage(event{Type: "pong", ID: id, Time: stamp(at)}, "* pong")
}

// whoMessage lists the first of a room's members.
func whoMessage(id string, members []*member) *message {
	names := namesOf(members[:pieceLen(members)])
	return newMessage(event{Type: "who", ID: id, Members: names, Count: len(members)}, "* "+hereLine(members))
}

// joinMessage and leaveMessage announce members: one with its name, several with a list of
// names. members is the number of members afterwards.
func joinMessage(names []string, members int) *message {
	line := joinedLine(names, members)
	if len(names) == 1 {
		return newMessage(event{Type: "join", Name: names[0], Members: members}, line)
	}
	return newMessage(event{Type: "join", Names: names, Members: members}, line)
}

func leaveMessage(names, reasons []string, members int) *message {
	line := leftLine(names, reasons, members)
	if len(names) == 1 {
		return newMessage(event{Type: "leave", Name: names[0], Reason: reasons[0], Members: members}, line)
	}
	return newMessage(event{Type: "leave", Names: names, Reasons: reasons, Members: members}, line)
}

// welcomeMessage takes names and history as JSON, since newcomers share them.
func welcomeMessage(room, name string, members, history json.RawMessage, more bool) *message {
	e := event{Type: "welcome", Room: room, Name: name, Members: members, History: history}
	if more {
		e.More = &more
	}
	return newMessage(e, "")
}

func newMessage(e event, line string) *message {
	text := marshal(e)
	prepared := prepare(text)
	return &message{text: text, line: line, size: len(text) + len(line), json: prepared}
}

// lineMessage is for members that get lines alone.
func lineMessage(line string) *message { return &message{line: line, size: len(line)} }

// asLine returns the message for members that get lines. The room's mutex is held.
func (m *message) asLine() *websocket.Prepared {
	if m.plain == nil {
		m.plain = prepare([]byte(m.line))
	}
	return m.plain
}

func prepare(text []byte) *websocket.Prepared {
	prepared, err := websocket.Prepare(protocol.OpText, text)
	if err != nil {
		panic(err) // preparing an uncompressed text message cannot fail
	}
	return prepared
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

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// eachLine writes prefix before each line of text.
func eachLine(prefix, text string) string {
	return prefix + strings.ReplaceAll(text, "\n", "\n"+prefix)
}
