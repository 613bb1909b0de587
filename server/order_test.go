// A test of the order of the capture: what a peer sent is recorded before the answer to it,
// even if its last frame is incomplete.

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/tap"
	"framescope/server/websocket"
)

func TestUnfinishedFramesAreRecordedBeforeTheClose(t *testing.T) {
	for name, c := range map[string]struct {
		wire string
		want []string
	}{
		"never ends":                {"\x82\xfd\x00\x00\x00\x00half", []string{"client binary partial", "server close 1008"}},
		"half a header":             {"\x82", []string{"client binary partial", "server close 1008"}},
		"too big":                   {"\x82\xfe\x04\x01\x00\x00\x00\x00some of it", []string{"client binary partial message-too-big", "server close 1009"}},
		"length with its high bit":  {"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00", []string{"client binary partial length-high-bit", "server close 1002"}},
		"bad text that goes on":     {"\x81\xfd\x00\x00\x00\x00abc\xff", []string{"client text partial utf8-invalid", "server close 1007"}},
		"a message that never ends": {"\x02\x81\x00\x00\x00\x00a", []string{"client binary", "server close 1008"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			frames := tap.New(tap.Options{Snap: 1 << 10, History: 1 << 20})
			const largest = 1 << 10
			sockets := &websocket.Server{Options: websocket.Options{
				MaxMessageSize: largest, FrameTimeout: 50 * time.Millisecond, MessageTimeout: 50 * time.Millisecond, CloseTimeout: time.Second,
			}}
			h := httptest.NewUnstartedServer(frames.Handler(largest, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = sockets.Handle(w, r, nil, func(c *websocket.Conn) {
					_, _, _ = c.ReadMessage()
				})
			})))
			h.Listener = frames.Listener(h.Listener)
			tap.Attach(h.Config)
			h.Start()
			defer h.Close()
			nc := rawSocket(t, h.URL+"/", "/")
			if _, err := nc.Write([]byte(c.wire)); err != nil {
				t.Fatal(err)
			}
			for b := make([]byte, 100); ; { // until the server ends it
				if _, err := nc.Read(b); err != nil {
					break
				}
			}
			nc.Close()
			in := inspected(t, frames)
			var got []string
			for i := range int(in.Refresh().Held) {
				in.Rows(i, 1)
				w := in.RowWindow()
				row := fmt.Sprint(protocol.Side(w.Flags[0]>>2&1), " ", protocol.Opcode(w.Opcode[0]))
				if w.Flags[0]&16 != 0 {
					row += " partial"
				}
				if w.Rule[0] != 0 {
					row += " " + protocol.Rule(w.Rule[0]-1).String()
				}
				if w.Code[0] != 0 {
					row += fmt.Sprint(" ", w.Code[0])
				}
				got = append(got, row)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
