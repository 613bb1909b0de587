// Encoding packets: arguments become JSON, and bytes among them attachments.

package socketio

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"framescope/server/engineio"
)

// encoding is a packet that is being encoded: the text, and the attachments that follow it.
type encoding struct {
	text        []byte
	attachments [][]byte
}

// encodeEvent appends an event to text.
func encodeEvent(text []byte, namespace string, id int64, event string, args []any) (encoding, error) {
	if reserved([]byte(event)) {
		return encoding{}, fmt.Errorf("socketio: %q cannot be sent: the name is reserved", event)
	}
	start := len(text)
	e := encoding{text: append(appendHead(text, kindEvent, 0, namespace, id), '[')}
	data := len(e.text) - 1
	e.text = appendString(e.text, event)
	if err := e.appendArgs(args, true); err != nil {
		return encoding{}, fmt.Errorf("socketio: event %q: %w", event, err)
	}
	return e.finish(kindBinaryEvent, start, data, namespace, id)
}

// encodeAck appends the acknowledgement of the event that had this id to text.
func encodeAck(text []byte, namespace string, id int64, args []any) (encoding, error) {
	start := len(text)
	e := encoding{text: append(appendHead(text, kindAck, 0, namespace, id), '[')}
	data := len(e.text) - 1
	if err := e.appendArgs(args, false); err != nil {
		return encoding{}, fmt.Errorf("socketio: acknowledgement: %w", err)
	}
	return e.finish(kindBinaryAck, start, data, namespace, id)
}

// finish closes the array and, if there are attachments, writes the head again, which says so. The
// packet begins at start, its data at data. JSON that a peer sent may look like a placeholder; in
// a packet with attachments clients take it for one.
func (e encoding) finish(binary kind, start, data int, namespace string, id int64) (encoding, error) {
	e.text = append(e.text, ']')
	n := len(e.attachments)
	if n == 0 {
		return e, nil
	}
	if err := checkPlaceholders(e.text[data:], n); err != nil {
		return encoding{}, err
	}
	text := append(make([]byte, 0, len(e.text)+8), e.text[:start]...)
	e.text = append(appendHead(text, binary, n, namespace, id), e.text[data:]...)
	return e, nil
}

// messages returns the packet as messages for any number of sessions. Its text begins with
// engineio.TextPrefix.
func (e *encoding) messages() []*engineio.Message {
	all := make([]*engineio.Message, 1, 1+len(e.attachments))
	all[0] = engineio.PreparePacket(e.text)
	for _, p := range e.attachments {
		all = append(all, engineio.Prepare(true, p))
	}
	return all
}

// size returns how many bytes the packet has.
func (e *encoding) size() int {
	n := len(e.text)
	for _, p := range e.attachments {
		n += len(p)
	}
	return n
}

// buffers has buffers for the text of packets.
var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 512)} }}

type buffer struct{ bytes []byte }

// maxPooled is the largest buffer that is used again, in bytes.
const maxPooled = 32 << 10

// getBuffer returns a buffer with engineio.TextPrefix in it.
func getBuffer() *buffer {
	b := buffers.Get().(*buffer)
	b.bytes = append(b.bytes[:0], engineio.TextPrefix)
	return b
}

// put gives the buffer back; text is what was made in it.
func (b *buffer) put(text []byte) {
	if cap(text) <= maxPooled {
		if cap(text) > cap(b.bytes) {
			b.bytes = text
		}
		buffers.Put(b)
	}
}

// appendArgs appends arguments, with commas between them and, if others are before, before them.
func (e *encoding) appendArgs(args []any, others bool) error {
	for i, arg := range args {
		if spliced, ok := arg.(Args); ok && len(spliced.Raw()) == 0 {
			continue
		}
		if others {
			e.text = append(e.text, ',')
		}
		others = true
		if err := e.append(arg); err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return nil
}

// append appends one argument.
func (e *encoding) append(arg any) (err error) {
	switch v := arg.(type) {
	case Args:
		if first := len(e.attachments); first > 0 && len(v.Attachments()) > 0 {
			e.text = appendRenumbered(e.text, v.Raw(), first)
		} else {
			e.text = append(e.text, v.Raw()...)
		}
		e.attachments = append(e.attachments, v.Attachments()...)
	case []byte:
		e.attach(v)
	case string:
		e.text = appendString(e.text, v)
	case nil:
		e.text = append(e.text, "null"...)
	case bool:
		e.text = strconv.AppendBool(e.text, v)
	case int:
		e.text = strconv.AppendInt(e.text, int64(v), 10)
	case json.RawMessage:
		err = e.appendJSON(v)
	case jsontext.Value:
		err = e.appendJSON(v)
	default:
		err = e.marshal(v)
	}
	return err
}

func (e *encoding) attach(p []byte) {
	e.text = appendPlaceholder(e.text, len(e.attachments))
	e.attachments = append(e.attachments, p)
}

// appendString appends text as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, text string) []byte {
	quoted, _ := jsontext.AppendQuote(dst, text)
	return quoted
}

var errRaw = errors.New("raw JSON that is not valid")

func (e *encoding) appendJSON(raw []byte) error {
	if end := skipValue(raw, 0); end < 0 || skipSpace(raw, end) != len(raw) {
		return errRaw
	}
	e.text = append(e.text, raw...)
	return nil
}

// marshal appends any value as package json encodes it, except that each []byte in it becomes
// an attachment.
func (e *encoding) marshal(v any) error {
	attachments := e.attachments // so that e does not escape
	text, err := jsonv2.Marshal(v, lenient, jsonv2.WithMarshalers(jsonv2.MarshalToFunc(func(to *jsontext.Encoder, p []byte) error {
		attachments = append(attachments, p)
		return to.WriteValue(appendPlaceholder(nil, len(attachments)-1))
	})))
	e.text, e.attachments = append(e.text, text...), attachments
	return err
}
