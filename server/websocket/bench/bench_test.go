// The harness itself: every server in a process of its own does every kind of
// work, and refuses text that is no UTF-8.

package main

import (
	"bytes"
	"os"
	"regexp"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"framescope/protocol"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		exit(serveProcess(os.Args[2]))
	}
	os.Exit(m.Run())
}

func TestEveryServerDoesEveryWork(t *testing.T) {
	some := regexp.MustCompile("125 B text, 16|1 MiB text, 4|deflate|fan-out 125 B to 1,000, 4|handshake")
	for _, r := range allRows() {
		if !some.MatchString(r.name) {
			continue
		}
		res, err := measureRow(r, serverNames, 1, 50*time.Millisecond, nil)
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
		for _, name := range serverNames {
			if r.can(name) && len(res.cost[name]) != 1 {
				t.Errorf("%s: no figure of %s", r.name, name)
			}
		}
	}
}

func TestEveryPeerChecksText(t *testing.T) {
	for _, name := range serverNames[1:] {
		s, err := start(name)
		if err != nil {
			t.Fatal(err)
		}
		fd, _, err := shake(s.addr, "/echo", "")
		if err != nil {
			t.Fatal(name, err)
		}
		if _, err := unix.Write(fd, frame(protocol.OpText, 0, []byte("ok\xff"))); err != nil {
			t.Fatal(name, err)
		}
		var answer [200]byte
		n, _ := unix.Read(fd, answer[:])
		if bytes.Contains(answer[:n], []byte("ok\xff")) {
			t.Errorf("%s echoes text that is no UTF-8", name)
		}
		unix.Close(fd)
		s.close()
	}
}

func TestMedian(t *testing.T) {
	if median([]float64{3, 1, 2}) != 2 || median([]float64{4, 1, 2, 3}) != 2.5 {
		t.Error("the median is wrong")
	}
}
