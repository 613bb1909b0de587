// Requests: what clients send, and why one is refused.

package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText  = 4 << 10 // bytes of what a member says at once
	maxLines = 64      // lines of that; each gets the member's name in front of it
	maxID    = 64      // bytes
)

// request is what a member asks for.
type request struct {
	kind string  // message, private, typing, ping, who, quit or help
	text string  // of a message; of a private line also the name, before it
	to   *string // the receiver of a private JSON message
	on   bool    // of typing
	id   string
}

// refusal is why a request is refused. Its code never changes; its text is for people.
type refusal struct {
	code, text string
	refers     string // the type of the request, "" if that is unknown
	id         string
}

func (r *refusal) Error() string { return r.text }

func refuseRequest(code, text string) *refusal { return &refusal{code: code, text: text} }

// parseRequest reads a JSON object of a client. Fields that it does not know are ignored.
func parseRequest(p []byte) (request, *refusal) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(p, &fields); err != nil || fields == nil {
		return request{}, refuseRequest("not-json", "the message is not a JSON object"+syntaxHint(err)+`: send one such as {"type":"message","text":"hi"}`)
	}
	q, refused := readFields(fields)
	if refused != nil {
		refused.refers, refused.id = q.kind, q.id
		if !known(q.kind) {
			refused.refers = ""
		}
	}
	if q.to != nil {
		q.kind = "private"
	}
	return q, refused
}

func syntaxHint(err error) string {
	if e := (*json.SyntaxError)(nil); errors.As(err, &e) {
		return fmt.Sprintf(" (byte %d: %v)", e.Offset, e)
	}
	return ""
}

// known reports whether clients may send objects of a type.
func known(kind string) bool {
	switch kind {
	case "message", "typing", "ping", "who", "quit":
		return true
	}
	return false
}

func readFields(fields map[string]json.RawMessage) (q request, refused *refusal) {
	if q.id, _, refused = stringField(fields, "id"); refused != nil {
		return q, refused
	}
	if len(q.id) > maxID {
		q.id = ""
		return q, refuseRequest("bad-field", "the id has more than 64 bytes")
	}
	q.kind, _, refused = stringField(fields, "type")
	switch {
	case refused != nil:
		return q, refused
	case q.kind == "":
		return q, refuseRequest("unknown-type", `the object has no "type": message, typing, ping, who and quit are known`)
	case !known(q.kind):
		return q, refuseRequest("unknown-type", fmt.Sprintf("the type %s is unknown: message, typing, ping, who and quit are known", strconv.Quote(clipped(q.kind))))
	}
	switch q.kind {
	case "message":
		return q, q.readMessage(fields)
	case "typing":
		q.on = true
		if raw, ok := fields["on"]; ok && json.Unmarshal(raw, &q.on) != nil {
			return q, refuseRequest("bad-field", `"on" is neither true nor false`)
		}
	}
	return q, nil
}

func (q *request) readMessage(fields map[string]json.RawMessage) (refused *refusal) {
	to, private, refused := stringField(fields, "to")
	if refused != nil {
		return refused
	}
	if private {
		q.to = &to
	}
	if q.text, _, refused = stringField(fields, "text"); refused != nil {
		return refused
	}
	q.text, refused = checkText(q.text)
	return refused
}

// stringField returns a field of an object, which must be a string if it is there.
func stringField(fields map[string]json.RawMessage, name string) (value string, ok bool, refused *refusal) {
	raw, ok := fields[name]
	if !ok {
		return "", false, nil
	}
	if raw[0] != '"' || json.Unmarshal(raw, &value) != nil {
		return "", true, refuseRequest("bad-field", fmt.Sprintf("%q is not a string", name))
	}
	if unpairedSurrogate(raw) {
		return "", true, refuseRequest("bad-text", fmt.Sprintf("%q has half of a surrogate pair: write both halves, or the character itself", name))
	}
	return value, true, nil
}

// unpairedSurrogate reports whether a JSON string has an escape for half of a surrogate
// pair. [json.Unmarshal] would make U+FFFD of it.
func unpairedSurrogate(raw []byte) bool {
	high := false // the escape before was the first half
	for i := 0; i < len(raw); {
		if raw[i] != '\\' || raw[i+1] != 'u' {
			if high {
				return true
			}
			if raw[i] == '\\' {
				i++
			}
			i++
			continue
		}
		n, _ := strconv.ParseUint(string(raw[i+2:i+6]), 16, 16) // the JSON is valid
		low := n >= 0xdc00 && n < 0xe000
		if low != high {
			return true
		}
		high = n >= 0xd800 && n < 0xdc00
		i += 6
	}
	return high
}

// checkText returns a text in the form in which it is sent, or why it is refused. A
// terminal may show it, so it has no control characters except line ends and tabs.
func checkText(text string) (string, *refusal) {
	if len(text) > maxText {
		return "", refuseRequest("too-long", fmt.Sprintf("the text has %d bytes, at most %d are allowed", len(text), maxText))
	}
	if !utf8.ValidString(text) {
		return "", refuseRequest("bad-text", "the text is not UTF-8")
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if n := strings.Count(text, "\n") + 1; n > maxLines {
		return "", refuseRequest("too-long", fmt.Sprintf("the text has %d lines, at most %d are allowed", n, maxLines))
	}
	for _, c := range text {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return "", refuseRequest("control-character", fmt.Sprintf("the text holds %U, a control character", c))
		}
	}
	if strings.TrimSpace(text) == "" {
		return "", refuseRequest("empty", "the text is empty")
	}
	return text, nil
}
