// The command: its arguments, and what is measured of all that can be.

package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// plan is what is measured, and how long.
type plan struct {
	rows    *regexp.Regexp
	servers []string
	rounds  int
	length  time.Duration // of one measurement
}

var errInterrupted = errors.New("interrupted")

// TestMain makes three programs of one binary: the measurement, a server that it
// starts, and the tests of both.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		exit(serveProcess(os.Args[2]))
	case len(os.Args) > 1 && os.Args[1] == "measure":
		exit(measure(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// measure is the program that `make bench-peers` runs.
func measure(arguments []string) error {
	flag := flag.NewFlagSet("bench-peers", flag.ExitOnError)
	var (
		rows    = flag.String("rows", ".", "regular `expression` of the rows to measure")
		servers = flag.String("servers", strings.Join(serverNames, ","), "comma-separated `names` of the servers")
		rounds  = flag.Int("rounds", 5, "`times` that each server is measured in a row, in turns")
		length  = flag.Duration("length", 500*time.Millisecond, "`time` that one measurement takes")
		quick   = flag.Bool("quick", false, "the same as -rounds 3 -length 200ms")
		out     = flag.String("o", "", "`file` to write the table to, too")
	)
	flag.StringVar(&program, "program", "", "`path` of bin/framescope, for the row that measures it")
	if err := flag.Parse(arguments); err != nil {
		return err
	}
	if *quick {
		*rounds, *length = 3, 200*time.Millisecond
	}
	p, err := newPlan(*rows, *servers, *rounds, *length)
	if err != nil {
		return err
	}
	return run(p, *out)
}

func exit(err error) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func newPlan(rows, names string, rounds int, length time.Duration) (p plan, err error) {
	if p.rows, err = regexp.Compile(rows); err != nil {
		return p, fmt.Errorf("-rows: %w", err)
	}
	p.servers, p.rounds, p.length = strings.Split(names, ","), rounds, length
	for _, name := range p.servers {
		if !slices.Contains(serverNames, name) {
			return p, fmt.Errorf("-servers: there is no %q, but %s", name, strings.Join(serverNames, ", "))
		}
	}
	if rounds < 1 || length <= 0 {
		return p, errors.New("-rounds and -length must be more than 0")
	}
	return p, nil
}

// run measures all chosen rows and writes the table.
func run(p plan, out string) error {
	if err := pin(loadCore); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := openFiles(); err != nil {
		return err
	}
	load := busy()
	var results []result
	for _, r := range allRows() {
		if !p.rows.MatchString(r.name) {
			continue
		}
		one, err := p.measure(ctx, r)
		if ctx.Err() != nil {
			return errInterrupted
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		results = append(results, one)
	}
	if len(results) == 0 {
		return fmt.Errorf("-rows: none matches %v", p.rows)
	}
	table := report(results, p, load)
	fmt.Print(table)
	if out == "" {
		return nil
	}
	return os.WriteFile(filepath.Clean(out), []byte(table), 0o644)
}
