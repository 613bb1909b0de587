// How much memory there is.

package memory

import (
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// Machine returns how many bytes of memory this process may use at most: those of the machine
// or of its control groups, whichever is less; 0 if that is not known.
func Machine() int64 {
	return machine(os.ReadFile)
}

// machine is Machine of a system whose files are read with the given function.
func machine(read func(string) ([]byte, error)) int64 {
	least := int64(math.MaxInt64)
	take := func(n int64) {
		if n > 0 {
			least = min(least, n)
		}
	}
	if b, err := read("/proc/meminfo"); err == nil {
		take(total(string(b)))
	}
	groups, _ := read("/proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		switch controllers {
		case "": // version 2: a bound holds for all groups below
			for dir := group; ; dir = path.Dir(dir) {
				take(number(read, path.Join("/sys/fs/cgroup", dir, "memory.max")))
				if dir == "/" || dir == "." {
					break
				}
			}
		case "memory":
			take(number(read, path.Join("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes")))
			take(number(read, "/sys/fs/cgroup/memory/memory.limit_in_bytes")) // in a container
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// total reads MemTotal, which is in KiB.
func total(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		if value, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// number returns the number in a file, 0 if there is none: "max" is no bound.
func number(read func(string) ([]byte, error), name string) int64 {
	b, err := read(name)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n
}
