// A connection as a stream: what reads and writes it, and how it ends.

package websocket_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"framescope/server/websocket"
)

func streams(t *testing.T, o websocket.Options) (near, far net.Conn) {
	t.Helper()
	client, server := pair(t, o)
	return websocket.NetConn(client, websocket.Binary), websocket.NetConn(server, websocket.Binary)
}

func TestNetConnCarriesBytes(t *testing.T) {
	for name, o := range all {
		t.Run(name, func(t *testing.T) {
			near, far := streams(t, o)
			sent := bytes.Repeat([]byte("stream of bytes "), 20_000)
			go func() {
				for p := sent; len(p) > 0; {
					n := min(len(p), 7777)
					near.Write(p[:n])
					near.Write(nil) // an empty message is no end
					p = p[n:]
				}
				near.Close()
			}()
			if n, err := far.Read(nil); n != 0 || err != nil {
				t.Errorf("an empty read: %d, %v", n, err)
			}
			got, err := io.ReadAll(far)
			if err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%d bytes came of %d, %v", len(got), len(sent), err)
			}
		})
	}
}

func TestNetConnDeadline(t *testing.T) {
	near, far := streams(t, plain)
	far.SetDeadline(time.Now().Add(-time.Second))
	_, err := far.Read(make([]byte, 10))
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("at the deadline: %v", err)
	}
	far.SetDeadline(time.Time{})
	near.Write([]byte("later"))
	p := make([]byte, 10)
	if n, err := far.Read(p); string(p[:n]) != "later" || err != nil {
		t.Errorf("after the deadline: %q, %v", p[:n], err)
	}
	if near.LocalAddr().String() != far.RemoteAddr().String() {
		t.Errorf("addresses %v and %v", near.LocalAddr(), far.RemoteAddr())
	}
}

func TestNetConnEnds(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(*websocket.Conn)
		want func(error) bool
	}{
		"normal":         {func(c *websocket.Conn) { c.Close(websocket.CloseNormal, "") }, func(err error) bool { return err == io.EOF }},
		"going away":     {func(c *websocket.Conn) { c.Close(websocket.CloseGoingAway, "") }, func(err error) bool { return err == io.EOF }},
		"no code":        {func(c *websocket.Conn) { c.Close(websocket.CloseNoStatus, "") }, func(err error) bool { return err == io.EOF }},
		"another code":   {func(c *websocket.Conn) { c.Close(4000, "") }, func(err error) bool { return websocket.CloseStatus(err) == 4000 }},
		"no close frame": {(*websocket.Conn).CloseNow, func(err error) bool { return websocket.CloseStatus(err) == websocket.CloseAbnormal }},
		"another opcode": {func(c *websocket.Conn) {
			c.WriteMessage(websocket.Text, []byte("no bytes"))
			if _, _, err := c.ReadMessage(); websocket.CloseStatus(err) != websocket.CloseUnsupportedData {
				t.Error(err)
			}
		}, func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "a message of text, want binary")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := pair(t, plain)
			stream := websocket.NetConn(server, websocket.Binary)
			go test.end(client)
			if n, err := stream.Read(make([]byte, 10)); n != 0 || !test.want(err) {
				t.Errorf("%d bytes, %v", n, err)
			}
			if n, err := stream.Write([]byte("late")); n != 0 || !errors.Is(err, net.ErrClosed) {
				t.Errorf("a write after the end: %d, %v", n, err)
			}
		})
	}
	near, far := streams(t, plain)
	go far.Read(make([]byte, 1)) // which answers the close frame
	go near.Close()
	if _, err := near.Read(make([]byte, 10)); err == io.EOF || err == nil {
		t.Errorf("closed by us: %v", err)
	}
}
