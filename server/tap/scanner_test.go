// The scanner: which bytes are a frame, however they come, and what is kept of it.

package tap_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"framescope/protocol"
	"framescope/protocol/feed"
	"framescope/server/tap"
)

func TestLongPayloadIsCutAndPartialFrameKept(t *testing.T) {
	frames, host := tapped(t, tap.Options{Snap: 10, History: 1 << 20})
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, strings.Replace(request, "%h", host, 1))
	buf := make([]byte, 4096)
	nc.Read(buf)
	h := protocol.Header{Fin: true, Opcode: protocol.OpBinary, Masked: true, PayloadLength: 1000}
	nc.Write(append(protocol.AppendHeader(nil, h), make([]byte, 1000)...))
	nc.Write([]byte{0x82, 0xfe, 0x01})
	nc.Close()
	all := collect(t, frames)
	all.until(closed)
	in := all.of(feed.Frame, protocol.Client)
	if len(in) != 2 {
		t.Fatalf("%d frames", len(in))
	}
	if r := in[0]; r.Flags != feed.Cut || r.WireSize != 1008 || len(r.Data) != 18 {
		t.Errorf("the long frame is %d of %d bytes, flags %b", len(r.Data), r.WireSize, r.Flags)
	}
	if r := in[1]; r.Flags != feed.Cut|feed.Partial || len(r.Data) != 3 {
		t.Errorf("the partial frame is %d bytes, flags %b", len(r.Data), r.Flags)
	}
}

// A flood is over when little comes, and when nothing comes any more.
func TestFloodPasses(t *testing.T) {
	for name, trickle := range map[string]func(c *tap.Conn){
		"nothing": func(*tap.Conn) { time.Sleep(100 * time.Millisecond) },
		"little": func(c *tap.Conn) {
			for range 10 {
				time.Sleep(10 * time.Millisecond)
				c.Write([]byte("\x82\x00"))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testFloodPasses(t, trickle) })
		})
	}
}

func testFloodPasses(t *testing.T, trickle func(c *tap.Conn)) {
	frames := tap.New(tap.Options{Snap: 1 << 20, History: 1 << 20})
	c := frames.Wrap(sink{}, protocol.Server)
	frame := append(protocol.AppendHeader(nil, protocol.Header{Fin: true, Opcode: protocol.OpBinary, PayloadLength: 100_000}), make([]byte, 100_000)...)
	for range 2000 {
		c.Write(frame)
	}
	trickle(c)
	c.Write(frame)
	c.Close()
	all := collect(t, frames)
	all.until(closed)
	got := slices.DeleteFunc(all.of(feed.Frame, protocol.Client), func(r feed.Record) bool { return r.WireSize == 2 })
	if last := got[len(got)-1]; len(last.Data) != len(frame) || last.Flags != 0 {
		t.Errorf("of a frame after the flood %d bytes are kept", len(last.Data))
	}
	if before := got[len(got)-2]; before.Flags&feed.Cut == 0 {
		t.Error("nothing was cut: that was no flood")
	}
}

func TestNothingAfterTheEnd(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 100, History: 1 << 20})
	c := frames.Wrap(sink{}, protocol.Server)
	c.Received([]byte("\x81\x02hi\x81\x05he"), nil)
	c.Close()
	c.Received([]byte("llo\x81\x02hi"), nil) // by a reader that had read before
	frames.Wrap(sink{}, protocol.Server).Close()
	all := collect(t, frames)
	all.until(func(r feed.Record) bool { return closed(r) && r.Conn == 2 })
	if got := all.of(feed.Frame, protocol.Server); len(got) != 2 || got[1].Flags != feed.Cut|feed.Partial {
		t.Errorf("%+v", got)
	}
}

// FuzzChunks: however the bytes are cut, the records are the same.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("\x81\x05Hello\x89\x00\x82\x7e\x01\x00"), 3, 8)
	f.Fuzz(func(t *testing.T, wire []byte, a, b int) {
		if len(wire) == 0 || a < 0 || b < 0 {
			return
		}
		a, b = a%len(wire), b%len(wire)
		whole := scan(t, wire)
		if got := scan(t, wire[:min(a, b)], wire[min(a, b):max(a, b)], wire[max(a, b):]); got != whole {
			t.Fatalf("cut at %d and %d:\n%q\nwhole:\n%q", a, b, got, whole)
		}
	})
}

func scan(t *testing.T, chunks ...[]byte) (records string) {
	frames := tap.New(tap.Options{Snap: 5, History: 1 << 20})
	c := frames.Wrap(sink{}, protocol.Server)
	for _, chunk := range chunks {
		c.Write(chunk)
	}
	c.Close()
	w, err := frames.Watch(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	all := &collector{t: t, watcher: w}
	all.until(closed)
	for _, r := range all.of(feed.Frame, protocol.Client) {
		records += string(feed.Append(nil, feed.Record{Kind: r.Kind, Flags: r.Flags, WireSize: r.WireSize, Data: r.Data}))
	}
	return records
}

func BenchmarkTap(b *testing.B) {
	h := protocol.Header{Fin: true, Opcode: protocol.OpText, Masked: true, PayloadLength: 125}
	frame := append(protocol.AppendHeader(nil, h), make([]byte, 125)...)
	for _, c := range []struct {
		name    string
		history int64
		frames  int
	}{
		{"on/1", 64 << 20, 1}, {"on/16", 64 << 20, 16}, {"off/1", 0, 1}, {"off/16", 0, 16},
	} {
		b.Run(c.name, func(b *testing.B) {
			frames := tap.New(tap.Options{Snap: 64 << 10, History: c.history})
			conn := frames.Wrap(sink{}, protocol.Server)
			chunk := bytes.Repeat(frame, c.frames)
			for range 2 * c.history / int64(len(chunk)) {
				conn.Write(chunk) // until the history is full
			}
			b.ReportAllocs()
			for b.Loop() {
				conn.Write(chunk)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.frames), "ns/frame")
		})
	}
}

// framesOf are the frames that a peer sent in pieces, between which f is called, as text.
func framesOf(t *testing.T, o tap.Options, f func(c *tap.Conn), pieces ...string) (got []string) {
	t.Helper()
	frames := tap.New(o)
	c := frames.Wrap(sink{}, protocol.Server)
	for i, piece := range pieces {
		if i > 0 {
			f(c)
		}
		c.Received([]byte(piece), nil)
	}
	c.Close()
	all := collect(t, frames)
	all.until(closed)
	for _, r := range all.of(feed.Frame, protocol.Server) {
		got = append(got, describe(r))
	}
	return got
}

func describe(r feed.Record) string {
	text := fmt.Sprintf("%x", r.Data)
	if len(text) > 40 {
		text = fmt.Sprintf("%s… %d bytes", text[:40], len(r.Data))
	}
	switch {
	case r.Flags&feed.Partial != 0 && r.WireSize == math.MaxUint64:
		text += " partial"
	case r.Flags&feed.Partial != 0:
		text += fmt.Sprint(" partial of ", r.WireSize)
	case r.Flags&feed.Cut != 0:
		text += fmt.Sprint(" cut of ", r.WireSize)
	}
	return text
}

// A frame that its receiver gives up is recorded as far as it came, once, whatever of it
// still comes; frames behind it are recorded as ever.
func TestAbandon(t *testing.T) {
	long := "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + strings.Repeat("x", 1<<16)
	const next = "\x89\x01!"
	for name, c := range map[string]struct {
		pieces []string
		want   []string
	}{
		"before anything":         {[]string{"", next}, []string{"890121"}},
		"between frames":          {[]string{next, next}, []string{"890121", "890121"}},
		"in the first byte":       {[]string{"\x81", "\x02hi" + next}, []string{"81 partial", "890121"}},
		"in the length":           {[]string{long[:5], long[5:] + next}, []string{"827f000000 partial", "890121"}},
		"twice in the header":     {[]string{long[:1], long[1:9], long[9:] + next}, []string{"82 partial", "890121"}},
		"an empty frame's header": {[]string{"\x89", "\x00" + next}, []string{"89 partial", "890121"}},
		"behind the header":       {[]string{long[:10], long[10:] + next}, []string{"827f0000000000010000 partial of 65546", "890121"}},
		"in the payload":          {[]string{long[:12], long[12:60_000], long[60_000:] + next}, []string{"827f00000000000100007878 partial of 65546", "890121"}},
		"in a long payload":       {[]string{long[:40_000], long[40_000:] + long + next}, []string{"827f0000000000010000" + strings.Repeat("78", 10) + "… 40000 bytes partial of 65546", "827f0000000000010000" + strings.Repeat("78", 10) + "… 65546 bytes", "890121"}},
		"that never ends":         {[]string{long[:12], long[12:60_000]}, []string{"827f00000000000100007878 partial of 65546"}},
		"header that never ends":  {[]string{long[:3], long[3:4]}, []string{"827f00 partial"}},
		"nothing more":            {[]string{long[:12], ""}, []string{"827f00000000000100007878 partial of 65546"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := framesOf(t, tap.Options{Snap: 1 << 20, History: 1 << 20}, (*tap.Conn).Abandon, c.pieces...); !slices.Equal(got, c.want) {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

// The receiver's answer to a frame is recorded after it, even if the frame never ends.
func TestAbandonedFrameStandsBeforeItsAnswer(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 100, History: 1 << 20})
	c := frames.Wrap(sink{}, protocol.Client)
	c.Received([]byte("\x81\xfe\xff\xff\x00\x00\x00\x00He"), nil)
	c.Abandon()
	c.Write([]byte("\x88\x02\x03\xf1"))
	c.Received([]byte("llo"), nil)
	c.Close()
	all := collect(t, frames)
	all.until(closed)
	var got []string
	for _, r := range all.records {
		if r.Kind == feed.Frame {
			got = append(got, fmt.Sprint(r.Side, " ", describe(r)))
		}
	}
	if want := []string{"client 81feffff000000004865 partial of 65543", "server 880203f1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzAbandon: wherever a frame is given up, it and no other is Partial, and nothing is
// said twice.
func FuzzAbandon(f *testing.F) {
	f.Add([]byte("\x81\x05Hello\x89\x00\x82\x7e\x01\x00"), uint(3), uint(8))
	f.Add([]byte("\x81\xff\x00\x00\x00\x00\x00\x00\x00\x02abcdhi\x89\x00"), uint(9), uint(10))
	f.Fuzz(func(t *testing.T, wire []byte, a, b uint) {
		size := uint(len(wire)) + 1
		at, then := int(min(a%size, b%size)), int(max(a%size, b%size))
		var want []string
		for rest, offset := wire, 0; len(rest) > 0; {
			n, length := protocol.ScanHeader(rest)
			whole := n > 0 && length <= uint64(len(rest)-n)
			end := offset + len(rest)
			if whole {
				end = offset + n + int(length)
			}
			r := feed.Record{Data: wire[offset:end], WireSize: math.MaxUint64}
			if at > offset && at < end || at == end && !whole {
				r.Data, r.Flags, whole = wire[offset:at], feed.Partial, false
				n, length = protocol.ScanHeader(r.Data)
			} else if !whole {
				r.Flags = feed.Partial
			}
			if n > 0 && length <= math.MaxUint64-uint64(n) {
				r.WireSize = uint64(n) + length
			}
			want = append(want, describe(r))
			offset, rest = end, wire[end:]
		}
		first := true
		got := framesOf(t, tap.Options{Snap: 1 << 20, History: 1 << 20}, func(c *tap.Conn) {
			if first {
				c.Abandon()
			}
			first = false
		}, string(wire[:at]), string(wire[at:then]), string(wire[then:]))
		if !slices.Equal(got, want) {
			t.Fatalf("given up at %d:\n got %q\nwant %q", at, got, want)
		}
	})
}

// Bytes that arrive without a watcher, and without history, are missing: later bytes of the same
// frame are not recorded in their place.
func TestRecordingThatStopsInsideAFrame(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 100})
	c := frames.Wrap(sink{}, protocol.Server)
	watch := func() *collector {
		w, err := frames.Watch(nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		return &collector{t: t, watcher: w}
	}
	first := watch()
	c.Received([]byte("\x82\x0aone"), nil)
	first.watcher.Close()
	c.Received([]byte("two"), nil)
	second := watch()
	defer second.watcher.Close()
	c.Received([]byte("four\x89\x00"), nil)
	second.until(func(r feed.Record) bool { return r.Kind == feed.Frame && r.Data[0] == 0x89 })
	got := second.of(feed.Frame, protocol.Server)
	if want := "820a6f6e65 cut of 12"; describe(got[0]) != want {
		t.Errorf("%q, want %q", describe(got[0]), want)
	}
}

// peerThatAnswers answers every write before the write returns.
type peerThatAnswers struct {
	sink
	answer func()
}

func (p *peerThatAnswers) Write(b []byte) (int, error) {
	p.answer()
	return len(b), nil
}

func TestWriteIsRecordedBeforeItIsMade(t *testing.T) {
	frames := tap.New(tap.Options{Snap: 100, History: 1 << 20})
	peer := new(peerThatAnswers)
	c := frames.Wrap(peer, protocol.Client)
	peer.answer = func() { c.Received([]byte("\x8a\x80\x00\x00\x00\x00"), nil) }
	c.Write([]byte("\x89\x00"))
	c.Close()
	all := collect(t, frames)
	all.until(closed)
	var got []string
	for _, r := range all.records {
		if r.Kind == feed.Frame {
			got = append(got, describe(r))
		}
	}
	if want := []string{"8900", "8a8000000000"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
