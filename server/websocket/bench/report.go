// The table, in Markdown, with the machine and the versions.

package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

var peers = []string{"gorilla", "coder", "gobwas", "gws"}

func report(results []result, names []string, rounds int, length time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Server CPU for each piece of work, less is better: the median of %d measurements of %v, taken in turns.\n", rounds, length)
	fmt.Fprintf(&b, "Server alone on one core, load on another. %s, %d cores, Linux %s, %s.\n", processor(), processors(), kernel(), runtime.Version())
	fmt.Fprintf(&b, "%s.\n\n", versions())
	b.WriteString("| work | unit |")
	for _, n := range names {
		b.WriteString(" " + n + " |")
	}
	b.WriteString(" ahead of the best peer | of raw | tap | page |\n|---|---|" + strings.Repeat("---|", len(names)+4) + "\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %s |", r.row.name, r.row.unit)
		for _, n := range names {
			b.WriteString(" " + figure(r, n) + " |")
		}
		best, name := r.best(peers)
		fmt.Fprintf(&b, " %s | %s | %s | %s |\n", ratio(best, r.cost["framescope"], "× "+name), ratio(r.of("framescope"), r.cost["raw"], "×"),
			share(r, "framescope+tap"), share(r, "framescope+page"))
	}
	b.WriteString("\n*raw* echoes bytes over TCP and knows no frames. *tap* and *page* are the throughput, in work a second of server CPU, with the capture on and with a page that watches, as shares of that without.\n")
	return b.String()
}

func figure(r result, name string) string {
	if len(r.cost[name]) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", median(r.cost[name]))
}

func (r result) of(name string) float64 {
	if len(r.cost[name]) == 0 {
		return 0
	}
	return median(r.cost[name])
}

func (r result) best(names []string) (cost float64, name string) {
	for _, n := range names {
		if c := r.of(n); c > 0 && (cost == 0 || c < cost) {
			cost, name = c, n
		}
	}
	return cost, name
}

func ratio(above float64, below []float64, unit string) string {
	if above == 0 || len(below) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f %s", above/median(below), unit)
}

// share is what a capture leaves: pairs of the same round, since the machine's
// mood changes.
func share(r result, name string) string {
	with, without := r.cost[name], r.cost["framescope"]
	if len(with) == 0 || len(with) != len(without) {
		return "–"
	}
	var shares []float64
	for i := range with {
		shares = append(shares, 100*without[i]/with[i])
	}
	return fmt.Sprintf("%.0f %%", median(shares))
}

func versions() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "versions unknown"
	}
	var list []string
	for _, m := range info.Deps {
		for _, peer := range []string{"gorilla/websocket", "coder/websocket", "gobwas/ws", "lxzan/gws"} {
			if strings.HasSuffix(m.Path, peer) {
				list = append(list, peer+" "+m.Version)
			}
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, _ := strings.Cut(string(text), "model name")
	name, _, _ := strings.Cut(strings.TrimLeft(rest, "\t :"), "\n")
	return name
}

// processors counts all, also those that this process may not use.
func processors() int {
	text, _ := os.ReadFile("/proc/cpuinfo")
	return strings.Count("\n"+string(text), "\nprocessor")
}

func kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(text))
}
