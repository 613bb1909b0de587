// Tests of what net/http keeps for streams that are not read.

package websocket_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"framescope/server/memory"
	"framescope/server/websocket"
)

// TestUnreadInputOverHTTP2: while echoes wait for a peer that reads nothing, what it sent counts as well,
// of all streams of a connection together as much as net/http takes.
func TestUnreadInputOverHTTP2(t *testing.T) {
	const ofStream, ofConn, streams = 1 << 20, 2 << 20, 5
	budget := memory.NewBudget(256<<20, nil)
	h, failed, returned := flooding(&websocket.Server{Options: websocket.Options{WriteTimeout: time.Second, Memory: budget}})
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ConnContext = websocket.ConnContext
	s.Config.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: ofStream, MaxReceiveBufferPerConnection: ofConn}
	s.StartTLS()
	t.Cleanup(s.Close)
	c := dialRaw(t, s)
	_ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 64})
	for range streams {
		if _, err := c.open(); err != nil {
			t.Fatal(err)
		}
	}
	most, sample := int64(0), time.NewTicker(10*time.Millisecond)
	defer sample.Stop()
	for n := 0; n < streams; {
		select {
		case <-failed:
			<-returned
			n++
		case <-sample.C:
			most = max(most, budget.Used())
		}
	}
	if most < ofConn || most > ofConn+ofStream {
		t.Errorf("at most %d bytes were counted, want %d and a bit more", most, ofConn)
	}
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are still counted", used)
	}
}
