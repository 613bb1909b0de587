// What the figures were measured on, and which versions of whom.

package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

func machine() string {
	return fmt.Sprintf("%s, %d cores, Linux %s, %s", processor(), processors(), kernel(), runtime.Version())
}

// busy is how many others wanted to run in the last minute: with more than none the
// figures are less worth.
func busy() string {
	text, _ := os.ReadFile("/proc/loadavg")
	load, _, _ := strings.Cut(string(text), " ")
	return load
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
