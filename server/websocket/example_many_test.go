// Examples of several goroutines and several connections: broadcasts, pings, times and contexts.

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"framescope/server/websocket"
)

// hub passes on each message of a member to all members.
type hub struct {
	mu      sync.Mutex
	members map[*websocket.Conn]bool
}

func (h *hub) serve(c *websocket.Conn) {
	h.mu.Lock()
	h.members[c] = true
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.members, c)
		h.mu.Unlock()
	}()
	for {
		op, p, err := c.NextMessage()
		if err != nil {
			return
		}
		m, err := websocket.Prepare(op, p) // encoded, and compressed, once for all
		if err != nil {
			return
		}
		h.broadcast(m)
	}
}

// broadcast waits for no member: what one does not read at once waits in its queue.
func (h *hub) broadcast(m *websocket.Prepared) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.members {
		if errors.Is(c.Send(m), websocket.ErrSlowReader) {
			c.CloseNow() // its queue is full; its own goroutine removes it
		}
	}
}

// A chat: what one member says, all hear.
func Example_chat() {
	h := &hub{members: map[*websocket.Conn]bool{}}
	url, stop := serving(h.serve)
	defer stop()
	var members []*websocket.Conn
	for i := range 3 {
		c := mustDial(url, nil)
		defer c.CloseNow()
		members = append(members, c)
		_ = c.WriteMessage(websocket.Text, fmt.Appendf(nil, "number %d is here", i))
		for _, c := range members {
			_, p, err := c.ReadMessage()
			fmt.Println(string(p), err)
		}
	}
	// Output:
	// number 0 is here <nil>
	// number 1 is here <nil>
	// number 1 is here <nil>
	// number 2 is here <nil>
	// number 2 is here <nil>
	// number 2 is here <nil>
}

func ExampleConn_Send() {
	news, err := websocket.Prepare(websocket.Text, []byte("the same for all"))
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
		c := mustDial(url, nil)
		_, p, err := c.ReadMessage()
		fmt.Println(string(p), err)
		c.CloseNow()
	}
	// Output:
	// the same for all <nil>
	// the same for all <nil>
}

// Any number of goroutines may write, without a lock of the caller's: each message is sent whole.
func ExampleConn_WriteMessage_concurrent() {
	url, stop := serving(echoes)
	defer stop()
	c := mustDial(url, nil)
	defer c.CloseNow()
	var writers sync.WaitGroup
	for i := range 3 {
		writers.Go(func() { _ = c.WriteMessage(websocket.Text, fmt.Appendf(nil, "writer %d", i)) })
	}
	var came []string
	for range 3 {
		_, p, err := c.ReadMessage()
		if err != nil {
			fmt.Println(err)
			return
		}
		came = append(came, string(p))
	}
	writers.Wait()
	slices.Sort(came)
	fmt.Println(came)
	// Output: [writer 0 writer 1 writer 2]
}

// A message that ReadMessage returned belongs to the caller, which may keep it.
func ExampleConn_ReadMessage() {
	url, stop := serving(echoes)
	defer stop()
	c := mustDial(url, nil)
	defer c.CloseNow()
	messages := make(chan []byte)
	go func() {
		defer close(messages)
		for range 2 {
			_, p, err := c.ReadMessage()
			if err != nil {
				return
			}
			messages <- p
		}
	}()
	_ = c.WriteMessage(websocket.Text, []byte("one"))
	_ = c.WriteMessage(websocket.Text, []byte("two"))
	first, second := <-messages, <-messages
	fmt.Printf("%s %s\n", first, second)
	// Output: one two
}

// Ping says whether the peer is there, and how long the way there and back takes. A peer that is
// silent is pinged without being asked, after IdleTimeout, and closed after PongTimeout.
func ExampleConn_Ping() {
	url, stop := serving(echoes)
	defer stop()
	c := mustDial(url, nil)
	defer c.CloseNow()
	go func() { // the reader receives the pongs
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				return
			}
		}
	}()
	ticks := time.NewTicker(time.Millisecond) // rather every half minute
	defer ticks.Stop()
	for range 3 {
		<-ticks.C
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		began := time.Now()
		err := c.Ping(ctx)
		fmt.Println(err, time.Since(began) < 10*time.Second)
		cancel()
	}
	// Output:
	// <nil> true
	// <nil> true
	// <nil> true
}

// OnPong is called with every pong, also with those of SendPing, which waits for none.
func ExampleConn_SendPing() {
	url, stop := serving(echoes)
	defer stop()
	pongs := make(chan string, 1)
	o := &websocket.DialOptions{}
	o.OnPong = func(payload []byte) { pongs <- string(payload) }
	c := mustDial(url, o)
	defer c.CloseNow()
	go c.ReadMessage()
	_ = c.SendPing([]byte("are you there?"))
	fmt.Println(<-pongs)
	// Output: are you there?
}

// A read that is cancelled leaves the connection as it is.
func ExampleConn_Read() {
	url, stop := serving(echoes)
	defer stop()
	c := mustDial(url, nil)
	defer c.CloseNow()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, _, err := c.Read(ctx)
	fmt.Println(errors.Is(err, context.DeadlineExceeded), c.Err())
	_ = c.WriteMessage(websocket.Text, []byte("still here"))
	_, p, err := c.Read(context.Background())
	fmt.Println(string(p), err)
	// Output:
	// true <nil>
	// still here <nil>
}

// A write that is cancelled inside a message ends the connection.
func ExampleConn_Write() {
	wait := make(chan struct{})
	url, stop := serving(func(*websocket.Conn) { <-wait }) // reads nothing
	defer stop()
	defer close(wait)
	c := mustDial(url, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var err error
	for err == nil {
		err = c.Write(ctx, websocket.Binary, make([]byte, 1<<20))
	}
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

func ExampleConn_SetReadDeadline() {
	url, stop := serving(func(c *websocket.Conn) { c.ReadMessage() })
	defer stop()
	c := mustDial(url, nil)
	defer c.CloseNow()
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, _, err := c.ReadMessage()
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded), c.Err())
	// Output: true <nil>
}
