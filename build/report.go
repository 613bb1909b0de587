// The line that a build prints when it is done: the sizes that have a limit.

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// report adds up the files that the page needs to start, and those that it loads later.
func report(w io.Writer, files tree, later map[string]bool) {
	var module, page, parts, packed int
	for _, name := range slices.Sorted(maps.Keys(files)) {
		size := len(files[name])
		switch {
		case strings.HasSuffix(name, ".wasm"):
			module = size
		case strings.HasSuffix(name, ".wasm.br"):
			packed = size
		case later[strings.TrimSuffix(name, ".br")]:
			if strings.HasSuffix(name, ".br") {
				parts += size
			}
		case strings.HasSuffix(name, ".br") && !strings.Contains(name, "licences-"):
			page += size
		}
	}
	fmt.Fprintf(w, "built the page: WASM %.1f KB (brotli %.1f KB), all else brotli %.1f KB; loaded when needed: brotli %.1f KB\n",
		float64(module)/1000, float64(packed)/1000, float64(page)/1000, float64(parts)/1000)
}
