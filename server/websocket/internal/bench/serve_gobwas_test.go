// gobwas/ws: upgraded without net/http, which is what the library is for; its
// readers and headers, and buffers of our own.

package bench

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"unicode/utf8"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"
	"github.com/klauspost/compress/flate"
)

func serveGobwas(l net.Listener) error {
	var all crowd[net.Conn]
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer nc.Close()
			path, err := gobwasUpgrade(nc)
			if err != nil {
				return
			}
			switch path {
			case "/fanout":
				gobwasFanOut(nc, &all)
			case "/idle":
				// Without a read buffer: for little memory rather than few reads.
				newGobwas(nc, nc, false).echo()
			default:
				newGobwas(nc, bufio.NewReader(nc), path == "/deflate").echo()
			}
		}()
	}
}

func gobwasUpgrade(nc net.Conn) (path string, err error) {
	deflate := wsflate.Extension{Parameters: wsflate.Parameters{ServerNoContextTakeover: true, ClientNoContextTakeover: true}}
	upgrader := ws.Upgrader{
		OnRequest: func(uri []byte) error { path = string(uri); return nil },
		Negotiate: func(o httphead.Option) (httphead.Option, error) {
			if path == "/deflate" {
				return deflate.Negotiate(o)
			}
			return httphead.Option{}, nil
		},
	}
	_, err = upgrader.Upgrade(nc)
	return path, err
}

// gobwas is one connection.
type gobwas struct {
	nc      net.Conn
	reader  wsutil.Reader
	control wsutil.FrameHandlerFunc
	state   wsflate.MessageState
}

var errNotUTF8 = errors.New("text is no UTF-8")

func newGobwas(nc net.Conn, source io.Reader, deflate bool) *gobwas {
	g := &gobwas{nc: nc, control: wsutil.ControlFrameHandler(nc, ws.StateServerSide)}
	// CheckUTF8 goes byte by byte; utf8.Valid over the whole message costs far less.
	g.reader = wsutil.Reader{Source: source, State: ws.StateServerSide, OnIntermediate: g.control, MaxMessageSize: maxMessage}
	if deflate {
		g.reader.State |= ws.StateExtended
		g.reader.Extensions = []wsutil.RecvExtension{&g.state}
	}
	return g
}

func (g *gobwas) echo() {
	for {
		h, err := g.reader.NextFrame()
		if err == nil {
			if h.OpCode.IsControl() {
				err = g.control(h, &g.reader)
			} else {
				err = g.answer(h.OpCode)
			}
		}
		if errors.Is(err, errNotUTF8) {
			_ = ws.WriteFrame(g.nc, ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusInvalidFramePayloadData, "")))
		}
		if err != nil {
			return
		}
	}
}

// answer puts the message behind room for a header, so that both leave in one write.
func (g *gobwas) answer(op ws.OpCode) error {
	message := messages.Get().(*bytes.Buffer)
	defer messages.Put(message)
	message.Reset()
	message.Write(make([]byte, ws.MaxHeaderSize))
	if _, err := message.ReadFrom(&g.reader); err != nil {
		return err
	}
	h := ws.Header{Fin: true, OpCode: op}
	if g.state.IsCompressed() {
		h.Rsv = ws.Rsv(true, false, false)
		return g.answerDeflated(h, message)
	}
	if op == ws.OpText && !utf8.Valid(message.Bytes()[ws.MaxHeaderSize:]) {
		return errNotUTF8
	}
	return g.write(h, message.Bytes())
}

// write sends b, which begins with room for the header.
func (g *gobwas) write(h ws.Header, b []byte) error {
	h.Length = int64(len(b) - ws.MaxHeaderSize)
	start := ws.MaxHeaderSize - ws.HeaderSize(h)
	head := bytes.NewBuffer(b[start:start])
	if err := ws.WriteHeader(head, h); err != nil {
		return err
	}
	_, err := g.nc.Write(b[start:])
	return err
}

// gobwasDeflater is what a message needs, compressed by the fastest package there is.
type gobwasDeflater struct {
	source       bytes.Reader
	in           io.ReadCloser
	out          *flate.Writer
	clear, small bytes.Buffer
}

var gobwasDeflaters = sync.Pool{New: func() any {
	out, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err)
	}
	return &gobwasDeflater{in: flate.NewReader(nil), out: out}
}}

func (g *gobwas) answerDeflated(h ws.Header, message *bytes.Buffer) error {
	d := gobwasDeflaters.Get().(*gobwasDeflater)
	defer gobwasDeflaters.Put(d)
	message.WriteString("\x00\x00\xff\xff\x01\x00\x00\xff\xff")
	d.source.Reset(message.Bytes()[ws.MaxHeaderSize:])
	if err := d.in.(flate.Resetter).Reset(&d.source, nil); err != nil {
		return err
	}
	d.clear.Reset()
	if _, err := d.clear.ReadFrom(d.in); err != nil {
		return err
	}
	if h.OpCode == ws.OpText && !utf8.Valid(d.clear.Bytes()) {
		return errNotUTF8
	}
	d.small.Reset()
	d.small.Write(make([]byte, ws.MaxHeaderSize))
	d.out.Reset(&d.small)
	if _, err := d.out.Write(d.clear.Bytes()); err != nil {
		return err
	}
	if err := d.out.Flush(); err != nil {
		return err
	}
	return g.write(h, bytes.TrimSuffix(d.small.Bytes(), []byte("\x00\x00\xff\xff")))
}

func gobwasFanOut(nc net.Conn, all *crowd[net.Conn]) {
	defer all.add(nc)()
	for {
		p, op, err := wsutil.ReadClientData(nc)
		if err != nil {
			return
		}
		wire, err := ws.CompileFrame(ws.NewFrame(op, true, p))
		if err != nil {
			return
		}
		all.each(func(nc net.Conn) { _, _ = nc.Write(wire) })
	}
}
