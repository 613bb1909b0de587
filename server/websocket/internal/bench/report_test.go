// The tables, in Markdown.

package bench

import (
	"fmt"
	"slices"
	"strings"
)

func report(results []result, p plan, load string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Server CPU for each piece of work, less is better: the median of %d measurements of %v, taken in turns.\n", p.rounds, p.length)
	fmt.Fprintf(&b, "Server alone on one core, load on another. %s; load average before: %s.\n%s.\n", machine(), load, versions())
	b.WriteString(spread(results) + "\n")
	head(&b, "| work | unit |", p.servers, "best peer : ours", "ours : raw", "tap", "page")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %s |", r.row.name, r.row.unit)
		for _, n := range p.servers {
			b.WriteString(" " + figure(r.of(n)) + " |")
		}
		best, name := r.best(peers)
		fmt.Fprintf(&b, " %s | %s | %s | %s |\n", ratio(best, r.of("framescope"), " "+name), ratio(r.of("framescope"), r.of("raw"), ""),
			share(r, "framescope+tap"), sharePage(r))
	}
	b.WriteString("\n*raw* echoes bytes over TCP and knows no frames: the limit. *tap* and *page* are what of the throughput, " +
		"in work a second of server CPU, is left with the capture on and with a page that watches; " +
		"behind it the share of frames that the page was shown, since a page that is too slow loses whole frames.\n")
	rates(&b, results, p)
	sizes(&b, results, p)
	return b.String()
}

// rates is the second table.
func rates(b *strings.Builder, results []result, p plan) {
	b.WriteString("\nDone a second, the server's core not always full:\n\n")
	head(b, "| work |", p.servers)
	for _, r := range results {
		if len(r.rate) == 0 {
			continue
		}
		fmt.Fprintf(b, "| %s |", r.row.name)
		for _, n := range p.servers {
			b.WriteString(" " + rate(r.rate[n]) + " |")
		}
		b.WriteString("\n")
	}
}

// sizes tells how hard each tried, where a message can be made small.
func sizes(b *strings.Builder, results []result, p plan) {
	for _, r := range results {
		if !r.row.deflate {
			continue
		}
		fmt.Fprintf(b, "\nBytes an answer, %s:", r.row.name)
		for _, n := range p.servers {
			if r.wire[n] > 0 {
				fmt.Fprintf(b, " %s %.0f;", n, r.wire[n])
			}
		}
		b.WriteString("\n")
	}
}

// head writes a table's two first lines.
func head(b *strings.Builder, first string, names []string, more ...string) {
	columns := strings.Count(first, "|") - 1 + len(names) + len(more)
	b.WriteString(first)
	for _, n := range append(names[:len(names):len(names)], more...) {
		b.WriteString(" " + n + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", columns) + "\n")
}

func figure(cost float64) string {
	if cost == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", cost)
}

func rate(rates []float64) string {
	if len(rates) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", median(rates))
}

// spread says how much nine in ten of all measurements differ from their medians.
func spread(results []result) string {
	var all []float64
	for _, r := range results {
		for _, cost := range r.cost {
			m := median(cost)
			for _, c := range cost {
				all = append(all, c/m)
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return fmt.Sprintf("Of all measurements nine in ten lie from %.2f to %.2f times their median.\n", all[len(all)/20], all[len(all)-1-len(all)/20])
}

// of is a server's figure, 0 when it has none.
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

func ratio(above, below float64, note string) string {
	if above == 0 || below == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f%s", above/below, note)
}

// share is what a capture leaves: pairs of the same round, since the machine's
// mood changes.
func share(r result, name string) string {
	with, without := r.cost[name], r.cost["framescope"]
	if len(with) == 0 || len(with) != len(without) || r.row.begin == nil {
		return "–"
	}
	var shares []float64
	for i := range with {
		shares = append(shares, 100*without[i]/with[i])
	}
	return fmt.Sprintf("%.0f %%", median(shares))
}

func sharePage(r result) string {
	text := share(r, "framescope+page")
	if r.seen > 0 {
		text += fmt.Sprintf(" (shown %.0f %%)", 100*r.seen)
	}
	return text
}
