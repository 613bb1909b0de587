// The machine's memory, by the files of several systems, and when memory is given back.

package memory

import (
	"os"
	"testing"
)

func TestMachine(t *testing.T) {
	const meminfo = "MemTotal:       24576000 kB\nMemFree: 1 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing is known":  {nil, 0},
		"a machine":         {map[string]string{"/proc/meminfo": meminfo}, 24576000 << 10},
		"no bound":          {map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n"}, 24576000 << 10},
		"version 2":         {map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "1048576\n"}, 1 << 20},
		"a group above":     {map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n", "/sys/fs/cgroup/a/memory.max": "2097152\n"}, 2 << 20},
		"in a container":    {map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "1048576\n"}, 1 << 20},
		"version 1":         {map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "5:cpu:/x\n4:memory:/d\n", "/sys/fs/cgroup/memory/d/memory.limit_in_bytes": "1048576\n"}, 1 << 20},
		"1, in a container": {map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "4:memory:/d\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "1048576\n"}, 1 << 20},
		"1, no bound":       {map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "4:memory:/d\n", "/sys/fs/cgroup/memory/d/memory.limit_in_bytes": "9223372036854771712\n"}, 24576000 << 10},
		"broken":            {map[string]string{"/proc/meminfo": "MemTotal: much\n", "/proc/self/cgroup": "::::\n"}, 0},
	} {
		got := machine(func(name string) ([]byte, error) {
			text, ok := c.files[name]
			if !ok {
				return nil, os.ErrNotExist
			}
			return []byte(text), nil
		})
		if got != c.want {
			t.Errorf("%s: %d bytes, want %d", name, got, c.want)
		}
	}
}

func TestWhenMemoryIsGivenBack(t *testing.T) {
	const mib = 1 << 20
	var r releaser
	for i, step := range []struct {
		heap heap
		due  bool
	}{
		{heap{live: 100 * mib, mapped: 200 * mib, cycles: 5}, false},  // busy, and needs it
		{heap{live: 10 * mib, mapped: 200 * mib, cycles: 9}, true},    // busy, and needs less
		{heap{live: 190 * mib, mapped: 400 * mib, cycles: 20}, false}, // a peak
		{heap{live: 190 * mib, mapped: 400 * mib, cycles: 20}, true},  // that may have gone
		{heap{live: 10 * mib, mapped: 90 * mib, cycles: 20}, true},    // and left something in pools
		{heap{live: 10 * mib, mapped: 90 * mib, cycles: 20}, false},   // it is quiet now
		{heap{live: 10 * mib, mapped: 90 * mib, cycles: 20}, false},
		{heap{live: 10 * mib, mapped: 60 * mib, cycles: 21}, false},
		{heap{live: 10 * mib, mapped: 60 * mib, cycles: 21}, false}, // little
	} {
		if r.due(step.heap) != step.due {
			t.Errorf("step %d: %+v: %v", i, step.heap, !step.due)
		}
	}
}
