// The outbound half under random use: whatever goroutines do at the same time, what the peer reads
// is legal, whole and in order, all that was accepted arrives, and nothing is left at the end.

package websocket_test

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"framescope/protocol"
	"framescope/server/memory"
	"framescope/server/websocket"
)

// transport makes both ends of what a connection may be made of.
type transport func(*testing.T) (near, far net.Conn)

var transports = map[string]transport{
	"net.Conn": func(*testing.T) (near, far net.Conn) { return net.Pipe() },
}

// TestOutboundModel runs for each seed once; which goroutine is first is not repeated.
func TestOutboundModel(t *testing.T) {
	for name, connect := range transports {
		for seed := uint64(100); seed < 140; seed++ {
			failed := !t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { newModel(t, seed, connect).run() })
			})
			if failed {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

// Sources of messages: goroutines with WriteMessage and NextWriter, the reader, and Send.
const (
	writers    = 3
	fromReader = writers
	fromSend   = writers + 1
	sources    = writers + 2
)

// phases are how often all is used, and nothing is for a while.
const phases = 10

type model struct {
	t      *testing.T
	seed   uint64
	side   protocol.Side
	c      *websocket.Conn
	far    net.Conn
	budget *memory.Budget

	ending   bool // the connection ends while it is used
	accepted [sources]atomic.Uint32
	arrived  [sources]atomic.Uint32
	sends    atomic.Int64 // begun, and not refused
	drained  atomic.Int64 // the last of them when OnDrain's function was called
	answered uint64       // the number of the last ping that was
	closed   bool         // a close frame came
	writing  sync.Mutex   // the peer
	users    sync.WaitGroup
	peer     sync.WaitGroup
}

func newModel(t *testing.T, seed uint64, connect transport) *model {
	near, far := connect(t)
	m := &model{t: t, seed: seed, side: protocol.Side(seed % 2), far: far}
	m.budget = memory.NewBudget(1<<40, slog.New(slog.DiscardHandler))
	o := plain
	o.Memory, o.SendQueue = m.budget, 100_000
	m.c = websocket.NewConn(near, m.side, nil, o)
	return m
}

// random is a source of random numbers for one goroutine.
func (m *model) random(goroutine int) *rand.Rand {
	return rand.New(rand.NewPCG(m.seed, uint64(goroutine)))
}

func (m *model) run() {
	m.c.OnDrain(func() { m.drained.Store(m.sends.Load()) })
	m.peer.Go(m.peerReads)
	m.peer.Go(m.peerWrites)
	r := m.random(0)
	endsInUse := r.IntN(3) > 0
	for phase := 1; phase <= phases && !m.t.Failed(); phase++ {
		m.ending = endsInUse && phase == phases
		if !m.ending { // where end reads
			m.users.Go(func() { m.reads(m.random(1000 + phase)) })
		}
		m.users.Go(func() { m.sendsPrepared(m.random(2000 + phase)) })
		for i := range writers {
			m.users.Go(func() { m.writes(i, m.random(3000+10*phase+i)) })
		}
		if m.ending {
			time.Sleep(time.Duration(r.IntN(10_000)) * time.Microsecond)
			break
		}
		m.users.Wait()
		time.Sleep(time.Minute) // nobody reads now, and nothing may wait for a reader
		synctest.Wait()
		m.checkArrived()
	}
	m.end(r.IntN(3))
}

// checkArrived checks that all has arrived.
func (m *model) checkArrived() {
	if err := m.c.Err(); err != nil {
		m.t.Errorf("the connection ended: %v", err)
	}
	for i := range sources {
		if accepted, arrived := m.accepted[i].Load(), m.arrived[i].Load(); accepted != arrived {
			m.t.Errorf("of %d messages of source %d %d arrived", accepted, i, arrived)
		}
	}
	m.checkDrained()
}

// checkDrained checks that OnDrain's function was called after the last Send.
func (m *model) checkDrained() {
	if m.drained.Load() != m.sends.Load() {
		m.t.Errorf("OnDrain's function was called after Send %d, of %d", m.drained.Load(), m.sends.Load())
	}
}

// end ends the connection in one of the ways there are, and checks that nothing is left.
func (m *model) end(how int) {
	switch how {
	case 0:
		if err := m.c.Close(protocol.CloseNormal, ""); err != nil && !m.ending {
			m.t.Error(err)
		}
	case 1:
		m.c.CloseNow()
	case 2:
		m.far.Close()
		for err := error(nil); err == nil; { // messages that came before
			_, _, err = m.c.ReadMessage()
		}
		m.c.CloseNow() // if a write failed first
	}
	<-m.c.Done()
	m.far.Close()
	m.users.Wait()
	m.peer.Wait()
	synctest.Wait()
	m.checkDrained()
	if used := m.budget.Used(); used != 0 {
		m.t.Errorf("%d bytes are still counted", used)
	}
}

var modelSizes = []int{0, 10, 100, 1000, 10_000, 20_000, 30_000, 30_000, 30_000, 40_000, 200_000}

// payload is the next message of a source: its number, that of the message, and bytes that follow
// from it.
func (m *model) payload(source int, r *rand.Rand) []byte {
	p := make([]byte, 5+modelSizes[r.IntN(len(modelSizes))])
	n := m.accepted[source].Load()
	for i := range p {
		p[i] = byte(n)
	}
	p[0] = byte(source)
	binary.LittleEndian.PutUint32(p[1:], n)
	return p
}

// count counts a message of a source unless it was refused.
func (m *model) count(source int, err error) {
	if err == nil {
		m.accepted[source].Add(1)
	} else if !errors.Is(err, os.ErrDeadlineExceeded) {
		m.check(err)
	}
}

// check checks that there is no error while the connection does not end.
func (m *model) check(err error) {
	if err != nil && !m.ending {
		m.t.Error(err)
	}
}

func (m *model) writes(i int, r *rand.Rand) {
	for range r.IntN(10) {
		switch r.IntN(8) {
		case 0:
			m.writesInParts(i, r)
		case 1:
			m.c.SetWriteDeadline(time.Now().Add(time.Hour))
		case 2:
			m.c.SetWriteDeadline(time.Time{})
		case 3:
			m.check(m.c.SendPing(nil))
		case 4:
			time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
		default:
			m.count(i, m.c.WriteMessage(protocol.OpBinary, m.payload(i, r)))
		}
	}
}

func (m *model) writesInParts(i int, r *rand.Rand) {
	w, err := m.c.NextWriter(protocol.OpBinary)
	if err != nil {
		m.count(i, err)
		return
	}
	for p := m.payload(i, r); len(p) > 0; {
		n := 1 + r.IntN(len(p))
		_, err := w.Write(p[:n])
		m.check(err)
		p = p[n:]
		if r.IntN(4) == 0 {
			time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
		}
	}
	m.count(i, w.Close())
}

func (m *model) sendsPrepared(r *rand.Rand) {
	for range r.IntN(10) {
		m.sends.Add(1)
		if err := m.c.Send(prepared(protocol.OpBinary, m.payload(fromSend, r))); err == nil {
			m.accepted[fromSend].Add(1)
		} else if m.sends.Add(-1); !errors.Is(err, websocket.ErrSlowReader) {
			m.check(err)
		}
		time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
	}
}

// reads reads, and sometimes answers. It stops perhaps with more to decode.
func (m *model) reads(r *rand.Rand) {
	for range r.IntN(20) {
		m.c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, _, err := m.c.ReadMessage()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		m.check(err)
		switch r.IntN(4) {
		case 0:
			time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
		case 1:
			m.count(fromReader, m.c.WriteMessage(protocol.OpBinary, m.payload(fromReader, r)))
		}
	}
	m.c.SetReadDeadline(time.Time{})
}

// peerWrites sends bursts of messages and numbered pings.
func (m *model) peerWrites() {
	r := m.random(1)
	for number := uint64(1); ; {
		var burst []byte
		for range 1 + r.IntN(10) {
			h := protocol.Header{Fin: true, Opcode: protocol.OpBinary, Masked: m.side == protocol.Server}
			h.PayloadLength = uint64(r.IntN(100))
			if r.IntN(2) == 0 {
				h.Opcode, h.PayloadLength = protocol.OpPing, 8
			}
			burst = protocol.AppendHeader(burst, h)
			payload := make([]byte, h.PayloadLength)
			if h.Opcode == protocol.OpPing {
				binary.LittleEndian.PutUint64(payload, number)
				number++
			}
			burst = append(burst, payload...)
		}
		m.writing.Lock()
		_, err := m.far.Write(burst)
		m.writing.Unlock()
		if err != nil {
			return
		}
		time.Sleep(time.Duration(r.IntN(5000)) * time.Microsecond)
	}
}

// peerReads reads, more or less slowly, and checks what comes.
func (m *model) peerReads() {
	r := m.random(2)
	d := protocol.Decoder{From: m.side}
	pause := []int{0, 100, 5000}[r.IntN(3)]
	var message []byte
	b := make([]byte, 64<<10)
	for undecoded := 0; ; {
		n, err := m.far.Read(b[undecoded : undecoded+1+r.IntN(len(b)-undecoded)])
		if err != nil {
			if undecoded > 0 && err == io.EOF && m.c.Err() == nil {
				m.t.Errorf("the stream ends inside a frame")
			}
			return
		}
		remaining := b[:undecoded+n]
		for {
			ev, n := d.Next(remaining)
			if n == 0 {
				break
			}
			remaining = remaining[n:]
			if ev.Broken != 0 || m.closed {
				m.t.Errorf("illegal: %v", d.Breach())
				return
			}
			message = m.came(&d, ev, message)
		}
		undecoded = copy(b, remaining)
		switch {
		case r.IntN(200) == 0:
			time.Sleep(time.Second)
		case pause > 0 && r.IntN(4) == 0:
			time.Sleep(time.Duration(r.IntN(pause)) * time.Microsecond)
		}
	}
}

// came checks an event, and returns what has come of the message.
func (m *model) came(d *protocol.Decoder, ev protocol.Event, message []byte) []byte {
	switch op := d.Header().Opcode; {
	case op == protocol.OpPong:
		if number := binary.LittleEndian.Uint64(ev.Data); number <= m.answered {
			m.t.Errorf("ping %d was answered after ping %d", number, m.answered)
		} else {
			m.answered = number
		}
		return message
	case op == protocol.OpClose:
		m.closed = true
		m.peer.Go(func() {
			h := protocol.Header{Fin: true, Opcode: protocol.OpClose, Masked: m.side == protocol.Server}
			m.writing.Lock()
			defer m.writing.Unlock()
			m.far.Write(protocol.AppendHeader(nil, h))
			if m.side == protocol.Client {
				m.far.Close()
			}
		})
		return message
	case op.Control():
		return message
	}
	message = append(message, ev.Data...)
	if !ev.End || !d.Header().Fin {
		return message
	}
	source, n := int(message[0]), binary.LittleEndian.Uint32(message[1:])
	if want := m.arrived[source].Add(1) - 1; n != want {
		m.t.Errorf("message %d of source %d came where %d was due", n, source, want)
	}
	for _, b := range message[5:] {
		if b != byte(n) {
			m.t.Errorf("message %d of source %d was changed", n, source)
			break
		}
	}
	return message[:0]
}
