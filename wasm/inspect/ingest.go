// Ingesting records: what each kind of them changes.

package inspect

import (
	"encoding/binary"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// Ingest adds the batch of whole records that was written to [Inspector.Input].
// At a malformed record it stops; what came before it is kept.
func (in *Inspector) Ingest() error {
	s := in.slabs.last()
	if s == nil {
		return nil
	}
	batch := in.input
	number, at := in.slabs.lastNumber(), len(s.data)
	s.data = s.data[:at+len(batch)]
	in.input = nil
	var r feed.Record
	for len(batch) > 0 {
		if taken := in.knownFrames(batch, number, at); taken > 0 {
			batch = batch[taken:]
			at += taken
			continue
		}
		n, err := r.Parse(batch)
		if err == nil && n == 0 {
			err = errCutRecord
		}
		if err != nil {
			s.data = s.data[:at]
			return err
		}
		place := place{slab: number, at: uint32(at)}
		batch = batch[n:]
		at += n
		if len(in.conns.ranges) > 0 && in.conns.isBehindList(&r) {
			in.conns.endList()
		}
		switch r.Kind {
		case feed.Frame:
			in.frame(&r, place)
		case feed.Run:
			if err := in.run(&r, place); err != nil {
				s.data = s.data[:at]
				return err
			}
		default:
			in.other(&r)
		}
	}
	in.conns.endList()
	in.evict()
	return nil
}

// knownFrames adds the frames that a batch begins with, as long as each needs nothing but a
// row: see [protocol.Decoder.JudgeKnown]. It returns the size of their records. This takes a
// third of the time that the general path takes.
func (in *Inspector) knownFrames(batch []byte, slab uint32, at int) (taken int) {
	c := in.conns.recent
	if c == nil || c.losses != in.conns.losses || len(in.conns.ranges) > 0 {
		return 0
	}
	before := in.rows.next
	for {
		frame, wire, side, n := feed.WholeFrame(batch[taken:])
		if n == 0 || wire != c.wire {
			break
		}
		d := &c.sent[side&1]
		op, ok := d.decoder.JudgeKnown(frame)
		if !ok {
			break
		}
		flags := flagFin | rowFlags(side&1)*flagServer
		if d.decoder.Masked() {
			flags |= flagMasked
		}
		if op == protocol.OpText {
			flags |= flagText
		}
		w := in.rows.add()
		*w = row{slab: slab, at: uint32(at + taken), conn: c.id, opcode: op, flags: flags}
		d.frames++
		d.bytes += uint64(len(frame))
		taken += n
		in.matches.offer(w, in.rows.next-1)
	}
	n := in.rows.next - before
	c.last = in.rows.next
	in.ordinal += n
	in.State.Seen += n
	in.State.LastSeq = in.offset + in.ordinal
	return taken
}

// run adds the frames of a run. At a malformed one it stops.
func (in *Inspector) run(r *feed.Record, place place) error {
	var f feed.Record
	for at := feed.RunHeader; at < len(r.Data); {
		next, err := r.FrameAt(at, &f)
		if err != nil {
			return err
		}
		if place.within = uint16(at); at > feed.MaxRun {
			return errLongRun
		}
		in.frame(&f, place)
		at = next
	}
	return nil
}

type ingestError string

func (e ingestError) Error() string { return string(e) }

const (
	errCutRecord = ingestError("inspect: the batch ends inside a record")
	errLongRun   = ingestError("inspect: a run of frames is longer than one can be: the capture is broken")
)

// other applies a record that is not a frame.
func (in *Inspector) other(r *feed.Record) {
	switch r.Kind {
	case feed.Begin:
		in.begin(r.Data)
	case feed.Open:
		in.openConn(r)
	case feed.Head:
		in.head(r)
	case feed.Closed:
		in.closed(r)
	case feed.Lost:
		if len(r.Data) >= 8 {
			in.lose(binary.LittleEndian.Uint64(r.Data))
		}
	case feed.Known:
		in.conns.list(r)
	}
}

func (in *Inspector) closed(r *feed.Record) {
	c := in.conns.find(r.Conn)
	if c == nil {
		return // forgotten, or never known: it is not shown
	}
	if c.closer == sideUnknown {
		c.closer = r.Side
	}
	in.conns.close(c, r.Time)
}

// begin starts or resumes a capture. The record has its id and how many frames came before.
func (in *Inspector) begin(data []byte) {
	if len(data) < 24 {
		return
	}
	id, before := [16]byte(data), binary.LittleEndian.Uint64(data[16:])
	if !in.begun || id != in.capture {
		in.conns.restart()
		in.capture, in.begun = id, true
		in.offset, in.ordinal = in.State.LastSeq, 0
	}
	if before > in.ordinal {
		in.lose(before - in.ordinal)
	}
}

func (in *Inspector) openConn(r *feed.Record) {
	c := in.conns.opened(r.Conn)
	c.opened = r.Time
	if r.Flags&feed.Replayed == 0 && c.last == 0 {
		c.begin()
	}
	if len(r.Data) >= 8 {
		c.sent[protocol.Client].decoder.MaxMessageSize = binary.LittleEndian.Uint64(r.Data)
		remote := r.Data[8:]
		c.remote = append(c.remote[:0], remote[:min(len(remote), maxRemote)]...)
	}
}

// head keeps the head of a handshake, unless it has that head already.
func (in *Inspector) head(r *feed.Record) {
	c := in.conns.of(r.Conn)
	if c == nil {
		return
	}
	d := &c.sent[r.Side&1]
	if d.hasHead {
		return
	}
	d.hasHead = true
	in.conns.keepHead(c, r.Side&1, r.Data[:min(len(r.Data), maxHead)])
	in.garbage += len(d.head) // parsing leaves at most as much garbage
	switch line := (protocol.Head{StartLine: c.head(r.Side & 1).StartLine()}); {
	case line.StartLine == "":
	case r.Side == protocol.Client:
		_, path := protocol.RequestOf(line)
		c.path = append(c.path[:0], path[:min(len(path), pathSize)]...)
	default:
		c.status = uint16(protocol.StatusOf(line))
		in.answered(c, r)
	}
	in.conns.forgetHeads(in.budget / 8)
}

// answered applies the server's response r.
func (in *Inspector) answered(c *conn, r *feed.Record) {
	accepted := protocol.Accepts(int(c.status), c.head(protocol.Client))
	if accepted {
		if deflate, ok := protocol.AgreedDeflate(c.head(protocol.Client), c.head(protocol.Server)); ok {
			c.agree(deflate, r.Flags&feed.Replayed != 0)
		}
	}
	switch {
	case c.state != connHandshake:
	case accepted:
		c.state = connOpen
	default:
		c.state = connRefused
		in.conns.close(c, r.Time)
	}
}

// maxLost is the largest number that lost frames may lead to, so that no sum overflows.
const maxLost = 1 << 62

// lose counts frames that were never received: from here on it is not known which message
// of any connection is incomplete.
func (in *Inspector) lose(n uint64) {
	n = min(n, maxLost-min(in.State.LastSeq, maxLost)) // even if the capture is wrong
	in.ordinal += n
	in.State.Lost += n
	in.State.LastSeq = in.offset + in.ordinal
	if last := len(in.skips) - 1; last >= 0 && in.skips[last].row == in.rows.next {
		in.skips = in.skips[:last]
	}
	in.skips = append(in.skips, skip{in.rows.next, in.State.LastSeq - in.rows.next})
	in.conns.losses++
}
