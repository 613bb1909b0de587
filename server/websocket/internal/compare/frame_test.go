// Frames by hand: what the test sends, legal or not, and the strict reading of
// what comes back.

package compare_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// role is the end of the connection that is put to the test; the test is the other.
type role int

const (
	server role = iota
	client
)

var roles = []role{server, client}

func (r role) String() string { return [...]string{"server", "client"}[r] }

// The bits and opcodes of a frame's first two bytes (RFC 6455 5.2).
const (
	fin  = 0x80
	rsv1 = 0x40
	rsv2 = 0x20
	rsv3 = 0x10
	mask = 0x80

	continuation = 0x0
	text         = 0x1
	binaryData   = 0x2
	closing      = 0x8
	ping         = 0x9
	pong         = 0xA
)

func control(op byte) bool { return op&0x8 != 0 }

// key is the masking key of all frames that the test sends, that of RFC 6455 5.7.
var key = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// appendFrame appends a well-formed frame to one in role r: masked for a server,
// its length in the fewest bytes. first is the header's first byte.
func appendFrame(b []byte, r role, first byte, payload string) []byte {
	form := 0
	switch {
	case len(payload) > 0xFFFF:
		form = 8
	case len(payload) > 125:
		form = 2
	}
	b = appendHeader(b, first, r == server, form, uint64(len(payload)))
	return appendPayload(b, r == server, payload)
}

// appendHeader appends a header with its length in 7 bits (form 0), 2 or 8 bytes.
func appendHeader(b []byte, first byte, masked bool, form int, length uint64) []byte {
	second := byte(length)
	switch form {
	case 2:
		second = 126
	case 8:
		second = 127
	}
	if masked {
		second |= mask
	}
	b = append(b, first, second)
	switch form {
	case 2:
		b = binary.BigEndian.AppendUint16(b, uint16(length))
	case 8:
		b = binary.BigEndian.AppendUint64(b, length)
	}
	return b
}

// appendPayload appends the masking key, if masked, and the payload.
func appendPayload(b []byte, masked bool, payload string) []byte {
	if !masked {
		return append(b, payload...)
	}
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

// closePayload is the payload of a close frame.
func closePayload(code int, reason string) string {
	return string([]byte{byte(code >> 8), byte(code)}) + reason
}

// header is a frame header as it stood on the wire.
type header struct {
	fin    bool
	rsv    byte
	op     byte
	masked bool
	form   int // bytes of extended length: 0, 2 or 8
	length uint64
	key    [4]byte
	size   int // bytes of the header
}

// readHeader takes the header at the start of b apart, if all of it is there.
func readHeader(b []byte) (h header, whole bool) {
	if len(b) < 2 {
		return h, false
	}
	h = header{fin: b[0]&fin != 0, rsv: b[0] >> 4 & 7, op: b[0] & 15, masked: b[1]&mask != 0, length: uint64(b[1] &^ mask)}
	h.form = map[uint64]int{126: 2, 127: 8}[h.length]
	h.size = 2 + h.form
	if h.masked {
		h.size += 4
	}
	if len(b) < h.size {
		return h, false
	}
	switch h.form {
	case 2:
		h.length = uint64(binary.BigEndian.Uint16(b[2:]))
	case 8:
		h.length = binary.BigEndian.Uint64(b[2:])
	}
	if h.masked {
		h.key = [4]byte(b[h.size-4:])
	}
	return h, true
}

// answer is a message or control frame that came back.
type answer struct {
	op      byte
	payload []byte
}

// String is short even if the payload is not, and differs when payloads do.
func (a answer) String() string {
	name := map[byte]string{text: "text", binaryData: "binary", pong: "pong"}[a.op]
	if len(a.payload) > 24 {
		return fmt.Sprintf("%s of %d bytes, CRC %08x", name, len(a.payload), crc32.ChecksumIEEE(a.payload))
	}
	return fmt.Sprintf("%s %q", name, a.payload)
}

// readAnswer reads the next message or control frame that one in role r sends. A
// library's own frames must be in order, else the comparison ends there.
func readAnswer(in *bufio.Reader, r role) (a answer, err error) {
	for {
		h, payload, err := readFrame(in, r)
		switch {
		case err != nil:
			return a, err
		case control(h.op):
			return answer{h.op, payload}, nil
		case h.op != continuation:
			a.op = h.op
		}
		a.payload = append(a.payload, payload...)
		if h.fin {
			return a, nil
		}
	}
}

func readFrame(in *bufio.Reader, r role) (h header, payload []byte, err error) {
	if _, err = in.Peek(1); err != nil {
		return h, nil, err
	}
	whole := false
	for n := 2; !whole; n++ {
		b, err := in.Peek(n)
		if err != nil {
			return h, nil, fmt.Errorf("inside a header: %w", err)
		}
		h, whole = readHeader(b)
	}
	in.Discard(h.size)
	if h.masked != (r == client) || h.rsv != 0 || h.form == 2 && h.length < 126 || h.form == 8 && h.length <= 0xFFFF {
		return h, nil, fmt.Errorf("a malformed header came back: %+v", h)
	}
	payload = make([]byte, h.length)
	if _, err = io.ReadFull(in, payload); err != nil {
		return h, nil, errors.Join(errors.New("inside a payload"), err)
	}
	if h.masked {
		for i := range payload {
			payload[i] ^= h.key[i%4]
		}
	}
	return h, payload, nil
}
