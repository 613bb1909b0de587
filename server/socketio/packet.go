// Packets: the text of a Socket.IO packet, parsed and encoded.

package socketio

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// kind is the type of a packet: its first character is '0' and the kind.
type kind byte

// The kinds of packets that protocol version 5 has.
const (
	kindConnect kind = iota
	kindDisconnect
	kindEvent
	kindAck
	kindConnectError
	kindBinaryEvent
	kindBinaryAck
)

var kindNames = [...]string{"CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"}

func (k kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// binary reports whether messages with attachments follow the packet.
func (k kind) binary() bool { return k == kindBinaryEvent || k == kindBinaryAck }

const (
	maxNamespace = 256       // bytes of a namespace's name
	maxID        = 1<<53 - 1 // of an acknowledgement: what a number in JavaScript holds exactly
	noID         = -1
)

// packet is a packet whose fields are parts of the message that it was parsed from.
type packet struct {
	kind        kind
	attachments int
	namespace   []byte // with its slash
	id          int64  // noID if the packet has none
	data        []byte // one valid JSON value of the type that the kind demands, or nothing
}

var rootName = []byte("/")

// Errors of parsePacket. A client with a WebSocket is told them as the reason of the close.
var (
	errEmpty       = errors.New("socket.io: an empty packet")
	errAttachments = errors.New("socket.io: no valid number of attachments before a hyphen")
	errNamespace   = errors.New("socket.io: a namespace of more than 256 bytes")
	errID          = errors.New("socket.io: an acknowledgement id above 2^53-1")
	errJSON        = errors.New("socket.io: data that is not valid JSON, or nested more than 64 deep")
	errData        = errors.New("socket.io: data that does not fit the type of the packet")
	errReserved    = errors.New("socket.io: an event with a reserved name")
)

// parsePacket parses the text of a packet. Its attachments, at most maxAttachments, are
// messages of their own.
func parsePacket(p []byte, maxAttachments int) (packet, error) {
	k := packet{namespace: rootName, id: noID}
	if len(p) == 0 {
		return k, errEmpty
	}
	if k.kind = kind(p[0] - '0'); k.kind > kindBinaryAck {
		return k, fmt.Errorf("socket.io: unknown packet type %q", p[:1])
	}
	p = p[1:]
	if k.kind.binary() {
		n, rest, ok := cutNumber(p, int64(maxAttachments))
		if !ok || n < 1 || len(rest) == 0 || rest[0] != '-' {
			return k, errAttachments
		}
		k.attachments, p = int(n), rest[1:]
	}
	var ok bool
	if len(p) > 0 && p[0] == '/' {
		if k.namespace, p, ok = cutNamespace(p); !ok {
			return k, errNamespace
		}
	}
	if len(p) > 0 && isDigit(p[0]) {
		if k.id, p, ok = cutNumber(p, maxID); !ok {
			return k, errID
		}
	}
	k.data = p
	return k, k.checkData()
}

// cutNamespace cuts the name of a namespace off, and its comma if something follows.
func cutNamespace(p []byte) (name, rest []byte, ok bool) {
	name, rest, _ = bytes.Cut(p, []byte{','})
	return name, rest, len(name) <= maxNamespace
}

// cutNumber cuts the digits that p begins with off. It fails if there are none, or if
// the number is above most.
func cutNumber(p []byte, most int64) (n int64, rest []byte, ok bool) {
	i := 0
	for ; i < len(p) && isDigit(p[i]); i++ {
		if n = n*10 + int64(p[i]-'0'); n > most {
			return 0, p, false
		}
	}
	return n, p[i:], i > 0
}

// checkData checks that the data are JSON of the type that the kind demands.
func (k *packet) checkData() error {
	if len(k.data) == 0 {
		if k.kind == kindConnect || k.kind == kindDisconnect {
			return nil
		}
		return errData
	}
	end := skipValue(k.data, 0)
	if end < 0 || skipSpace(k.data, end) != len(k.data) {
		return errJSON
	}
	k.data = k.data[skipSpace(k.data, 0):end]
	fits := false
	switch k.kind {
	case kindConnect:
		fits = k.data[0] == '{'
	case kindConnectError:
		fits = k.data[0] == '{' || k.data[0] == '"'
	case kindEvent, kindBinaryEvent:
		fits = k.data[0] == '['
	case kindAck, kindBinaryAck:
		fits = k.data[0] == '[' && k.id != noID
	}
	if !fits {
		return errData
	}
	return nil
}

// event returns the name of an event's packet and its arguments: the elements of the array
// behind the first, without brackets. The name is a part of the packet where it has no escapes.
func (k *packet) event() (name, args []byte, err error) {
	first := skipSpace(k.data, 1)
	end := skipValue(k.data, first)
	if end < 0 {
		return nil, nil, errData // an empty array
	}
	switch name = k.data[first:end]; {
	case name[0] == '"':
		if name, err = unquote(name); err != nil {
			return nil, nil, err
		}
	case !isDigit(name[0]) && name[0] != '-':
		return nil, nil, errData
	}
	if reserved(name) {
		return nil, nil, errReserved
	}
	if next := skipSpace(k.data, end); k.data[next] == ',' {
		args = elements(k.data, next)
	}
	return name, args, nil
}

// elements returns what is in an array from behind the character at i, its bracket or a comma.
func elements(array []byte, i int) []byte {
	return bytes.TrimSpace(array[i+1 : len(array)-1])
}

// unquote returns the characters of a JSON string.
func unquote(quoted []byte) ([]byte, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil { // half of a surrogate pair
		return nil, errJSON
	}
	return text, nil
}

// reserved reports whether clients and servers give the name another meaning.
func reserved(name []byte) bool {
	switch string(name) {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// appendHead appends what is before the data of a packet.
func appendHead(dst []byte, k kind, attachments int, namespace string, id int64) []byte {
	dst = append(dst, '0'+byte(k))
	if k.binary() {
		dst = append(strconv.AppendInt(dst, int64(attachments), 10), '-')
	}
	if namespace != "/" {
		dst = append(append(dst, namespace...), ',')
	}
	if id != noID {
		dst = strconv.AppendInt(dst, id, 10)
	}
	return dst
}
