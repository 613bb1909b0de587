// Compressed messages, through the real opening handshake of both libraries in
// both roles: what comes back, and what is refused.

package compare_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/protocol"
	"framescope/server/websocket"
)

// squeezed is a frame of a compressed conversation.
type squeezed struct {
	first   byte // FIN, RSV and opcode
	payload string
}

// compressedCase is a conversation that ends with our close frame. What the RFC says
// of it is what comes back: the messages, inflated, and the close code, 0 for
// refused with any.
type compressedCase struct {
	name    string
	frames  []squeezed
	back    []string
	code    int
	section string
	gorilla string // how gorilla differs
}

func packed(level int, text string) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		panic(err)
	}
	io.WriteString(w, text)
	w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

func compressedCases() []compressedCase {
	long := strings.Repeat("the same words, ", 200)
	z := packed(9, long)
	hangsUp := "hangs up without a close frame on a compressed message that cannot be read"
	overlooks := "takes RSV1 in continuation and control frames while compression is on"
	unchecked := "takes text that is not UTF-8: it leaves that check to its caller"
	return []compressedCase{
		{"a dynamic block", []squeezed{{fin | rsv1 | text, z}}, []string{long}, 1000, "RFC 7692 7.2.2", ""},
		{"a fixed block", []squeezed{{fin | rsv1 | text, "\xf2\x48\xcd\xc9\xc9\x07\x00"}}, []string{"Hello"}, 1000, "RFC 7692 7.2.3.1", ""},
		{"a stored block", []squeezed{{fin | rsv1 | binaryData, packed(0, "\x00\xff")}}, []string{"\x00\xff"}, 1000, "RFC 7692 7.2.3.3", ""},
		{"two blocks", []squeezed{{fin | rsv1 | text, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"}}, []string{"Hello"}, 1000, "RFC 7692 7.2.3.5", ""},
		{"a final block", []squeezed{{fin | rsv1 | text, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"}}, []string{"Hello"}, 1000, "RFC 7692 7.2.3.4", ""},
		{"an empty message", []squeezed{{fin | rsv1 | text, "\x00"}}, []string{""}, 1000, "RFC 7692 7.2.3.6", ""},
		{"fragments", []squeezed{{rsv1 | text, z[:5]}, {continuation, ""}, {continuation, z[5:9]}, {fin | continuation, z[9:]}}, []string{long}, 1000, "RFC 7692 6", ""},
		{"fragments with a ping between", []squeezed{{rsv1 | text, z[:5]}, {fin | ping, "p"}, {fin | continuation, z[5:]}}, []string{"pong p", long}, 1000, "RFC 7692 6", ""},
		{"not compressed, though agreed", []squeezed{{fin | text, "plain"}, {fin | rsv1 | text, z}, {fin | binaryData, "x"}}, []string{"plain", long, "x"}, 1000, "RFC 7692 6", ""},
		{"RSV1 in a continuation", []squeezed{{rsv1 | text, z[:5]}, {fin | rsv1 | continuation, z[5:]}}, nil, 1002, "RFC 7692 6", overlooks},
		{"RSV1 in a continuation of a plain message", []squeezed{{text, "a"}, {fin | rsv1 | continuation, "b"}}, nil, 1002, "RFC 7692 6", overlooks},
		{"RSV1 in a ping", []squeezed{{fin | rsv1 | ping, ""}}, nil, 1002, "RFC 7692 6", overlooks},
		{"RSV1 in a pong", []squeezed{{fin | rsv1 | pong, ""}}, nil, 1002, "RFC 7692 6", overlooks},
		{"RSV1 in a close", []squeezed{{fin | rsv1 | closing, ""}}, nil, 1002, "RFC 7692 6", overlooks},
		{"RSV2 beside RSV1", []squeezed{{fin | rsv1 | 0x20 | text, z}}, nil, 1002, "RFC 6455 5.2", ""},
		{"RSV3 alone", []squeezed{{fin | 0x10 | text, "a"}}, nil, 1002, "RFC 6455 5.2", ""},
		{"corrupt data", []squeezed{{fin | rsv1 | binaryData, "\xff\xff\xff"}}, nil, 0, "RFC 6455 7.1.7", hangsUp},
		{"an end inside a block", []squeezed{{fin | rsv1 | binaryData, z[:9]}}, nil, 0, "RFC 6455 7.1.7", hangsUp},
		{"a copy from before the start", []squeezed{{fin | rsv1 | binaryData, "\x02\x01\x00"}}, nil, 0, "RFC 6455 7.1.7", hangsUp},
		{"text that is not UTF-8", []squeezed{{fin | rsv1 | text, packed(9, "a\xed\xa0\x80")}}, nil, 1007, "RFC 6455 8.1", unchecked},
		{"text that ends inside a character", []squeezed{{fin | rsv1 | text, packed(9, "a\xe2\x82")}}, nil, 1007, "RFC 6455 8.1", unchecked},
	}
}

const agreedDeflate = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// squeezing is a library that echoes compressed: how the test gets the other end.
type squeezing struct {
	name string
	meet func(t *testing.T, r role) net.Conn
}

func squeezers() []squeezing {
	return []squeezing{
		{"ours", func(t *testing.T, r role) net.Conn {
			echo := func(c *websocket.Conn) {
				for {
					op, p, err := c.ReadMessage()
					if err != nil || c.WriteMessage(op, p) != nil {
						return
					}
				}
			}
			o := websocket.Options{Compression: websocket.Compression{Threshold: 1}}
			if r == server {
				s := &websocket.Server{Options: o}
				return asClient(t, func(w http.ResponseWriter, r *http.Request) { _ = s.Handle(w, r, nil, echo) })
			}
			return asServer(t, func(url string) {
				c, _, err := websocket.Dial(context.Background(), url, &websocket.DialOptions{Options: o})
				if err != nil {
					t.Errorf("ours: %v", err)
					return
				}
				echo(c)
			})
		}},
		{"gorilla", func(t *testing.T, r role) net.Conn {
			echo := func(c *gorilla.Conn) {
				defer c.Close()
				for {
					kind, p, err := c.ReadMessage()
					if err != nil || c.WriteMessage(kind, p) != nil {
						return
					}
				}
			}
			if r == server {
				upgrader := gorilla.Upgrader{EnableCompression: true}
				return asClient(t, func(w http.ResponseWriter, r *http.Request) {
					if c, err := upgrader.Upgrade(w, r, nil); err == nil {
						echo(c)
					}
				})
			}
			return asServer(t, func(url string) {
				c, _, err := (&gorilla.Dialer{EnableCompression: true}).Dial(url, nil)
				if err != nil {
					t.Errorf("gorilla: %v", err)
					return
				}
				echo(c)
			})
		}},
	}
}

// asClient is the test as a client of a server that agrees to compression.
func asClient(t *testing.T, handler http.HandlerFunc) net.Conn {
	t.Helper()
	h := httptest.NewServer(handler)
	t.Cleanup(h.Close)
	nc, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	io.WriteString(nc, strings.Replace(goodRequest, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: "+agreedDeflate+"\r\n\r\n", 1))
	head := ""
	for b := make([]byte, 1); !strings.HasSuffix(head, "\r\n\r\n"); head += string(b) {
		if _, err := io.ReadFull(nc, b); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(head, "permessage-deflate") {
		t.Fatalf("the server answers without compression: %q", head)
	}
	return nc
}

// asServer is the test as a server of a client that offers compression.
func asServer(t *testing.T, dial func(url string)) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		dial("ws://" + l.Addr().String() + "/")
	}()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); <-done })
	nc.SetDeadline(time.Now().Add(patience))
	request, err := http.ReadRequest(bufio.NewReader(nc))
	if err != nil || !strings.Contains(request.Header.Get("Sec-Websocket-Extensions"), "permessage-deflate") {
		t.Fatalf("the client offers no compression: %v, %v", request, err)
	}
	fmt.Fprintf(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Extensions: %s\r\n\r\n", acceptKey(request.Header.Get("Sec-Websocket-Key")), agreedDeflate)
	return nc
}

// talk plays a conversation: what came back, and the close code, lost without one.
func talk(nc net.Conn, r role, frames []squeezed) (back []string, code int) {
	var wire []byte
	for _, f := range append(frames[:len(frames):len(frames)], squeezed{fin | closing, "\x03\xe8"}) {
		wire = appendFrame(wire, r, f.first, f.payload)
	}
	_, _ = nc.Write(wire) // an early end of the connection is found below
	in, message, compressed := bufio.NewReader(nc), []byte(nil), false
	for {
		h, payload, err := readSqueezed(in)
		if err != nil {
			return back, lost
		}
		switch {
		case h.Opcode == protocol.OpClose && len(payload) >= 2:
			return back, int(payload[0])<<8 | int(payload[1])
		case h.Opcode == protocol.OpClose:
			return back, noStatus
		case h.Opcode == protocol.OpPong:
			back = append(back, "pong "+string(payload))
			continue
		case h.Opcode != protocol.OpContinuation:
			message, compressed = nil, h.RSV == protocol.RSV1
		}
		if message = append(message, payload...); !h.Fin {
			continue
		}
		if compressed {
			inflated, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(message), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
			if err != nil {
				inflated = []byte("not to be inflated: " + err.Error())
			}
			message = inflated
		}
		back = append(back, string(message))
	}
}

func readSqueezed(in *bufio.Reader) (h protocol.Header, payload []byte, err error) {
	var head []byte
	for n := 0; n == 0; h, n = protocol.ParseHeader(head) {
		b, err := in.ReadByte()
		if err != nil {
			return h, nil, err
		}
		head = append(head, b)
	}
	payload = make([]byte, h.PayloadLength)
	if _, err = io.ReadFull(in, payload); errors.Is(err, io.EOF) && len(payload) == 0 {
		err = nil
	}
	if h.Masked {
		protocol.Mask(h.MaskingKey, 0, payload)
	}
	return h, payload, err
}

func (c compressedCase) agrees(back []string, code int) bool {
	right := code == c.code || c.code == 0 && code != lost && code != 1000
	return right && strings.Join(back, "\x00") == strings.Join(c.back, "\x00")
}

func TestCompressedMessages(t *testing.T) {
	const group = "compressed messages, agreed on in a real handshake"
	for _, r := range roles {
		for _, c := range compressedCases() {
			t.Run(r.String()+"/"+c.name, func(t *testing.T) {
				for _, library := range squeezers() {
					back, code := talk(library.meet(t, r), r, c.frames)
					agrees := c.agrees(back, code)
					got := fmt.Sprintf("%d messages, closed %d", len(back), code)
					switch {
					case library.name == "ours":
						if !agrees {
							t.Errorf("ours: %s, the RFC: %d messages, closed %d (%s)", got, len(c.back), c.code, c.section)
						}
						results.agreed(group, r.String())
					case agrees != (c.gorilla == ""):
						t.Errorf("gorilla: %s, the RFC: %d messages, closed %d (%s), and the table says: %q", got, len(c.back), c.code, c.section, c.gorilla)
					case c.gorilla != "":
						results.count(group, r.String(), c.section, c.gorilla, example{c.name, fmt.Sprintf("refused %d", c.code), got})
					}
				}
			})
		}
	}
}
