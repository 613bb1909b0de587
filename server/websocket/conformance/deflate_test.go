// Compression: groups 12 and 13 with all parameter sets, and what they leave
// unproven: windows that are kept to, corrupt data, bombs, RSV1 where it has no
// place.

package conformance

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"

	"framescope/protocol"
	"framescope/server/websocket"
)

// packer compresses messages as a peer that keeps to what was agreed.
type packer struct {
	b       bytes.Buffer
	w       *flate.Writer
	context bool
}

func newPacker(t *testing.T, p *peer) *packer {
	t.Helper()
	k := &packer{context: !p.deflate.NoContextTakeover(p.side)}
	var err error
	if k.w, err = flate.NewWriterWindow(&k.b, 1<<p.deflate.WindowBits(p.side)); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *packer) pack(s string) string {
	k.b.Reset()
	if !k.context {
		k.w.Reset(&k.b)
	}
	k.w.Write([]byte(s))
	k.w.Flush()
	return strings.TrimSuffix(k.b.String(), "\x00\x00\xff\xff")
}

// packed is a compressed frame.
func packed(op protocol.Opcode, fin bool, payload string) frame {
	return frame{op: op, fin: fin, rsv: protocol.RSV1, payload: payload}
}

// words is text that compresses, different for each i.
func words(n, i int) string {
	s := strings.Repeat(fmt.Sprintf(`{"case":%d,"words":["frame","Maske","窗口"],"nested":{"a":[1,2,3]}} `, i), n/60+1)
	return strings.ToValidUTF8(s[:n], "")
}

// parameterSets are offers, the answers that a server gives to our client, and what
// our server must answer.
var parameterSets = []struct{ offer, answer, ours string }{
	{"permessage-deflate", "permessage-deflate", "permessage-deflate; server_no_context_takeover"},
	{"permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=15", "permessage-deflate; server_no_context_takeover"},
	{"permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
	{"permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"},
	{"permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_no_context_takeover; server_max_window_bits=9"},
	{"permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_no_context_takeover; server_max_window_bits=8"},
	{"permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_no_context_takeover; server_max_window_bits=15"},
	{"permessage-deflate; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=9", "permessage-deflate; server_no_context_takeover; client_max_window_bits=9"},
	{"permessage-deflate; client_max_window_bits=8; server_max_window_bits=12", "permessage-deflate; client_max_window_bits=8; server_max_window_bits=12", "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits=8"},
	{"permessage-deflate; server_max_window_bits=9; server_no_context_takeover; client_no_context_takeover; client_max_window_bits", "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=9", "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9"},
	{"x-unknown, permessage-deflate; server_max_window_bits=7, permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
}

func TestCompression(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		o := websocket.Options{Compression: websocket.Compression{ContextTakeover: takeover, Threshold: 1}}
		for _, s := range subjects(t, o) {
			for _, set := range parameterSets {
				t.Run(fmt.Sprintf("%s/takeover %v/%s", s.name, takeover, set.offer), func(t *testing.T) {
					p := s.peer(t, set.offer, set.answer)
					if s.name == "server" && !takeover && p.deflate.String() != set.ours {
						t.Errorf("our server answers %q, want %q", p.deflate, set.ours)
					}
					k := newPacker(t, p)
					c := testCase{end: true}
					for i, n := range []int{0, 1, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072, 1024, 1024} {
						message1 := words(n, i)
						c.send = append(c.send, packed(protocol.OpText, true, k.pack(message1)))
						c.want = append(c.want, message(message1))
					}
					// What comes back is inflated by a decoder that refuses a copy from beyond
					// the agreed window.
					c.run(t, p, chopped)
				})
			}
		}
	}
}

func TestCompressedFraming(t *testing.T) {
	for _, s := range subjects(t, websocket.Options{}) {
		p := func(t *testing.T) *peer { return s.peer(t, "permessage-deflate", "permessage-deflate") }
		t.Run(s.name, func(t *testing.T) {
			long := words(3000, 1)
			for name, build := range map[string]func(k *packer) testCase{
				"in fragments, pings between": func(k *packer) testCase {
					z := k.pack(long)
					return testCase{send: []frame{packed(protocol.OpText, false, z[:7]), ping("1"), more(z[7:20]), more(""), ping("2"), last(z[20:])}, want: []string{pongOf("1"), pongOf("2"), message(long)}, end: true}
				},
				"byte by byte": func(k *packer) testCase {
					z := k.pack(long)
					c := testCase{send: []frame{packed(protocol.OpText, false, "")}, want: []string{message(long)}, end: true}
					for i := range len(z) {
						c.send = append(c.send, more(z[i:i+1]))
					}
					c.send = append(c.send, last(""))
					return c
				},
				"uncompressed ones between": func(k *packer) testCase {
					return testCase{send: []frame{packed(protocol.OpText, true, k.pack(long)), text("plain"), packed(protocol.OpText, true, k.pack(long)), binary("\xff")}, want: []string{message(long), message("plain"), message(long), message("\xff")}, end: true}
				},
				"7.2.3.3 stored block": func(*packer) testCase {
					return testCase{send: []frame{packed(protocol.OpText, true, "\x00\x05\x00\xfa\xffHello\x00")}, want: []string{message("Hello")}, end: true}
				},
				"7.2.3.4 final block": func(*packer) testCase {
					return testCase{send: []frame{packed(protocol.OpText, true, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00")}, want: []string{message("Hello")}, end: true}
				},
				"7.2.3.5 two blocks": func(*packer) testCase {
					return testCase{send: []frame{packed(protocol.OpText, true, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")}, want: []string{message("Hello")}, end: true}
				},
				"7.2.3.6 empty": func(*packer) testCase {
					return testCase{send: []frame{packed(protocol.OpText, true, "\x00")}, want: []string{message("")}, end: true}
				},
				"RSV1 in a ping":               refused(1002, packed(protocol.OpPing, true, "")),
				"RSV1 in a pong":               refused(1002, packed(protocol.OpPong, true, "")),
				"RSV1 in a close":              refused(1002, packed(protocol.OpClose, true, "")),
				"RSV1 in a continuation":       refused(1002, start("a"), packed(protocol.OpContinuation, true, "b")),
				"RSV1 in a compressed one's":   refused(1002, packed(protocol.OpText, false, "\xf2"), packed(protocol.OpContinuation, true, "b")),
				"RSV1 and RSV2":                refused(1002, frame{op: protocol.OpText, fin: true, rsv: 6, payload: "\x00"}),
				"RSV1 in a reserved opcode":    refused(1002, packed(3, true, "")),
				"corrupt":                      refused(1007, packed(protocol.OpBinary, true, "\xff\xff\xff")),
				"corrupt, seen in a fragment":  refused(1007, packed(protocol.OpBinary, false, "\xff\xff\xff")),
				"cut":                          refused(1007, packed(protocol.OpBinary, true, "\xf2\x48\xcd")),
				"no block at all":              refused(1007, packed(protocol.OpBinary, true, "")),
				"a copy from before the start": refused(1007, packed(protocol.OpBinary, true, "\x02\x01\x00")),
				"no UTF-8": func(k *packer) testCase {
					return testCase{send: []frame{packed(protocol.OpText, true, k.pack("valid \xed\xa0\x80"))}, want: []string{closed(1007)}}
				},
				"no UTF-8, seen in a fragment": func(k *packer) testCase {
					return testCase{send: []frame{packed(protocol.OpText, false, k.pack("valid \xed\xa0\x80"))}, want: []string{closed(1007)}}
				},
				"ends within a character": func(k *packer) testCase {
					return testCase{send: []frame{packed(protocol.OpText, true, k.pack("valid \xe2\x82"))}, want: []string{closed(1007)}}
				},
			} {
				t.Run(name, func(t *testing.T) {
					peer := p(t)
					build(newPacker(t, peer)).run(t, peer, whole)
				})
			}
		})
	}
}

func refused(code protocol.CloseCode, send ...frame) func(*packer) testCase {
	return func(*packer) testCase { return testCase{send: send, want: []string{closed(code)}} }
}

func TestCompressedLimits(t *testing.T) {
	const small = 10_000
	for _, s := range subjects(t, websocket.Options{MaxMessageSize: small}) {
		for n, want := range map[int][]string{small: {message(strings.Repeat("a", small)), closed(1000)}, small + 1: {closed(1009)}, 100_000_000: {closed(1009)}} {
			t.Run(fmt.Sprintf("%s/inflates to %d", s.name, n), func(t *testing.T) {
				p := s.peer(t, "permessage-deflate", "permessage-deflate")
				z := newPacker(t, p).pack(strings.Repeat("a", n))
				if got := p.exchange(whole, packed(protocol.OpBinary, true, z), closing(1000, "")); !equal(got, want) {
					t.Errorf("came back: %v", shorten(got))
				}
			})
		}
	}
}

// TestWindowIsKept: a peer whose copies reach farther back than was agreed is
// refused.
func TestWindowIsKept(t *testing.T) {
	far := make([]byte, 700)
	for i := range far {
		far[i] = byte(i * i >> 3)
	}
	data := string(far) + string(far)
	for _, s := range subjects(t, websocket.Options{}) {
		t.Run(s.name, func(t *testing.T) {
			p := s.peer(t, "permessage-deflate; client_max_window_bits=9", "permessage-deflate; server_max_window_bits=15")
			p.deflate = protocol.Deflate{On: true}
			z := newPacker(t, p).pack(data)
			want := []string{closed(1007)}
			if s.name == "client" {
				want = []string{message(data), closed(1000)} // whose server may use all of it
			}
			if got := p.exchange(whole, packed(protocol.OpBinary, true, z), closing(1000, "")); !equal(got, want) {
				t.Errorf("came back: %v", shorten(got))
			}
		})
	}
}
