// How the package is used.

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"framescope/protocol"
	"framescope/server/websocket"
)

// serving runs app for every connection and returns where to dial.
func serving(app func(*websocket.Conn)) (url string, stop func()) {
	sockets := &websocket.Server{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = sockets.Handle(w, r, nil, app) // a refusal has been answered
	}))
	return "ws" + strings.TrimPrefix(h.URL, "http"), func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		sockets.Shutdown(ctx)
		h.Close()
	}
}

func ExampleServer_Handle() {
	sockets := &websocket.Server{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = sockets.Handle(w, r, nil, func(c *websocket.Conn) {
			for {
				op, p, err := c.ReadMessage()
				if err != nil || c.WriteMessage(op, p) != nil {
					return
				}
			}
		})
	}))
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	c, _, err := websocket.Dial(context.Background(), "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	go c.WriteMessage(protocol.OpText, []byte("Hello"))
	op, p, err := c.ReadMessage()
	fmt.Println(op, string(p), err)
	fmt.Println(c.Close(protocol.CloseNormal, "done"))
	// Output:
	// text Hello <nil>
	// <nil>
}

func ExampleConn_NextWriter() {
	url, stop := serving(func(c *websocket.Conn) {
		w, err := c.NextWriter(protocol.OpBinary)
		if err != nil {
			return
		}
		io.Copy(w, io.LimitReader(zeros{}, 1<<20)) // never whole in memory
		w.Close()
		c.ReadMessage()
	})
	defer stop()
	c, _, err := websocket.Dial(context.Background(), url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	op, r, err := c.NextReader()
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := io.Copy(io.Discard, r)
	fmt.Println(op, n, err)
	// Output: binary 1048576 <nil>
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func ExampleConn_Send() {
	news, err := websocket.Prepare(protocol.OpText, []byte("the same for all"))
	if err != nil {
		fmt.Println(err)
		return
	}
	url, stop := serving(func(c *websocket.Conn) {
		if c.Send(news) != nil {
			c.CloseNow() // too slow
		}
		c.ReadMessage()
	})
	defer stop()
	for range 2 {
		c, _, err := websocket.Dial(context.Background(), url, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		_, p, err := c.ReadMessage()
		fmt.Println(string(p), err)
		c.CloseNow()
	}
	// Output:
	// the same for all <nil>
	// the same for all <nil>
}

func ExampleConn_SetReadDeadline() {
	url, stop := serving(func(c *websocket.Conn) { c.ReadMessage() })
	defer stop()
	c, _, err := websocket.Dial(context.Background(), url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, _, err = c.ReadMessage()
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded), c.Err())
	// Output: true <nil>
}

func ExampleCloseError() {
	url, stop := serving(func(c *websocket.Conn) { c.Close(4000, "enough for today") })
	defer stop()
	c, _, err := websocket.Dial(context.Background(), url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = c.ReadMessage()
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		fmt.Println(closed.Code, "-", closed.Reason)
	}
	// Output: 4000 private use - enough for today
}
