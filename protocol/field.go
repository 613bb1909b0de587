// The fields of a header, as in the RFC's figure.

package protocol

// Field is one field of a frame header: its place and its value.
type Field struct {
	Name  string // fin, rsv1, rsv2, rsv3, opcode, mask, payload-len, extended-length, masking-key
	Bit   int    // offset of its first bit in the header
	Bits  int    // its width
	Value uint64 // its bits, most significant first
}

// AppendFields appends the fields of h in the order of the wire (RFC 6455 5.2).
// extended-length and masking-key are there only when the header has them.
func AppendFields(dst []Field, h Header) []Field {
	l := fieldList{fields: dst}
	l.add("fin", 1, boolBit(h.Fin))
	l.add("rsv1", 1, uint64(h.RSV>>2&1))
	l.add("rsv2", 1, uint64(h.RSV>>1&1))
	l.add("rsv3", 1, uint64(h.RSV&1))
	l.add("opcode", 4, uint64(h.Opcode&0xF))
	l.add("mask", 1, boolBit(h.Masked))
	switch h.lengthBytes() {
	case 0:
		l.add("payload-len", 7, h.PayloadLength)
	case 2:
		l.add("payload-len", 7, length16)
		l.add("extended-length", 16, h.PayloadLength)
	default:
		l.add("payload-len", 7, length64)
		l.add("extended-length", 64, h.PayloadLength)
	}
	if h.Masked {
		l.add("masking-key", 32, uint64(h.MaskingKey))
	}
	return l.fields
}

// fieldList is built one by one, each behind the one before.
type fieldList struct {
	fields []Field
	bit    int
}

//go:noinline
func (l *fieldList) add(name string, bits int, value uint64) {
	l.fields = append(l.fields, Field{name, l.bit, bits, value})
	l.bit += bits
}

func boolBit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
