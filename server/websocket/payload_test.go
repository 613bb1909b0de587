// Whose bytes a message is.

package websocket_test

import (
	"fmt"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

// all are ways in which a message comes: whole in the input, in fragments, long, compressed.
var all = map[string]websocket.Options{
	"plain": plain, "compressed": {Compression: websocket.Compression{Threshold: 1}},
	"context takeover": {Compression: websocket.Compression{Threshold: 1, ContextTakeover: true}},
}

func TestReadMessageBelongsToTheCaller(t *testing.T) {
	for name, o := range all {
		t.Run(name, func(t *testing.T) {
			client, server := pair(t, o)
			messages := make(chan []byte, 100)
			go func() {
				defer client.CloseNow()
				for i := range 20 {
					text := fmt.Sprint(i, strings.Repeat("-", i*i*400))
					if i%3 > 0 {
						_ = client.WriteMessage(websocket.Text, []byte(text))
						continue
					}
					w, err := client.NextWriter(websocket.Text)
					if err != nil {
						return
					}
					fmt.Fprint(w, text)
					_ = w.Close()
				}
				_, _, _ = client.ReadMessage()
			}()
			for range 20 {
				_, p, err := server.ReadMessage()
				if err != nil {
					t.Fatal(err)
				}
				if cap(p) != len(p) {
					t.Errorf("of %d bytes, %d are the caller's", cap(p), len(p))
				}
				messages <- p
			}
			for i := range 20 {
				if p, want := <-messages, fmt.Sprint(i, strings.Repeat("-", i*i*400)); string(p) != want {
					t.Errorf("message %d has become %.20q", i, p)
				}
			}
		})
	}
}

func TestEmptyMessagesAreNotNil(t *testing.T) {
	for name, o := range all {
		t.Run(name, func(t *testing.T) {
			client, server := pair(t, o)
			for _, to := range []*websocket.Conn{client, server} {
				from := client
				if to == client {
					from = server
				}
				for _, read := range []func() (websocket.Opcode, []byte, error){to.ReadMessage, to.NextMessage} {
					if err := from.WriteMessage(websocket.Binary, nil); err != nil {
						t.Fatal(err)
					}
					if op, p, err := read(); op != websocket.Binary || p == nil || len(p) > 0 || err != nil {
						t.Errorf("an empty message is %v %#v, %v", op, p, err)
					}
				}
			}
			client.CloseNow()
			for _, read := range []func() (websocket.Opcode, []byte, error){server.ReadMessage, server.NextMessage} {
				if _, p, err := read(); p != nil || err == nil {
					t.Errorf("at the end: %#v, %v", p, err)
				}
			}
		})
	}
}

func TestEmptyFragmentsAreNotNil(t *testing.T) {
	nc, c := piped(t, plain)
	for _, read := range []func() (websocket.Opcode, []byte, error){c.ReadMessage, c.NextMessage} {
		go nc.Write(append(masked(websocket.Text, false, ""), masked(protocol.OpContinuation, true, "")...))
		if _, p, err := read(); p == nil || len(p) > 0 || err != nil {
			t.Errorf("an empty message of two frames is %#v, %v", p, err)
		}
	}
}
