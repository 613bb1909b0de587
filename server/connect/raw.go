// The frames of the connection, printed for --raw.

package connect

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"sync"

	"framescope/protocol"
	"framescope/server/decode"
)

// shownPayload is how much of a frame's payload is shown, in bytes.
const shownPayload = 64

// frameLogger is a connection that prints the frames that it reads and writes.
type frameLogger struct {
	net.Conn
	notes *lines

	mu   sync.Mutex
	sent direction
	got  direction
}

// direction is the bytes of one side: a head, and then frames.
type direction struct {
	head   []byte
	stream *decode.Stream // nil until the head is complete
	over   bool           // no frames follow, since the server has refused the handshake
}

func (t *terminal) logFrames(nc net.Conn) *frameLogger {
	return &frameLogger{Conn: nc, notes: t.notes}
}

// showHTTP2 shows the heads of a handshake over HTTP/2, which the logger has not seen; it is nil if
// there is no connection. Frames follow.
func (t *terminal) showHTTP2(l *frameLogger, response *http.Response) {
	if l == nil {
		l = t.logFrames(nil)
	}
	r := response.Request
	l.show(&l.sent, protocol.Client, protocol.AppendConnectHead(nil, r.URL.Scheme, r.Host, r.URL.RequestURI(), r.Header))
	l.show(&l.got, protocol.Server, protocol.AppendConnectAnswer(nil, response.StatusCode, response.Header))
}

func (l *frameLogger) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.show(&l.got, protocol.Server, b[:n])
	return n, err
}

func (l *frameLogger) Write(b []byte) (int, error) {
	l.show(&l.sent, protocol.Client, b)
	return l.Conn.Write(b)
}

// show decodes a copy of b.
func (l *frameLogger) show(d *direction, from protocol.Side, b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b = bytes.Clone(b)
	for d.stream == nil && !d.over {
		d.head = append(d.head, b...)
		h, n := protocol.ParseHead(d.head)
		if n == 0 {
			return
		}
		b, d.head = d.head[n:], d.head[:n:n]
		l.noteHead(d.head, from)
		if from == protocol.Server && protocol.Interim(protocol.StatusOf(h)) {
			d.head = nil // another head follows
			continue
		}
		if d.over = from == protocol.Server && !protocol.Accepts(protocol.StatusOf(h), protocol.RawHead(l.sent.head)); !d.over {
			l.begin(d, from)
		}
	}
	if !d.over {
		_ = d.stream.Decode(b) // its printer never fails
	}
}

// arrows mark the side that sent a line or a frame.
var arrows = map[protocol.Side]string{protocol.Client: "> ", protocol.Server: "< "}

func (l *frameLogger) noteHead(head []byte, from protocol.Side) {
	for line := range strings.SplitSeq(strings.TrimSpace(string(head)), "\n") {
		l.notes.linef("%s%s", arrows[from], strings.TrimSpace(line))
	}
}

// begin is called at the end of the head that frames follow.
func (l *frameLogger) begin(d *direction, from protocol.Side) {
	var text bytes.Buffer
	p := decode.NewPrinter(&text, false)
	p.Label = arrows[from]
	d.stream = decode.NewStream(from, shownPayload, func(f *decode.Frame) error {
		text.Reset()
		err := p.Frame(f)
		l.notes.write(text.Bytes())
		return err
	})
	if from == protocol.Server {
		request, _ := protocol.ParseHead(l.sent.head)
		response, _ := protocol.ParseHead(d.head)
		deflate, _ := protocol.AgreedDeflate(request, response)
		d.stream.Decoder.Deflate = deflate
		if l.sent.stream != nil {
			l.sent.stream.Decoder.Deflate = deflate
		}
	}
}
