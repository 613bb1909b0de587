// A benchmark of the server's CPU time for a message: Socket.IO over WebSocket beside our plain echo
// and npm's socket.io server, each in a process of its own, in turns.

package socketio_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"framescope/protocol"
)

var program = flag.String("program", "", "the framescope to measure; without it one is built")

const (
	messageSize = 125 // bytes of a message to the server, its packet's head and event included
	roundTime   = 500 * time.Millisecond
	rounds      = 9
)

// target is a server, and what is sent to it.
type target struct {
	name            string
	pid             int
	address, path   string
	before          []string // what is sent after the handshake
	skip            int      // messages that come before the answers
	message, answer string
}

// BenchmarkCPU reports the microseconds of CPU time that each server takes for a message of 125
// bytes, and the median of ours, of each round, relative to our echo's and to npm's.
func BenchmarkCPU(b *testing.B) {
	text := strings.Repeat("x", messageSize-len(`42["message",""]`))
	ours, npm := startOurs(b), startNPM(b)
	socketIO := target{
		path: "/socket.io/?EIO=4&transport=websocket", before: []string{"40"}, skip: 3,
		message: `42["message","` + text + `"]`, answer: `42["message-back","` + text + `"]`,
	}
	echo := target{name: "echo", path: "/ws/echo", message: socketIO.message, answer: socketIO.message, pid: ours.pid, address: ours.address}
	framescope, reference := socketIO, socketIO
	framescope.name, framescope.pid, framescope.address = "socket.io", ours.pid, ours.address
	reference.name, reference.pid, reference.address = "npm", npm.pid, npm.address
	for _, inFlight := range []int{1, 16} {
		b.Run(fmt.Sprintf("%dB/%d", messageSize, inFlight), func(b *testing.B) {
			var times [3][]float64
			for range rounds {
				for i, t := range []*target{&echo, &framescope, &reference} {
					times[i] = append(times[i], t.round(b, inFlight))
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(middle(times[0]), "echo-cpu-µs/message")
			b.ReportMetric(middle(times[1]), "cpu-µs/message")
			b.ReportMetric(middle(times[2]), "npm-cpu-µs/message")
			b.ReportMetric(middle(ratios(times[1], times[0])), "x-echo")
			b.ReportMetric(middle(ratios(times[1], times[2])), "x-npm")
		})
	}
}

// round opens a connection, keeps messages in flight on it for a while, and returns the microseconds
// of CPU time of the server for each.
func (t *target) round(b *testing.B, inFlight int) float64 {
	c, r := t.connect(b)
	defer c.Close()
	burst := bytes.Repeat(maskedText(t.message), inFlight)
	answers := make([]byte, inFlight*len(plainText(t.answer)))
	messages := 0
	before := cpuTime(b, t.pid)
	for begun := time.Now(); time.Since(begun) < roundTime; messages += inFlight {
		if _, err := c.Write(burst); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(r, answers); err != nil {
			b.Fatal(err)
		}
	}
	used := cpuTime(b, t.pid) - before
	if !bytes.Equal(answers, bytes.Repeat(plainText(t.answer), inFlight)) {
		b.Fatalf("%s answered %q", t.name, answers)
	}
	return float64(used.Nanoseconds()) / 1000 / float64(messages)
}

// connect opens a connection and reads what comes before the answers.
func (t *target) connect(b *testing.B) (net.Conn, *bufio.Reader) {
	c, err := net.Dial("tcp", t.address)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", t.path, t.address)
	r := bufio.NewReaderSize(c, 64<<10)
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		b.Fatalf("%s: %v, %v", t.name, answer, err)
	}
	for _, text := range t.before {
		c.Write(maskedText(text))
	}
	for range t.skip {
		head, err := r.Peek(4)
		if err != nil {
			b.Fatal(err)
		}
		h, n := protocol.ParseHeader(head)
		if _, err := r.Discard(n + int(h.PayloadLength)); err != nil {
			b.Fatal(err)
		}
	}
	return c, r
}

func plainText(text string) []byte {
	h := protocol.Header{Fin: true, Opcode: protocol.OpText, PayloadLength: uint64(len(text))}
	return append(protocol.AppendHeader(nil, h), text...)
}

// maskedText masks with a key that changes nothing.
func maskedText(text string) []byte {
	h := protocol.Header{Fin: true, Masked: true, Opcode: protocol.OpText, PayloadLength: uint64(len(text))}
	return append(protocol.AppendHeader(nil, h), text...)
}

func startOurs(b *testing.B) target {
	if *program == "" {
		*program = filepath.Join(b.TempDir(), "framescope")
		if out, err := exec.Command("go", "build", "-trimpath", "-o", *program, "framescope/server").CombinedOutput(); err != nil {
			b.Fatalf("go build: %v: %s", err, out)
		}
	}
	return start(b, exec.Command(*program, "serve", "--addr", "127.0.0.1:0"))
}

func startNPM(b *testing.B) target {
	packageJSON, err := filepath.Abs("../../frontend/package.json")
	if err != nil {
		b.Fatal(err)
	}
	c := exec.Command("node", "testdata/server.mjs")
	c.Env = append(os.Environ(), "NODE_ENV=production", "PACKAGE_JSON="+packageJSON)
	return start(b, c)
}

// start starts a server and waits for its ready line.
func start(b *testing.B, c *exec.Cmd) target {
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	found := regexp.MustCompile(`http://(\S+)/`).FindStringSubmatch(line)
	if found == nil {
		b.Fatalf("%s said %q", c, line)
	}
	return target{pid: c.Process.Pid, address: found[1]}
}

// cpuTime returns the CPU time that all threads of a process have used.
func cpuTime(b *testing.B, pid int) (used time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, name := range threads {
		stat, _ := os.ReadFile(name)
		n, _ := strconv.ParseInt(strings.SplitN(string(stat), " ", 2)[0], 10, 64)
		used += time.Duration(n)
	}
	if used == 0 {
		b.Fatalf("no CPU time of process %d in /proc", pid)
	}
	return used
}

func ratios(of, to []float64) (all []float64) {
	for i := range of {
		all = append(all, of[i]/to[i])
	}
	return all
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
