// The frame header: parse, append, size.

package protocol

import "encoding/binary"

// MaxHeaderSize is the longest header in bytes: two, eight of extended length,
// four of masking key.
const MaxHeaderSize = 14

// MaxControlPayload is the longest payload of a control frame in bytes
// (RFC 6455 5.5).
const MaxControlPayload = 125

// The reserved bits in [Header.RSV].
const (
	RSV1 = 4
	RSV2 = 2
	RSV3 = 1
)

const (
	finBit     = 0x80
	maskBit    = 0x80
	length16   = 126
	length64   = 127
	highBit    = 1 << 63
	minLength2 = 126     // the smallest length that needs two bytes more
	minLength8 = 1 << 16 // the smallest length that needs eight
)

// Header is a frame header as it was sent, legal or not.
type Header struct {
	// PayloadLength is the declared payload length in bytes, all 64 bits of it.
	PayloadLength uint64
	// MaskingKey is the 32-bit value of the wire, first byte highest (RFC 6455
	// 5.3); zero unless Masked.
	MaskingKey uint32
	// LengthBytes is how many bytes of extended length follow the first two:
	// 0, 2 or 8. Zero, when appending, means the shortest form that fits.
	LengthBytes uint8
	Opcode      Opcode
	// RSV holds the three reserved bits, RSV1 as the highest: 0 to 7.
	RSV    uint8
	Fin    bool
	Masked bool
}

// ParseHeader reads the header that b begins with and returns its length. n is 0 if b
// ends inside the header. It never fails: a [Decoder] reports the rules that a header
// breaks, and AppendHeader writes back the same bytes.
func ParseHeader(b []byte) (h Header, n int) {
	n = h.parse(b)
	return h, n
}

// parse is ParseHeader in place: a header is too large for registers, and copying one
// that has just been written stalls longer than parsing takes. If n is 0, h is
// unchanged.
func (h *Header) parse(b []byte) (n int) {
	n, length := ScanHeader(b)
	if n == 0 {
		return 0
	}
	// RFC 6455 5.2: FIN, RSV1 to RSV3 and the opcode.
	b0 := b[0]
	h.Fin = b0&finBit != 0
	h.RSV = b0 >> 4 & 7
	h.Opcode = Opcode(b0 & 0xF)
	h.PayloadLength = length
	if h.Masked = b[1]&maskBit != 0; h.Masked {
		h.MaskingKey = binary.BigEndian.Uint32(b[n-4 : n])
		h.LengthBytes = uint8(n - 6)
	} else {
		h.MaskingKey = 0
		h.LengthBytes = uint8(n - 2)
	}
	return n
}

// ScanHeader returns only the length of a header and of the payload after it: enough to
// go from frame to frame. n is 0 if b ends inside the header.
func ScanHeader(b []byte) (n int, payloadLength uint64) {
	if len(b) < 2 {
		return 0, 0
	}
	// RFC 6455 5.2: MASK and the payload length in its three forms.
	b1 := b[1]
	n, payloadLength = 2, uint64(b1&0x7F)
	switch payloadLength {
	case length16:
		if len(b) < 4 {
			return 0, 0
		}
		n, payloadLength = 4, uint64(binary.BigEndian.Uint16(b[2:4]))
	case length64:
		if len(b) < 10 {
			return 0, 0
		}
		n, payloadLength = 10, binary.BigEndian.Uint64(b[2:10])
	}
	n += int(b1&maskBit) >> 5 // four bytes of masking key
	if len(b) < n {
		return 0, 0
	}
	return n, payloadLength
}

// AppendHeader appends h as it is sent.
func AppendHeader(dst []byte, h Header) []byte {
	b0 := h.RSV&7<<4 | uint8(h.Opcode&0xF)
	if h.Fin {
		b0 |= finBit
	}
	var b1 uint8
	if h.Masked {
		b1 = maskBit
	}
	switch h.lengthBytes() {
	case 0:
		dst = append(dst, b0, b1|uint8(h.PayloadLength))
	case 2:
		dst = append(dst, b0, b1|length16, byte(h.PayloadLength>>8), byte(h.PayloadLength))
	default:
		dst = append(dst, b0, b1|length64)
		dst = binary.BigEndian.AppendUint64(dst, h.PayloadLength)
	}
	if h.Masked {
		dst = binary.BigEndian.AppendUint32(dst, h.MaskingKey)
	}
	return dst
}

// Size is the length of the header in bytes as AppendHeader writes it.
func (h Header) Size() int {
	n := 2 + int(h.lengthBytes())
	if h.Masked {
		n += 4
	}
	return n
}

// lengthBytes returns how many bytes of extended length to write: as many as the header
// asks for, or more if the length needs them.
func (h *Header) lengthBytes() uint8 {
	switch {
	case h.LengthBytes > 2 || h.PayloadLength >= minLength8:
		return 8
	case h.LengthBytes > 0 || h.PayloadLength >= minLength2:
		return 2
	}
	return 0
}
