// Tests of WebSockets over HTTP/2, with golang.org/x/net's client, which knows no WebSockets.

package websocket_test

//lint:file-ignore SA1019 that of net/http, which is recommended instead, refuses the field :protocol

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"framescope/protocol"
	_ "framescope/server/extendedconnect"
	"framescope/server/websocket"
)

// http2Server serves h over TLS, with HTTP/2.
func http2Server(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ConnContext = websocket.ConnContext
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// http2Client is the TCP connection of a client.
func http2Client(t testing.TB, s *httptest.Server) *http2.ClientConn {
	t.Helper()
	nc, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	cc, err := new(http2.Transport).NewClientConn(nc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cc.Close() })
	return cc
}

// connectRequest is an extended CONNECT; what is written to w follows it.
func connectRequest(s *httptest.Server) (r *http.Request, w *io.PipeWriter) {
	body, w := io.Pipe()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodConnect, s.URL+"/chat", body)
	if err != nil {
		panic(err)
	}
	r.Header.Set(":protocol", "websocket")
	r.Header.Set("Sec-Websocket-Version", "13")
	return r, w
}

// echoOver is a handler that echoes, and reports how each connection ended.
func echoOver(s *websocket.Server, o *websocket.AcceptOptions) (h http.Handler, ended <-chan error) {
	ends := make(chan error, 1000)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = s.Handle(w, r, o, func(c *websocket.Conn) {
			for {
				op, p, err := c.NextMessage()
				if err == nil {
					err = c.WriteMessage(op, p)
				}
				if err != nil {
					ends <- err
					return
				}
			}
		})
	}), ends
}

func maskedText(text string) []byte {
	h := protocol.Header{Fin: true, Opcode: protocol.OpText, Masked: true, PayloadLength: uint64(len(text))}
	return append(protocol.AppendHeader(nil, h), text...) // the key is 0
}

func TestAcceptOverHTTP2(t *testing.T) {
	h, ended := echoOver(&websocket.Server{}, &websocket.AcceptOptions{Subprotocols: []string{"superchat"}, Header: http.Header{"X-Room": {"1"}}})
	s := http2Server(t, h)
	r, w := connectRequest(s)
	r.Header.Set("Sec-Websocket-Protocol", "chat, superchat")
	r.Header.Set("Sec-Websocket-Extensions", "permessage-deflate")
	response, err := http2Client(t, s).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := protocol.CheckResponse(response.StatusCode, response.Header, r.Header); err != nil {
		t.Error(err)
	}
	got := response.Header
	if response.StatusCode != 200 || got.Get("Sec-Websocket-Protocol") != "superchat" || got.Get("Sec-Websocket-Extensions") == "" ||
		got.Get("X-Room") != "1" || got.Get("Sec-Websocket-Accept") != "" || got.Get("Upgrade") != "" {
		t.Errorf("%v %v", response.Status, got)
	}
	go func() { _, _ = w.Write(maskedText("Hello")) }()
	answer := make([]byte, 7)
	if _, err := io.ReadFull(response.Body, answer); err != nil || string(answer) != "\x81\x05Hello" {
		t.Errorf("% x, %v", answer, err)
	}
	// RFC 8441 5: the end of the stream is that of a TCP connection.
	w.Close()
	if err := <-ended; websocket.CloseStatus(err) != websocket.CloseAbnormal || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ended with %v", err)
	}
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) > 0 {
		t.Errorf("then %q, %v", rest, err)
	}
}

func TestRefuseOverHTTP2(t *testing.T) {
	h, _ := echoOver(&websocket.Server{}, nil)
	s := http2Server(t, h)
	client := http2Client(t, s)
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
		reason string
	}{
		"GET":                  {func(r *http.Request) { r.Method = "GET"; r.Header.Del(":protocol"); r.Body = nil }, 426, "over HTTP/2 the request is a CONNECT"},
		"POST":                 {func(r *http.Request) { r.Method = "POST"; r.Header.Del(":protocol") }, 405, "CONNECT"},
		"another protocol":     {func(r *http.Request) { r.Header.Set(":protocol", "connect-udp") }, 501, ":protocol websocket"},
		"no version":           {func(r *http.Request) { r.Header.Del("Sec-Websocket-Version") }, 400, "Sec-WebSocket-Version: 13"},
		"another version":      {func(r *http.Request) { r.Header.Set("Sec-Websocket-Version", "8") }, 426, "Sec-WebSocket-Version: 13"},
		"bad subprotocols":     {func(r *http.Request) { r.Header.Set("Sec-Websocket-Protocol", "a, a") }, 400, "Sec-WebSocket-Protocol"},
		"bad extensions":       {func(r *http.Request) { r.Header.Set("Sec-Websocket-Extensions", "a; =") }, 400, "Sec-WebSocket-Extensions"},
		"no frames follow":     {func(r *http.Request) { r.Body = nil }, 400, "Content-Length"},
		"a length":             {func(r *http.Request) { r.ContentLength = 10; r.Body = io.NopCloser(strings.NewReader("0123456789")) }, 400, "Content-Length"},
		"a foreign Origin":     {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, "evil.example"},
		"Origin of no TLS":     {func(r *http.Request) { r.Header.Set("Origin", "null") }, 403, "null"},
		"a foreign :authority": {func(r *http.Request) { r.Host = "evil.example" }, 403, "evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			r, w := connectRequest(s)
			defer w.Close()
			c.change(r)
			response, err := client.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != c.status || !strings.Contains(string(body), c.reason) {
				t.Errorf("%v %q, want %d and %q", response.Status, body, c.status, c.reason)
			}
		})
	}
	// RFC 9113 8.2.2: a refusal leaves the connection to the other streams.
	if !client.CanTakeNewRequest() {
		t.Error("a refusal has closed the connection")
	}
}
