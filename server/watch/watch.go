// Package watch serves the capture feed that the page reads, /ws/inspect.
//
// The subprotocol is framescope.v1. The server sends binary messages, each of
// them whole records as package feed defines them. The page sends text messages,
// each a decimal number: how many more batches it has processed. At most eight
// batches are sent and not processed, so a page that cannot keep up lags by
// milliseconds and loses whole frames, which are counted, instead of falling
// further and further behind.
//
// With ?capture=ID&after=N a feed continues after frame N of that capture, as
// long as the history still has it.
package watch

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"

	"framescope/protocol"
	"framescope/server/tap"
	"framescope/server/websocket"
)

// Subprotocol is what the page must offer.
const Subprotocol = "framescope.v1"

// window is how many batches may be sent and not processed.
const window = 8

// maxCredit is the longest message that the page sends, in bytes: a decimal number.
const maxCredit = 64

// Handler serves the feed of a tap.
type Handler struct {
	Tap    *tap.Tap
	Server *websocket.Server
	Log    *slog.Logger
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	offered := protocol.Tokens(r.Header.Values("Sec-Websocket-Protocol"))
	if protocol.HasToken(r.Header.Values("Upgrade"), "websocket") && !slices.Contains(offered, Subprotocol) {
		w.Header().Set("Connection", "close")
		http.Error(w, "the capture feed speaks the subprotocol "+Subprotocol+": offer it", http.StatusBadRequest)
		return
	}
	after, capture, err := resumption(r)
	if err != nil {
		w.Header().Set("Connection", "close")
		http.Error(w, "capture is 32 hex digits and after a number: "+err.Error(), http.StatusBadRequest)
		return
	}
	// Most batches are for a browser on this machine: compressing them would cost more
	// than sending them.
	o := &websocket.AcceptOptions{Subprotocols: []string{Subprotocol}, NoCompression: true}
	c, err := h.Server.Accept(w, r, o)
	if err != nil {
		return
	}
	c.SetMaxMessageSize(maxCredit)
	watcher, err := h.Tap.Watch(capture, after)
	if err != nil {
		c.Close(protocol.CloseTryAgainLater, "too many pages watch already")
		return
	}
	defer watcher.Close()
	err = serve(r.Context(), c, watcher)
	h.Log.Info("watcher left", "remote", c.RemoteAddr(), "why", err)
}

func resumption(r *http.Request) (after uint64, capture []byte, err error) {
	q := r.URL.Query()
	if !q.Has("capture") {
		return 0, nil, nil
	}
	if capture, err = hex.DecodeString(q.Get("capture")); err != nil {
		return 0, nil, err
	}
	after, err = strconv.ParseUint(q.Get("after"), 10, 64)
	return after, capture, err
}

// serve sends batches from one goroutine while this one reads the credits. Both
// have ended when it returns.
func serve(ctx context.Context, c *websocket.Conn, watcher *tap.Watcher) error {
	ctx, cancel := context.WithCancel(ctx)
	credits := make(chan struct{}, window)
	for range window {
		credits <- struct{}{}
	}
	var batches atomic.Int64 // sent
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		send(ctx, c, watcher, credits, &batches)
	}()
	err := readCredits(c, credits, &batches)
	cancel()
	<-ended
	return err
}

func send(ctx context.Context, c *websocket.Conn, watcher *tap.Watcher, credits <-chan struct{}, batches *atomic.Int64) {
	for {
		select {
		case <-credits:
		case <-ctx.Done():
			return
		}
		batch, err := watcher.Next(ctx)
		if err != nil {
			return
		}
		batches.Add(1)
		if c.WriteMessage(protocol.OpBinary, batch) != nil {
			return
		}
	}
}

// readCredits reads the page's credits until the connection ends.
func readCredits(c *websocket.Conn, credits chan<- struct{}, batches *atomic.Int64) error {
	var processed int64 // batches, by the page
	for {
		op, p, err := c.NextMessage()
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(p), 10, 8)
		if op != protocol.OpText || err != nil {
			return c.Close(protocol.ClosePolicy, "a credit is a text message with a number of batches")
		}
		if processed += int64(n); processed > batches.Load() {
			return c.Close(protocol.ClosePolicy, "more credit than batches under way")
		}
		for range n {
			credits <- struct{}{} // never blocks: a batch has used one
		}
	}
}
