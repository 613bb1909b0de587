// The test's own end of a connection: bytes out, frames in, and the end of TCP.

package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// patience is how long an answer may take. What is refused must be so at once:
// this only keeps a loaded machine from failing a test.
const patience = 15 * time.Second

// peer is the end that the test holds.
type peer struct {
	t          *testing.T
	nc         halfCloser
	r          *bufio.Reader
	side       protocol.Side // that it plays
	extensions []string      // what the other end offered or accepted
	ended      <-chan error  // how the endpoint under test ended
	sent       chan struct{} // closed when the last send is over
	maskingKey uint32        // of the frame read last
	checker    *checker      // of compressed messages, where they are agreed on
}

// send writes frames, cut as asked, beside the reading: both ends may be at work
// on long messages. A failed write shows in what does not come back.
func (p *peer) send(cut chop, frames ...frame) { p.write(cut.pieces(frames, p.side)) }

func (p *peer) write(pieces [][]byte) {
	<-p.sent
	p.nc.SetDeadline(time.Now().Add(patience))
	sent := make(chan struct{})
	p.sent = sent
	go func() {
		defer close(sent)
		for _, piece := range pieces {
			if _, err := p.nc.Write(piece); err != nil {
				return
			}
		}
	}()
}

// read is the next frame. What no endpoint may send is an error: a frame that is
// wrongly masked, or a length in more bytes than it needs.
func (p *peer) read() (f frame, err error) {
	var h protocol.Header
	n := 0
	for need := 2; n == 0; need++ {
		b, err := p.r.Peek(need)
		if err != nil {
			return f, err
		}
		h, n = protocol.ParseHeader(b)
	}
	shortest := protocol.Header{Masked: h.Masked, PayloadLength: h.PayloadLength}
	switch {
	case h.Masked != (p.side == protocol.Server):
		return f, fmt.Errorf("%v frame with MASK %v", h.Opcode, h.Masked)
	case n != shortest.Size():
		return f, fmt.Errorf("%v frame of %d bytes has a header of %d", h.Opcode, h.PayloadLength, n)
	case h.PayloadLength > 32<<20:
		return f, fmt.Errorf("%v frame of %d bytes", h.Opcode, h.PayloadLength)
	}
	p.r.Discard(n)
	payload := make([]byte, h.PayloadLength)
	if _, err := io.ReadFull(p.r, payload); err != nil {
		return f, fmt.Errorf("%v frame of %d bytes: %w", h.Opcode, h.PayloadLength, err)
	}
	if p.maskingKey = h.MaskingKey; h.Masked {
		protocol.Mask(h.MaskingKey, 0, payload)
	}
	f = frame{op: h.Opcode, open: !h.Fin, rsv: h.RSV, payload: string(payload)}
	if p.checker == nil {
		return f, nil
	}
	return p.checker.clear(f)
}

// expect reads the frames that must come, and in this order.
func (p *peer) expect(want ...frame) {
	p.t.Helper()
	for i, w := range want {
		switch got, err := p.read(); {
		case err != nil:
			p.t.Fatalf("frame %d of %d: %v, want %v", i+1, len(want), err, w)
		case !got.answers(w):
			p.t.Fatalf("frame %d of %d: %v, want %v", i+1, len(want), got, w)
		}
	}
}

// expectEnd waits for the end of TCP, before which nothing more may come, and
// returns how the endpoint under test ended. RFC 6455 7.1.1: it is the server
// that closes TCP first.
func (p *peer) expectEnd() error {
	p.t.Helper()
	p.nc.SetDeadline(time.Now().Add(patience))
	if p.side == protocol.Server {
		<-p.sent
		p.nc.CloseWrite()
	}
	if f, err := p.read(); err == nil {
		p.t.Errorf("after the end: %v", f)
	} else if !errors.Is(err, io.EOF) {
		p.t.Errorf("TCP ended with %v, not in order", err)
	}
	return p.leave()
}

// leave closes our socket and returns how the endpoint under test ended.
func (p *peer) leave() error {
	p.t.Helper()
	p.nc.Close()
	<-p.sent
	select {
	case err := <-p.ended:
		return err
	case <-time.After(patience):
		p.t.Fatal("the endpoint goes on after the end of TCP")
		return nil
	}
}

// play is the whole case against the endpoint in the role of side.
func (c testCase) play(t *testing.T, side protocol.Side) *peer {
	t.Helper()
	return c.playOver(t, side, nil)
}

// playOver is play over HTTP/2, or over TCP if over is nil.
func (c testCase) playOver(t *testing.T, side protocol.Side, over *streams) *peer {
	t.Helper()
	s := setup{tested: side, options: c.options, streams: over}
	if c.deflate != nil {
		s.extensions = []string{c.deflate.extension(side)}
	}
	if c.joined {
		s.behind = slices.Concat(whole.pieces(c.talk[0].send, side.Peer())...)
	}
	p := connect(t, s)
	if c.deflate != nil {
		p.checker = &checker{flow: p.theirFlow(*c.deflate)}
	}
	for i, e := range c.talk {
		if i > 0 || !c.joined {
			p.send(c.chop, e.send...)
		}
		p.expect(e.want...)
	}
	c.judgeEnd(t, p.expectEnd())
	return p
}

// judgeEnd checks what the endpoint tells its own application.
func (c testCase) judgeEnd(t *testing.T, err error) {
	t.Helper()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != c.code {
		t.Errorf("the endpoint reports %v, want close code %v", err, c.code)
	}
	var broken protocol.Breach
	if found := errors.As(err, &broken); found != c.fails || found && broken.Rule != c.rule {
		t.Errorf("the endpoint reports %v, want a breach: %v, of %v", err, c.fails, c.rule)
	}
}

// inBothRoles runs a test against the endpoint as server and, beside it, as client.
func inBothRoles(t *testing.T, test func(t *testing.T, side protocol.Side)) {
	t.Helper()
	for _, side := range []protocol.Side{protocol.Server, protocol.Client} {
		t.Run(side.String(), func(t *testing.T) {
			t.Parallel()
			test(t, side)
		})
	}
}
