// The connection's frames as they pass, for --raw.

package connect

import (
	"bytes"
	"net"
	"strings"
	"sync"

	"framescope/protocol"
	"framescope/server/decode"
)

// shownPayload is how much of a frame's payload is shown, in bytes.
const shownPayload = 64

// watched is a connection whose frames are printed.
type watched struct {
	net.Conn
	notes *lines

	mu   sync.Mutex
	sent direction
	got  direction
}

// direction is what one side sends: a head, and then frames.
type direction struct {
	head   []byte
	stream *decode.Stream // nil while the head is not whole
	over   bool           // what comes are no frames: the server has refused
}

func (t *terminal) watch(nc net.Conn) net.Conn {
	return &watched{Conn: nc, notes: t.notes}
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.show(&w.got, protocol.Server, b[:n])
	return n, err
}

func (w *watched) Write(b []byte) (int, error) {
	w.show(&w.sent, protocol.Client, b)
	return w.Conn.Write(b)
}

// show decodes a copy of what passes.
func (w *watched) show(d *direction, from protocol.Side, b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b = bytes.Clone(b)
	for d.stream == nil && !d.over {
		d.head = append(d.head, b...)
		h, n := protocol.ParseHead(d.head)
		if n == 0 {
			return
		}
		b, d.head = d.head[n:], d.head[:n:n]
		w.noteHead(d.head, from)
		if from == protocol.Server && protocol.Interim(protocol.StatusOf(h)) {
			d.head = nil // another one follows
			continue
		}
		if d.over = from == protocol.Server && protocol.StatusOf(h) != 101; !d.over {
			w.begin(d, from)
		}
	}
	if !d.over {
		_ = d.stream.Take(b) // its printer never fails
	}
}

// arrows say who sent something.
var arrows = map[protocol.Side]string{protocol.Client: "> ", protocol.Server: "< "}

func (w *watched) noteHead(head []byte, from protocol.Side) {
	for line := range strings.SplitSeq(strings.TrimSpace(string(head)), "\n") {
		w.notes.linef("%s%s", arrows[from], strings.TrimSpace(line))
	}
}

// begin is at the end of the head that frames follow.
func (w *watched) begin(d *direction, from protocol.Side) {
	var text bytes.Buffer
	p := decode.NewPrinter(&text, false)
	p.Label = arrows[from]
	d.stream = decode.NewStream(from, shownPayload, func(f *decode.Frame) error {
		text.Reset()
		err := p.Frame(f)
		w.notes.write(text.Bytes())
		return err
	})
	if from == protocol.Server {
		request, _ := protocol.ParseHead(w.sent.head)
		response, _ := protocol.ParseHead(d.head)
		deflate, _ := protocol.AgreedDeflate(request, response)
		d.stream.Decoder.Deflate = deflate
		if w.sent.stream != nil {
			w.sent.stream.Decoder.Deflate = deflate
		}
	}
}
