// Command bench measures our connection beside those of other Go libraries: the
// same work, in turns, each server alone on one core and the load on another.
//
// It is a module of its own, so that no peer enters the product's go.mod.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		exit(serveProcess(os.Args[2]))
	}
	var (
		rows    = flag.String("rows", ".", "regular `expression` of the rows to measure")
		servers = flag.String("servers", strings.Join(serverNames, ","), "comma-separated `names` of the servers")
		rounds  = flag.Int("rounds", 5, "`times` that each server is measured in a row, in turns")
		length  = flag.Duration("length", 500*time.Millisecond, "`time` that one measurement takes")
		out     = flag.String("o", "", "`file` to write the table to, too")
	)
	flag.Parse()
	choice, err := regexp.Compile(*rows)
	if err != nil {
		exit(fmt.Errorf("-rows: %w", err))
	}
	exit(run(choice, strings.Split(*servers, ","), *rounds, *length, *out))
}

func exit(err error) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// run measures all chosen rows and writes the table.
func run(choice *regexp.Regexp, names []string, rounds int, length time.Duration, out string) error {
	if err := pin(loadCore); err != nil {
		return err
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	var results []result
	for _, r := range allRows() {
		if !choice.MatchString(r.name) {
			continue
		}
		one, err := measureRow(r, names, rounds, length, interrupted)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		results = append(results, one)
	}
	table := report(results, names, rounds, length)
	fmt.Print(table)
	if out == "" {
		return nil
	}
	return os.WriteFile(filepath.Clean(out), []byte(table), 0o644)
}
