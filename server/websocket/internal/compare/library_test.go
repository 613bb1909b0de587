// The two libraries, each as an application that echoes.

package compare_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/protocol"
	"framescope/server/websocket"
)

// errReset is what reading gives when the other end hung up on bytes it had not read.
var errReset error = syscall.ECONNRESET

func ours() library { return library{name: "ours", echo: echoOurs} }

func gorillas() library { return library{"gorilla", echoGorilla, gorillaHandshake} }

func echoOurs(nc net.Conn, r role) (told int) {
	c := websocket.NewConn(nc, [...]protocol.Side{server: protocol.Server, client: protocol.Client}[r], nil, websocket.Options{MaxMessageSize: limit})
	defer c.CloseNow()
	for {
		op, p, err := c.ReadMessage()
		if err == nil {
			err = c.WriteMessage(op, p)
		}
		if err != nil {
			return toldByOurs(err)
		}
	}
}

func toldByOurs(err error) int {
	var breach protocol.Breach
	var end *websocket.CloseError
	switch {
	case errors.As(err, &breach), !errors.As(err, &end):
		return failed
	case end.Code == protocol.CloseAbnormal && !errors.Is(err, io.ErrUnexpectedEOF):
		return failed
	}
	return int(end.Code)
}

func echoGorilla(nc net.Conn, r role) (told int) {
	c, err := connectGorilla(nc, r)
	if err != nil {
		nc.Close()
		return failed
	}
	defer c.Close()
	c.SetReadLimit(limit)
	answerPatiently(c)
	for {
		kind, p, err := c.ReadMessage()
		if err == nil {
			err = c.WriteMessage(kind, p)
		}
		if err != nil {
			return toldByGorilla(err)
		}
	}
}

// answerPatiently sets handlers that do what gorilla's own do, but for the second that those give
// a write: on a busy machine one may take longer.
func answerPatiently(c *gorilla.Conn) {
	c.SetPingHandler(func(data string) error {
		_ = c.WriteControl(gorilla.PongMessage, []byte(data), time.Now().Add(patience))
		return nil
	})
	c.SetCloseHandler(func(code int, _ string) error {
		_ = c.WriteControl(gorilla.CloseMessage, gorilla.FormatCloseMessage(code, ""), time.Now().Add(patience))
		return nil
	})
}

func toldByGorilla(err error) int {
	var end *gorilla.CloseError
	switch {
	case errors.As(err, &end):
		return end.Code
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return lost
	}
	return failed
}

// small is the size of gorilla's buffers, of which the cases use up hundreds of
// thousands; a control frame must fit.
const small = 256

const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// connectGorilla makes a gorilla connection of a socket. As server it is spared
// the parsing of a request: handshakes are compared elsewhere.
func connectGorilla(nc net.Conn, r role) (*gorilla.Conn, error) {
	if r == client {
		d := gorilla.Dialer{ReadBufferSize: small, WriteBufferSize: small, NetDialContext: func(context.Context, string, string) (net.Conn, error) { return nc, nil }}
		c, _, err := d.Dial("ws://localhost/", nil)
		return c, err
	}
	request := &http.Request{Method: http.MethodGet, Host: "localhost", Header: http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"},
		"Sec-Websocket-Key": {sampleKey}, "Sec-Websocket-Version": {"13"},
	}}
	u := gorilla.Upgrader{ReadBufferSize: small, WriteBufferSize: small}
	return u.Upgrade(&hijacked{nc: nc}, request, nil)
}

// hijacked is a response writer whose connection can be taken, and nothing else.
type hijacked struct {
	http.ResponseWriter
	nc net.Conn
}

func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.nc, bufio.NewReadWriter(bufio.NewReaderSize(h.nc, small), bufio.NewWriterSize(h.nc, small)), nil
}

// gorillaHandshake is the test's part of gorilla's handshake.
func gorillaHandshake(nc net.Conn, in *bufio.Reader, r role) error {
	if r == server {
		_, err := readHead(in)
		return err
	}
	request, err := http.ReadRequest(in)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", acceptKey(request.Header.Get("Sec-Websocket-Key")))
	return err
}

// acceptKey answers a client's key (RFC 6455 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// readHead reads an HTTP head up to and with its blank line.
func readHead(in *bufio.Reader) (head string, err error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		if head += line; line == "\r\n" {
			return head, nil
		}
	}
}
