// Measuring a row: each server in turns, several times.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"framescope/protocol"
	"framescope/server/inspect"
	"framescope/server/websocket"
)

// result is a row of the table: for each server its figures, empty when it cannot
// do the work.
type result struct {
	row  row
	cost map[string][]float64 // in the row's unit
	rate map[string][]float64 // done a second
}

var errInterrupted = errors.New("interrupted")

// contestant is a server with its work under way.
type contestant struct {
	child *child
	work  work
	stop  func()
}

func measureRow(r row, names []string, rounds int, length time.Duration, interrupted <-chan os.Signal) (result, error) {
	res := result{row: r, cost: map[string][]float64{}, rate: map[string][]float64{}}
	fmt.Fprintln(os.Stderr, r.name)
	if err := openFiles(); err != nil {
		return res, err
	}
	if r.begin == nil {
		return res, measureIdleRow(res, names)
	}
	var all []*contestant
	defer func() {
		for _, c := range all {
			c.end()
		}
	}()
	for _, name := range names {
		if !r.can(name) {
			continue
		}
		c, err := enter(name, r)
		if err != nil {
			return res, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, c)
		if _, err := c.work.measure(length / 2); err != nil { // to warm up
			return res, fmt.Errorf("%s: %w", name, err)
		}
	}
	for range rounds {
		for _, c := range all {
			select {
			case <-interrupted:
				return res, errInterrupted
			default:
			}
			if err := c.round(&res, length); err != nil {
				return res, fmt.Errorf("%s: %w", c.child.name, err)
			}
		}
	}
	for _, name := range names {
		if len(res.cost[name]) > 0 {
			fmt.Fprintf(os.Stderr, "  %-16s %10.3f %s %12.0f/s\n", name, median(res.cost[name]), r.unit, median(res.rate[name]))
		}
	}
	return res, nil
}

func enter(name string, r row) (*contestant, error) {
	s, err := start(name)
	if err != nil {
		return nil, err
	}
	c := &contestant{child: s, stop: func() {}}
	if name == "framescope+page" {
		if c.stop, err = watch(s.addr); err != nil {
			s.close()
			return nil, err
		}
	}
	if c.work, err = r.begin(s.addr); err != nil {
		c.stop()
		s.close()
		return nil, err
	}
	return c, nil
}

func (c *contestant) end() {
	if c.work != nil {
		_ = c.work.end()
	}
	c.stop()
	c.child.close()
}

func (c *contestant) round(res *result, length time.Duration) error {
	// What the others' turns have left under way is done first.
	if _, err := c.work.measure(length / 10); err != nil {
		return err
	}
	before, err := c.child.ask("cpu")
	if err != nil {
		return err
	}
	begun := time.Now()
	done, err := c.work.measure(length)
	if err != nil {
		return err
	}
	took := time.Since(begun)
	after, err := c.child.ask("cpu")
	if err != nil {
		return err
	}
	if done == 0 {
		return errors.New("nothing was done")
	}
	res.cost[c.child.name] = append(res.cost[c.child.name], float64(after-before)/float64(done))
	res.rate[c.child.name] = append(res.rate[c.child.name], float64(done)/took.Seconds())
	return nil
}

func measureIdleRow(res result, names []string) error {
	for _, name := range names {
		s, err := start(name)
		if err != nil {
			return err
		}
		kib, err := measureIdle(s)
		s.close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		res.cost[name] = []float64{kib}
		fmt.Fprintf(os.Stderr, "  %-16s %10.2f KiB\n", name, kib)
	}
	return nil
}

// watch is a page: it takes every batch and gives credit for it.
func watch(addr string) (stop func(), err error) {
	o := &websocket.DialOptions{Subprotocols: []string{inspect.Subprotocol}}
	o.MaxMessageSize = 64 << 20
	c, _, err := websocket.Dial(context.Background(), "ws://"+addr+"/ws/inspect", o)
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				return
			}
			if c.WriteMessage(protocol.OpText, strconv.AppendInt(nil, 1, 10)) != nil {
				return
			}
		}
	}()
	return func() { c.CloseNow(); <-ended }, nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 && n > 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
