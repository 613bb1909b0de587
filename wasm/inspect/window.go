// Windows: the few rows that a list shows, as columns side by side.

package inspect

import (
	"framescope/protocol"
	"framescope/protocol/feed"
)

// How many rows a window has.
const (
	RowWindowSize  = 512
	ConnWindowSize = 256
)

// RowWindow is a part of the filtered list, one array for each column. The page
// reads it in place.
type RowWindow struct {
	Seq        [RowWindowSize]uint64 // number of the frame in the capture
	Time       [RowWindowSize]int64  // ns since the Unix epoch
	Length     [RowWindowSize]uint64 // payload length as on the wire
	Conn       [RowWindowSize]uint32
	Broken     [RowWindowSize]uint32 // one bit a rule
	Start      [RowWindowSize]uint32 // how many frames ago the message began
	TextOffset [RowWindowSize]uint32 // of the preview in Text
	Fragment   [RowWindowSize]uint16 // number of the fragment; 0 for a whole message
	Code       [RowWindowSize]uint16 // close code; 0 for none
	TextLength [RowWindowSize]uint16 // of the preview in bytes
	Opcode     [RowWindowSize]uint8
	RSV        [RowWindowSize]uint8
	Flags      [RowWindowSize]uint8 // 1 FIN, 2 masked, 4 from the server, 8 cut, 16 partial, 32 text, 64 compressed, 128 not to be inflated
	Rule       [RowWindowSize]uint8 // the first broken rule plus one; 0 for none
	Text       [RowWindowSize * previewSize]uint8
}

// ConnWindow is a part of the list of connections, newest first.
type ConnWindow struct {
	Opened     [ConnWindowSize]int64 // ns since the Unix epoch
	Ended      [ConnWindowSize]int64 // 0 while open
	BytesIn    [ConnWindowSize]uint64
	BytesOut   [ConnWindowSize]uint64
	ID         [ConnWindowSize]uint32
	FramesIn   [ConnWindowSize]uint32 // from the client
	FramesOut  [ConnWindowSize]uint32 // from the server
	Breaches   [ConnWindowSize]uint32 // frames that break a rule
	TextOffset [ConnWindowSize]uint32 // of the path in Text
	Status     [ConnWindowSize]uint16 // of the answer; 0 for none
	Code       [ConnWindowSize]uint16 // of the first close frame; 0 for none
	TextLength [ConnWindowSize]uint16
	Remote     [ConnWindowSize]uint16 // length of the remote address, which is before the path in Text
	State      [ConnWindowSize]uint8  // 0 handshake, 1 open, 2 closed, 3 refused
	Closer     [ConnWindowSize]uint8  // who closed first: 0 client, 1 server, 2 unknown
	Text       [ConnWindowSize * (maxRemote + pathSize)]uint8
}

// pathSize is how many bytes of a path the connection window shows.
const pathSize = 256

// Rows fills the row window with the filtered list from a position on and
// returns how many rows there are in it, at most count.
func (in *Inspector) Rows(first, count int) int {
	total := int(in.matched())
	first = min(max(first, 0), total)
	count = min(max(count, 0), RowWindowSize, total-first)
	text := 0
	for i := range count {
		text += in.showRow(i, in.rowIndex(first+i), text)
	}
	return count
}

// showRow writes one row of the window and returns the length of its preview.
func (in *Inspector) showRow(i int, index uint64, text int) int {
	w, row := &in.rowWindow, in.rows.at(index)
	r := in.record(row)
	h, _ := protocol.ParseHeader(r.Data)
	w.Seq[i] = in.seqOf(index)
	w.Time[i] = r.Time
	w.Length[i] = h.PayloadLength
	w.Conn[i] = row.conn
	w.Broken[i] = uint32(row.broken)
	w.Start[i] = row.back
	w.Fragment[i] = row.fragment
	w.Code[i] = row.code
	w.Opcode[i] = uint8(row.opcode)
	w.RSV[i] = h.RSV
	w.Flags[i] = uint8(row.flags)
	w.Rule[i] = 0
	if rule, ok := row.broken.First(); ok {
		w.Rule[i] = uint8(rule) + 1
	}
	in.preview = in.appendPreview(in.preview[:0], row, index, &r)
	n := copy(w.Text[text:], in.preview)
	w.TextOffset[i], w.TextLength[i] = uint32(text), uint16(n)
	return n
}

// Connections fills the connection window, newest first, and returns how many
// there are in it, at most count.
func (in *Inspector) Connections(first, count int) int {
	all := &in.conns.all
	first = min(max(first, 0), all.length)
	count = min(max(count, 0), ConnWindowSize, all.length-first)
	c := all.last
	for range first {
		c = all.before(c)
	}
	text := 0
	for i := range count {
		text += in.showConn(i, c, text)
		c = all.before(c)
	}
	return count
}

// showConn writes one row of the window and returns the length of its text.
func (in *Inspector) showConn(i int, c *conn, text int) int {
	w := &in.connWindow
	client, server := &c.sent[protocol.Client], &c.sent[protocol.Server]
	w.Opened[i], w.Ended[i] = c.opened, c.ended
	w.BytesIn[i], w.BytesOut[i] = client.bytes, server.bytes
	w.ID[i] = c.id
	w.FramesIn[i], w.FramesOut[i] = client.frames, server.frames
	w.Breaches[i] = c.breach
	w.Status[i], w.Code[i] = c.status, c.code
	w.State[i], w.Closer[i] = uint8(c.state), uint8(c.closer)
	n := copy(w.Text[text:], c.remote)
	m := copy(w.Text[text+n:], c.path)
	w.Remote[i], w.TextOffset[i], w.TextLength[i] = uint16(n), uint32(text+n), uint16(m)
	return n + m
}

// RowWindow and ConnWindow are where Rows and Connections write.
func (in *Inspector) RowWindow() *RowWindow   { return &in.rowWindow }
func (in *Inspector) ConnWindow() *ConnWindow { return &in.connWindow }

// payloadOf returns the captured payload of a frame, as on the wire.
func payloadOf(r *feed.Record) (h protocol.Header, payload []byte) {
	h, n := protocol.ParseHeader(r.Data)
	if n == 0 {
		return h, nil
	}
	payload = r.Data[n:]
	if uint64(len(payload)) > h.PayloadLength {
		payload = payload[:h.PayloadLength]
	}
	return h, payload
}

// unmasked appends at most limit bytes of a payload, unmasked.
func unmasked(dst []byte, h protocol.Header, payload []byte, limit int) []byte {
	n := len(dst)
	dst = append(dst, payload[:min(len(payload), limit)]...)
	if h.Masked {
		protocol.Mask(h.MaskingKey, 0, dst[n:])
	}
	return dst
}
