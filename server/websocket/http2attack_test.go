// Peers that harm a server over HTTP/2: that do not read, vanish, reset or never end.

package websocket_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"framescope/protocol"
	"framescope/server/memory"
	"framescope/server/websocket"
)

// rawHTTP2 is a client that sends what frames it likes.
type rawHTTP2 struct {
	*http2.Framer
	nc   *tls.Conn
	host string
	next uint32 // stream
}

// dialRaw opens a connection whose streams have windows of 2 GiB. What the server sends is not read.
func dialRaw(t *testing.T, s *httptest.Server) *rawHTTP2 {
	t.Helper()
	address := s.Listener.Addr().String()
	nc, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if _, err := nc.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	c := &rawHTTP2{http2.NewFramer(nc, nc), nc, address, 1}
	_ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
	_ = c.WriteWindowUpdate(0, 1<<31-1-65535)
	return c
}

// connectBlock is the field block of an extended CONNECT.
func connectBlock(host string) []byte {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	e.SetMaxDynamicTableSize(0)
	for _, f := range [][2]string{
		{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":path", "/"}, {":authority", host}, {"sec-websocket-version", "13"},
	} {
		_ = e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	return block.Bytes()
}

// open sends an extended CONNECT.
func (c *rawHTTP2) open() (stream uint32, err error) {
	stream = c.next
	c.next += 2
	return stream, c.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: connectBlock(c.host), EndHeaders: true})
}

// flooding is a handler that sends messages until that fails, and reports how it did and when it
// has returned.
func flooding(s *websocket.Server) (h http.Handler, failed <-chan error, returned <-chan struct{}) {
	failures, returns := make(chan error, 1000), make(chan struct{}, 1000)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.Handle(w, r, &websocket.AcceptOptions{NoCompression: true}, func(c *websocket.Conn) {
			for {
				if err := c.WriteMessage(websocket.Binary, make([]byte, 64<<10)); err != nil {
					failures <- err
					return
				}
			}
		})
		if err != nil { // not even the answer to the handshake was taken in time
			failures <- fmt.Errorf("%w: %w", websocket.ErrSlowReader, err)
		}
		returns <- struct{}{}
	}), failures, returns
}

// TestSlowReadersOverHTTP2: streams that nobody reads, on one connection, end by
// WriteTimeout; another stream of that connection goes on meanwhile, and nothing is kept.
func TestSlowReadersOverHTTP2(t *testing.T) {
	const streams = 60 // each takes 4 MiB before its window is full
	budget := memory.NewBudget(256<<20, nil)
	slow, failed, returned := flooding(&websocket.Server{Options: websocket.Options{WriteTimeout: 300 * time.Millisecond, Memory: budget}})
	quick, _ := echoOver(&websocket.Server{}, nil)
	s := http2Server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("quick") {
			quick.ServeHTTP(w, r)
			return
		}
		slow.ServeHTTP(w, r)
	}))
	var shared websocket.HTTP2
	other, _, err := websocket.Dial(context.Background(), socketURL(s)+"&quick", overHTTP2(&shared))
	if err != nil {
		t.Fatal(err)
	}
	defer other.CloseNow()
	for range streams {
		dialHTTP2(t, s, overHTTP2(&shared))
	}
	for i := range streams {
		if i%4 == 0 {
			if err := other.WriteMessage(websocket.Text, []byte("still here")); err != nil {
				t.Fatal(err)
			}
			if _, p, err := other.ReadMessage(); err != nil || string(p) != "still here" {
				t.Fatal(err)
			}
		}
		if err := <-failed; !errors.Is(err, websocket.ErrSlowReader) {
			t.Errorf("a write ended with %v", err)
		}
		<-returned
	}
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are still counted", used)
	}
}

// TestThousandSlowReadersOverHTTP2: on four connections, none of which has any window left.
func TestThousandSlowReadersOverHTTP2(t *testing.T) {
	budget := memory.NewBudget(256<<20, nil)
	h, failed, returned := flooding(&websocket.Server{Options: websocket.Options{WriteTimeout: 300 * time.Millisecond, Memory: budget}})
	s := http2Server(t, h)
	const conns, streams = 4, 250
	for range conns {
		c := dialRaw(t, s)
		_ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 64})
		for range streams {
			if _, err := c.open(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range conns * streams {
		if err := <-failed; !errors.Is(err, websocket.ErrSlowReader) && !errors.Is(err, memory.ErrFull) {
			t.Errorf("a write ended with %v", err)
		}
		<-returned
	}
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are still counted", used)
	}
}

// TestStuckConnectionOverHTTP2: the peer reads nothing of the whole connection, so that not even a
// reset can be sent. The connection is closed, and the handlers return.
func TestStuckConnectionOverHTTP2(t *testing.T) {
	h, failed, returned := flooding(&websocket.Server{Options: websocket.Options{WriteTimeout: 100 * time.Millisecond}})
	s := http2Server(t, h)
	c := dialRaw(t, s)
	const streams = 20
	for range streams {
		if _, err := c.open(); err != nil {
			t.Fatal(err)
		}
	}
	for range streams {
		if err := <-failed; websocket.CloseStatus(err) != websocket.CloseAbnormal {
			t.Errorf("a write ended with %v", err)
		}
		<-returned
	}
}

// TestShutdownOverHTTP2: every stream is sent 1001, those whose peer does not read excepted.
func TestShutdownOverHTTP2(t *testing.T) {
	server := &websocket.Server{Options: websocket.Options{CloseTimeout: time.Second}}
	h, _ := echoOver(server, nil)
	s := http2Server(t, h)
	var all sync.WaitGroup
	var shared websocket.HTTP2
	for range 200 {
		c := dialHTTP2(t, s, overHTTP2(&shared))
		all.Go(func() {
			if _, _, err := c.ReadMessage(); websocket.CloseStatus(err) != websocket.CloseGoingAway {
				t.Errorf("a client sees %v", err)
			}
		})
	}
	stuck := dialRaw(t, s)
	for range 20 {
		if _, err := stuck.open(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	server.Shutdown(ctx)
	if ctx.Err() != nil {
		t.Error("the shutdown took more than 5 s")
	}
	all.Wait()
}

// TestVanishedConnectionOverHTTP2: when TCP ends, all its streams do.
func TestVanishedConnectionOverHTTP2(t *testing.T) {
	h, ended := echoOver(&websocket.Server{}, nil)
	s := http2Server(t, h)
	var shared websocket.HTTP2
	var tcp net.Conn
	const streams = 200
	for range streams {
		o := overHTTP2(&shared)
		o.DialContext = func(ctx context.Context, network, address string) (nc net.Conn, err error) {
			tcp, err = new(net.Dialer).DialContext(ctx, network, address)
			return tcp, err
		}
		saysHello(t, dialHTTP2(t, s, o))
	}
	tcp.Close()
	for range streams {
		if err := <-ended; websocket.CloseStatus(err) != websocket.CloseAbnormal {
			t.Errorf("a stream ended with %v", err)
		}
	}
}

// TestResetsOverHTTP2: streams that are reset as soon as they are opened end, and the server goes on
// to serve others. net/http bounds how many handlers run and wait.
func TestResetsOverHTTP2(t *testing.T) {
	h, _ := echoOver(&websocket.Server{}, nil)
	s := http2Server(t, h)
	c := dialRaw(t, s)
	for range 5000 {
		id, err := c.open()
		if err != nil {
			break // the server has had enough
		}
		if c.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
			break
		}
	}
	c.nc.Close()
	saysHello(t, dialHTTP2(t, s, overHTTP2(new(websocket.HTTP2))))
}

func saysHello(t *testing.T, c *websocket.Conn) {
	t.Helper()
	if err := c.WriteMessage(websocket.Text, []byte("Hello")); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.ReadMessage(); err != nil || string(p) != "Hello" {
		t.Errorf("%q, %v", p, err)
	}
}

// TestEndlessDataOverHTTP2: a frame that declares an exabyte, and a message whose fragments never end,
// are refused with 1009 as over TCP.
func TestEndlessDataOverHTTP2(t *testing.T) {
	h, ended := echoOver(&websocket.Server{Options: websocket.Options{MaxMessageSize: 1 << 20}}, nil)
	s := http2Server(t, h)
	huge := protocol.Header{Fin: true, Opcode: protocol.OpBinary, Masked: true, PayloadLength: 1 << 60}
	fragment := protocol.Header{Opcode: protocol.OpContinuation, Masked: true, PayloadLength: 8 << 10}
	for name, c := range map[string]struct{ first, then []byte }{
		"huge frame":        {protocol.AppendHeader(nil, huge), make([]byte, 8<<10)},
		"endless fragments": {[]byte("\x02\x80\x00\x00\x00\x00"), append(protocol.AppendHeader(nil, fragment), make([]byte, 8<<10)...)},
	} {
		t.Run(name, func(t *testing.T) {
			o := overHTTP2(new(websocket.HTTP2))
			var raw net.Conn
			o.Wrap = func(nc net.Conn) net.Conn { raw = nc; return nc }
			client := dialHTTP2(t, s, o)
			var sending sync.WaitGroup
			sending.Go(func() {
				_, err := raw.Write(c.first)
				for err == nil {
					_, err = raw.Write(c.then)
				}
			})
			if _, _, err := client.ReadMessage(); websocket.CloseStatus(err) != protocol.CloseMessageTooBig {
				t.Errorf("the client sees %v", err)
			}
			sending.Wait()
			if err := <-ended; websocket.CloseStatus(err) != protocol.CloseMessageTooBig {
				t.Errorf("ended with %v", err)
			}
		})
	}
}
