// Measuring a row: each server in turns, several times.

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// result is a row of the table: for each server its figures, none when it cannot
// do the work.
type result struct {
	row  row
	cost map[string][]float64 // in the row's unit
	rate map[string][]float64 // done a second; none in the row that measures memory
	wire map[string]float64   // bytes an answer
	seen float64              // share of frames that the page was shown
}

func newResult(r row) result {
	return result{row: r, cost: map[string][]float64{}, rate: map[string][]float64{}, wire: map[string]float64{}}
}

// contestant is a server with its work under way.
type contestant struct {
	child *child
	work  work
	done  int // in all rounds
	begun int // bytes received before the first
}

func (p plan) measure(ctx context.Context, r row) (result, error) {
	res := newResult(r)
	fmt.Fprintln(os.Stderr, r.name)
	if r.begin == nil {
		return res, p.measureMemory(ctx, res)
	}
	var entered []*contestant
	defer func() {
		for _, c := range entered {
			c.end()
		}
	}()
	for _, name := range p.servers {
		if !r.can(name) || ctx.Err() != nil {
			continue
		}
		c, err := enter(name, r)
		if err != nil {
			return res, fmt.Errorf("%s: %w", name, err)
		}
		entered = append(entered, c)
		if _, err := c.work.measure(p.length / 2); err != nil { // to warm up
			return res, fmt.Errorf("%s: %w", name, err)
		}
		c.begun = c.work.received()
	}
	for range p.rounds {
		for _, c := range entered {
			if ctx.Err() != nil {
				return res, ctx.Err()
			}
			if err := c.round(&res, p.length); err != nil {
				return res, fmt.Errorf("%s: %w", c.child.name, err)
			}
		}
	}
	for _, c := range entered {
		c.conclude(&res)
	}
	return res, nil
}

func enter(name string, r row) (*contestant, error) {
	s, err := start(name)
	if err != nil {
		return nil, err
	}
	w, err := r.begin(s)
	if err != nil {
		s.close()
		return nil, err
	}
	return &contestant{child: s, work: w}, nil
}

func (c *contestant) end() {
	c.work.end()
	c.child.close()
}

func (c *contestant) round(res *result, length time.Duration) error {
	// What the others' turns have left under way is done first.
	settled, err := c.work.measure(length / 10)
	if err != nil {
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
	c.done += settled + done
	res.cost[c.child.name] = append(res.cost[c.child.name], float64(after-before)/float64(done))
	res.rate[c.child.name] = append(res.rate[c.child.name], float64(done)/took.Seconds())
	return nil
}

func (c *contestant) conclude(res *result) {
	name := c.child.name
	res.wire[name] = float64(c.work.received()-c.begun) / float64(c.done)
	if share := c.work.seen(); share > 0 {
		res.seen = share
	}
	cost := res.cost[name]
	fmt.Fprintf(os.Stderr, "  %-16s %10.3f %s (%.3f to %.3f) %12.0f/s\n", name, median(cost), res.row.unit, slices.Min(cost), slices.Max(cost), median(res.rate[name]))
}

func (p plan) measureMemory(ctx context.Context, res result) error {
	for _, name := range p.servers {
		if !res.row.can(name) {
			continue
		}
		launch, path := start, "/idle"
		if res.row.shipped {
			launch, path = startProgram, "/ws/echo"
		}
		s, err := launch(name)
		if err != nil {
			return err
		}
		kib, err := measureIdle(ctx, s, path)
		s.close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		res.cost[name] = []float64{kib}
		fmt.Fprintf(os.Stderr, "  %-16s %10.2f %s\n", name, kib, res.row.unit)
	}
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 && n > 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
