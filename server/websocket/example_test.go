// Examples of the first steps: a server, a client, messages, and the end of a connection.

package websocket_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"framescope/server/websocket"
)

// serving runs app for every connection and returns where to dial.
func serving(app func(*websocket.Conn)) (url string, stop func()) {
	return servingWith(&websocket.Server{}, nil, app)
}

// servingWith does so with a server and options for its requests.
func servingWith(sockets *websocket.Server, o *websocket.AcceptOptions, app func(*websocket.Conn)) (url string, stop func()) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = sockets.Handle(w, r, o, app) // a refusal has been answered
	}))
	return "ws" + strings.TrimPrefix(h.URL, "http"), func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		sockets.Shutdown(ctx)
		h.Close()
	}
}

// echoes answers every message with itself.
func echoes(c *websocket.Conn) {
	for {
		op, p, err := c.NextMessage()
		if err != nil || c.WriteMessage(op, p) != nil {
			return
		}
	}
}

// mustDial connects to a server of an example.
func mustDial(url string, o *websocket.DialOptions) *websocket.Conn {
	c, _, err := websocket.Dial(context.Background(), url, o)
	if err != nil {
		panic(err)
	}
	return c
}

// An echo server and a client of it.
func Example() {
	sockets := &websocket.Server{}
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		// If Handle returns an error, it has answered the request with it.
		_ = sockets.Handle(w, r, nil, func(c *websocket.Conn) {
			for {
				op, p, err := c.ReadMessage()
				if err != nil {
					return // Handle ends the connection
				}
				if err := c.WriteMessage(op, p); err != nil {
					return
				}
			}
		})
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	c, _, err := websocket.Dial(context.Background(), "ws"+strings.TrimPrefix(server.URL, "http")+"/echo", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	if err := c.WriteMessage(websocket.Text, []byte("Hello")); err != nil {
		fmt.Println(err)
		return
	}
	op, p, err := c.ReadMessage()
	fmt.Println(op, string(p), err)
	fmt.Println(c.Close(websocket.CloseNormal, "done"))
	// Output:
	// text Hello <nil>
	// <nil>
}

// Handle runs the application in a goroutine of its own, so what net/http holds of the request
// is freed while the connection lasts.
func ExampleServer_Handle() {
	sockets := &websocket.Server{}
	handler := func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("name") // here, not in the application, which would keep r
		_ = sockets.Handle(w, r, nil, func(c *websocket.Conn) {
			_ = c.WriteMessage(websocket.Text, []byte("Hello "+name))
		})
	}
	server := httptest.NewServer(http.HandlerFunc(handler))
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	c := mustDial("ws"+strings.TrimPrefix(server.URL, "http")+"/?name=Ada", nil)
	defer c.CloseNow()
	_, p, err := c.ReadMessage()
	fmt.Println(string(p), err)
	// Output: Hello Ada <nil>
}

// With Accept the handler has the connection, and must end it.
func ExampleServer_Accept() {
	sockets := &websocket.Server{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := sockets.Accept(w, r, nil)
		if err != nil {
			return // the request has been answered
		}
		defer c.CloseNow()
		_ = c.WriteMessage(websocket.Text, []byte("Hello"))
		_ = c.Close(websocket.CloseNormal, "that was all")
	}))
	defer server.Close()

	c := mustDial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	_, p, _ := c.ReadMessage()
	_, _, err := c.ReadMessage()
	fmt.Printf("%s; %v\n", p, err)
	// Output: Hello; websocket: closed with 1000 normal closure: that was all
}

func ExampleDial() {
	url, stop := serving(echoes)
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // for the handshake
	defer cancel()
	c, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	_ = c.WriteMessage(websocket.Binary, []byte{1, 2, 3})
	op, p, err := c.ReadMessage()
	fmt.Println(op, p, err)
	// Output: binary [1 2 3] <nil>
}

// Messages of JSON are encoded and decoded by encoding/json.
func ExampleConn_ReadMessage_json() {
	type point struct{ X, Y int }
	url, stop := serving(func(c *websocket.Conn) {
		for {
			_, p, err := c.NextMessage() // whose bytes json.Unmarshal copies
			if err != nil {
				return
			}
			var at point
			if json.Unmarshal(p, &at) != nil {
				_ = c.Close(websocket.CloseInvalidPayload, "a message is a point")
				return
			}
			at.X, at.Y = at.Y, at.X
			answer, err := json.Marshal(at)
			if err != nil || c.WriteMessage(websocket.Text, answer) != nil {
				return
			}
		}
	})
	defer stop()
	c := mustDial(url, nil)
	defer c.CloseNow()
	for _, text := range []string{`{"X": 1, "Y": 2}`, `[]`} {
		_ = c.WriteMessage(websocket.Text, []byte(text))
		_, p, err := c.ReadMessage()
		fmt.Println(string(p), err)
	}
	// Output:
	// {"X":2,"Y":1} <nil>
	//  websocket: closed with 1007 invalid payload: a message is a point
}

// How a connection ended is returned by the call that was reading, and by Err.
func ExampleCloseStatus() {
	url, stop := serving(func(c *websocket.Conn) { _ = c.Close(websocket.CloseTryAgainLater, "full") })
	defer stop()
	c := mustDial(url, nil)
	_, _, err := c.ReadMessage()
	switch websocket.CloseStatus(err) {
	case websocket.CloseNormal, websocket.CloseGoingAway:
		fmt.Println("over")
	case websocket.CloseTryAgainLater:
		fmt.Println("the server has no room: try again later")
	case websocket.CloseAbnormal:
		fmt.Println("cut off:", err)
	default:
		fmt.Println(err)
	}
	// Output: the server has no room: try again later
}

func ExampleCloseError() {
	url, stop := serving(func(c *websocket.Conn) { _ = c.Close(4000, "enough for today") })
	defer stop()
	c := mustDial(url, nil)
	_, _, err := c.ReadMessage()
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		fmt.Println(closed.Code, "-", closed.Reason)
	}
	// Output: 4000 private use - enough for today
}

// What is read while this end closes is net.ErrClosed, as with a net.Conn.
func ExampleConn_Close() {
	url, stop := serving(echoes)
	defer stop()
	c := mustDial(url, nil)
	ended := make(chan error)
	go func() {
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				ended <- err
				return
			}
		}
	}()
	fmt.Println(c.Close(websocket.CloseNormal, "done"))
	fmt.Println(errors.Is(<-ended, net.ErrClosed))
	// Output:
	// <nil>
	// true
}

// A server that ends lets net/http finish its requests and closes its WebSockets with 1001.
func ExampleServer_Shutdown() {
	sockets := &websocket.Server{}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = sockets.Handle(w, r, nil, echoes)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go server.Serve(l)
	c := mustDial("ws://"+l.Addr().String(), nil)
	reason := make(chan error)
	go func() {
		_, _, err := c.ReadMessage()
		reason <- err
	}()

	// When the process has to end, for instance after a signal (see signal.NotifyContext):
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = server.Shutdown(ctx) // no more requests
	sockets.Shutdown(ctx)    // which net/http knows nothing of
	fmt.Println(<-reason)
	// Output: websocket: closed with 1001 going away: the server is shutting down
}

// A message that is too large for memory is written, and read, in parts.
func ExampleConn_NextWriter() {
	url, stop := serving(func(c *websocket.Conn) {
		w, err := c.NextWriter(websocket.Binary)
		if err != nil {
			return
		}
		io.Copy(w, io.LimitReader(zeros{}, 1<<20)) // never whole in memory
		w.Close()
		c.ReadMessage()
	})
	defer stop()
	c := mustDial(url, nil)
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

func ExampleConn_NextReader() {
	type point struct{ X, Y int }
	url, stop := serving(func(c *websocket.Conn) {
		w, err := c.NextWriter(websocket.Text)
		if err != nil {
			return
		}
		_ = json.NewEncoder(w).Encode(point{1, 2})
		_ = w.Close()
		_, _, _ = c.ReadMessage()
	})
	defer stop()
	c := mustDial(url, nil)
	defer c.CloseNow()
	_, r, err := c.NextReader()
	if err != nil {
		fmt.Println(err)
		return
	}
	var at point
	err = json.NewDecoder(r).Decode(&at)
	fmt.Println(at, err)
	// Output: {1 2} <nil>
}

// A WebSocket carries any protocol that runs on a net.Conn: here lines of text.
func ExampleNetConn() {
	url, stop := serving(func(c *websocket.Conn) {
		stream := websocket.NetConn(c, websocket.Binary)
		_, _ = io.Copy(stream, stream)
	})
	defer stop()
	stream := websocket.NetConn(mustDial(url, nil), websocket.Binary)
	fmt.Fprintf(stream, "HELO %s\n", "there")
	fmt.Fprintf(stream, "QUIT\n")
	for range 2 {
		var verb, rest string
		n, err := fmt.Fscanln(stream, &verb, &rest)
		fmt.Println(verb, rest, n, err != nil)
	}
	fmt.Println(stream.Close())
	// Output:
	// HELO there 2 false
	// QUIT  1 true
	// <nil>
}
