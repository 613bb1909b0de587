//go:build linux

// Following an attack's connections in the capture: what the server knows of them.

package soak

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"sync/atomic"
	"time"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// follow watches the connections whose handshake asks for a path. The function that it
// returns waits until n of them have been opened and all have ended, and says so.
func (a *attackRun) follow(path string) (gone func(n int, within time.Duration) string) {
	v, err := a.view()
	if err != nil {
		a.fail("watch: %v", err)
		return func(int, time.Duration) string { return cutOff }
	}
	open, opened, left := map[uint32]bool{}, int64(0), atomic.Int64{}
	v.seen = func(r feed.Record) {
		switch r.Kind {
		case feed.Head:
			h, _ := protocol.ParseHead(r.Data)
			if r.Side == protocol.Client && r.Flags&feed.Replayed == 0 && h.StartLine == "GET "+path+" HTTP/1.1" {
				open[r.Conn] = true
				opened++
			}
		case feed.Closed:
			delete(open, r.Conn)
		case feed.Known:
			maps.DeleteFunc(open, func(id uint32, _ bool) bool { return !v.open[id] })
		}
	}
	v.within = sampleTime // then it looks whether somebody waits
	var wanted atomic.Int64
	wanted.Store(math.MaxInt64)
	ended := make(chan error, 1)
	go func() {
		for {
			err := v.next()
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				ended <- err
				return
			}
			left.Store(int64(len(open)))
			if opened >= wanted.Load() && len(open) == 0 {
				ended <- nil
				return
			}
		}
	}()
	return func(n int, within time.Duration) string {
		wanted.Store(int64(n))
		select {
		case err := <-ended:
			if err != nil {
				return "the capture: " + err.Error()
			}
			return "all have ended"
		case <-time.After(within):
			return fmt.Sprintf("%d are open", left.Load())
		case <-a.ctx.Done():
			return cutOff
		}
	}
}
