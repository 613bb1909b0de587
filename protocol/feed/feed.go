// Package feed reads and writes capture records: which bytes crossed a wire, which side
// sent them, when, and how many were cut or dropped. It does not know what the bytes mean.
// The live feed, the history behind it and capture files have the same records, one after
// another.
//
// A record is little-endian, without padding:
//
//	offset size
//	0      4    size of the whole record in bytes, at most MaxRecordSize
//	4      4    connection: 1, 2, …; 0 in a record of none
//	8      8    time in nanoseconds since the Unix epoch, signed
//	16     1    kind
//	17     1    side: 0 client, 1 server, 2 unknown
//	18     1    flags
//	19     1    0
//	20     …    data
package feed

import (
	"encoding/binary"

	"framescope/protocol"
)

// HeaderSize is the length in bytes of a record without its data.
const HeaderSize = 20

// MaxRecordSize is the longest record that is written or read, in bytes.
const MaxRecordSize = 64 << 20

// UnknownSide is the side of a Closed record if it is not known which side closed.
const UnknownSide protocol.Side = 2

// Kind is the kind of a record.
type Kind uint8

const (
	// Begin starts every feed. Data: 16 bytes of capture id, then a u64, the
	// number of frames captured before the next one.
	Begin Kind = 1
	// Open is a new connection. Data: a u64, the largest message in bytes that
	// the client may send, 0 if not known; then the remote address as text. For a WebSocket
	// over HTTP/2 ", HTTP/2 stream 5" follows, so connections with the same address are streams
	// of one, or ", HTTP/2" if the number is not known.
	Open Kind = 2
	// Head is the head of a handshake as Side sent it. That of HTTP/2 is written as text: a
	// first line such as that of HTTP/1.1, with HTTP/2.0, then all fields, the pseudo-fields first.
	Head Kind = 3
	// Frame is one frame as Side sent it, masked or not as on the wire.
	Frame Kind = 4
	// Closed is the end of a connection; Side ended TCP first. Data: the reason
	// as text, or nothing.
	Closed Kind = 5
	// Lost says that frames are missing here. Data: a u64, how many.
	Lost Kind = 6
	// Known says which connections of a range are still open. Data: two u32, the
	// first and the last id of the range; then the ids of those that are open,
	// ascending, a u32 each. All others in the range have
	// closed. It follows the Open and Head records, marked as Replayed, of those that the
	// reader may not know.
	Known Kind = 7
	// Run is several whole frames as Side sent them, at one time. Data: a u32, how
	// many bytes of each payload are there at most; then the frames, one after
	// another.
	Run Kind = 8
)

// Flags qualify a record.
type Flags uint8

const (
	// Cut: fewer bytes were captured than there were. Data begin with a u64,
	// the true size in bytes on the wire, which Parse gives as WireSize.
	Cut Flags = 1 << iota
	// Partial: the connection ended inside the frame, or its receiver stopped reading it.
	// Cut is set as well. The remainder of the frame is not recorded.
	Partial
	// Replayed: an Open or a Head that is repeated for a reader that came late.
	Replayed
)

// Record is one record, parsed.
type Record struct {
	Data     []byte // aliases the bytes it was parsed from
	WireSize uint64 // bytes on the wire: len(Data), or more for a Cut record
	Time     int64  // ns since the Unix epoch
	Conn     uint32
	Kind     Kind
	Side     protocol.Side
	Flags    Flags
}

type parseError string

func (e parseError) Error() string { return string(e) }

const (
	errSize = parseError("feed: a record's size is out of bounds: the capture is broken")
	errKind = parseError("feed: a record is of unknown kind: the capture is broken or from a newer version")
	errCut  = parseError("feed: a cut record lacks its true size: the capture is broken")
)

// Append appends r. WireSize is written only for a Cut record.
func Append(dst []byte, r Record) []byte { return r.Append(dst) }

// Append is the function Append without a copy of the record.
func (r *Record) Append(dst []byte) []byte {
	size := HeaderSize + len(r.Data)
	if r.Flags&Cut != 0 {
		size += 8
	}
	dst, b := grow(dst, size)
	r.PutHeader(b)
	b = b[HeaderSize:]
	if r.Flags&Cut != 0 {
		binary.LittleEndian.PutUint64(b, r.WireSize)
		b = b[8:]
	}
	copy(b, r.Data)
	return dst
}

// grow appends size bytes for a record to be written to.
func grow(dst []byte, size int) (grown, room []byte) {
	at := len(dst)
	if cap(dst)-at < size {
		dst = append(dst, make([]byte, size)...)
	}
	dst = dst[:at+size]
	return dst, dst[at:]
}

// PutHeader writes the header of a record that is as long as b.
func (r *Record) PutHeader(b []byte) {
	binary.LittleEndian.PutUint32(b[0:4], uint32(len(b)))
	binary.LittleEndian.PutUint32(b[4:8], r.Conn)
	binary.LittleEndian.PutUint64(b[8:16], uint64(r.Time))
	binary.LittleEndian.PutUint32(b[16:20], uint32(r.Kind)|uint32(r.Side)<<8|uint32(r.Flags)<<16)
}

// WholeFrame is Parse for the most frequent record: a Frame without flags. n is 0 if b begins
// with any other, or with none.
func WholeFrame(b []byte) (frame []byte, conn uint32, side protocol.Side, n int) {
	if len(b) < HeaderSize {
		return nil, 0, 0, 0
	}
	kind := binary.LittleEndian.Uint32(b[16:20])
	size := int(binary.LittleEndian.Uint32(b))
	if kind&^(1<<8) != uint32(Frame) || size < HeaderSize || size > len(b) {
		return nil, 0, 0, 0
	}
	return b[HeaderSize:size], binary.LittleEndian.Uint32(b[4:8]), protocol.Side(kind >> 8), size
}

// Parse reads the record that b begins with and how many bytes it takes. n is 0
// without an error when b ends before the record does.
func Parse(b []byte) (r Record, n int, err error) {
	n, err = r.Parse(b)
	return r, n, err
}

// Parse is the function Parse in place, for a reader of millions: it spares the
// copy. Without a record r is as it was.
func (r *Record) Parse(b []byte) (n int, err error) {
	if len(b) < HeaderSize {
		return 0, nil
	}
	size := binary.LittleEndian.Uint32(b)
	if size < HeaderSize || size > MaxRecordSize {
		return 0, errSize
	}
	if uint64(size) > uint64(len(b)) {
		return 0, nil
	}
	b = b[:size]
	kind, flags := Kind(b[16]), Flags(b[18])
	if kind < Begin || kind > Run {
		return 0, errKind
	}
	data := b[HeaderSize:]
	wireSize := uint64(len(data))
	if flags&Cut != 0 {
		if len(data) < 8 {
			return 0, errCut
		}
		wireSize = binary.LittleEndian.Uint64(data)
		data = data[8:]
	}
	r.Data = data
	r.WireSize = wireSize
	r.Time = int64(binary.LittleEndian.Uint64(b[8:16]))
	r.Conn = binary.LittleEndian.Uint32(b[4:8])
	r.Kind, r.Side, r.Flags = kind, protocol.Side(b[17]), flags
	return int(size), nil
}
