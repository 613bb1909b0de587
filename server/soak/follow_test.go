//go:build linux

// What the server knows of an attack's connections, as its capture shows it.

package soak

import (
	"errors"
	"maps"
	"math"
	"os"
	"sync/atomic"
	"time"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// follow reads the capture for connections of a path. What it returns waits until n of
// them have come and all have ended.
func (a *assault) follow(path string) (gone func(n int, within time.Duration) string) {
	v, err := a.view()
	if err != nil {
		a.fail("watch: %v", err)
		return func(int, time.Duration) string { return "not seen" }
	}
	here, came := map[uint32]bool{}, 0
	v.seen = func(r feed.Record) error {
		switch r.Kind {
		case feed.Head:
			h, _ := protocol.ParseHead(r.Data)
			if r.Side == protocol.Client && r.Flags&feed.Replayed == 0 && h.StartLine == "GET "+path+" HTTP/1.1" {
				here[r.Conn] = true
				came++
			}
		case feed.Closed:
			delete(here, r.Conn)
		case feed.Known:
			maps.DeleteFunc(here, func(id uint32, _ bool) bool { return !v.open[id] })
		}
		return nil
	}
	v.within = sampleTime // to look up what is wanted
	var wanted atomic.Int64
	wanted.Store(math.MaxInt64)
	ended := make(chan error, 1)
	go func() {
		for {
			err := v.next(true)
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				ended <- err
				return
			}
			if int64(came) >= wanted.Load() && len(here) == 0 {
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
			return "not all have ended"
		case <-a.ctx.Done():
			return cutOff
		}
	}
}
