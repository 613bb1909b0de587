// A test that a connection whose descriptor is not used, over TLS for instance, waits without one of
// the large buffers that connections share.

package websocket_test

import (
	"bytes"
	"net"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

// sizedConn notes how much each read would take.
type sizedConn struct {
	net.Conn
	sizes *[]int
}

func (c sizedConn) Read(b []byte) (int, error) {
	*c.sizes = append(*c.sizes, len(b))
	return c.Conn.Read(b)
}

func TestIdleConnectionsWaitWithASmallBuffer(t *testing.T) {
	near, far := tcpPair(t)
	var sizes []int
	client := websocket.NewConn(far, protocol.Client, nil, plain)
	defer client.CloseNow()
	server := websocket.NewConn(sizedConn{near, &sizes}, protocol.Server, nil, plain)
	defer server.CloseNow()
	for _, size := range []int{0, 10, 1000, 1024, 1030, 5000, 16 << 10, 70_000, 300_000, 10} {
		sizes = nil
		want := bytes.Repeat([]byte{byte(size)}, size)
		sent := make(chan error, 1)
		go func() { sent <- client.WriteMessage(websocket.Binary, want) }()
		_, got, err := server.NextMessage()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came as %d, %v", size, len(got), err)
		}
		if sizes[0] > 1<<10 { // all of the previous message has been read
			t.Errorf("before %d bytes it waits with %d", size, sizes[0])
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
}
