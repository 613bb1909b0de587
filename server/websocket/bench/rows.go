// The rows of the table: what is done in each.

package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"framescope/protocol"
)

// row is one kind of work.
type row struct {
	name string
	unit string // of the figure
	// can tells whether a server can do it.
	can func(server string) bool
	// begin sets it up; measure then does it for a while and says how much was done.
	begin func(addr string) (work, error)
}

// work is a row under way at one server.
type work interface {
	measure(length time.Duration) (done int, err error)
	end() error
}

func all(string) bool       { return true }
func framed(s string) bool  { return s != "raw" }
func keeping(s string) bool { return takesOver[s] }

const perMessage = "µs a message"

func allRows() []row {
	var rows []row
	for _, size := range []int{16, 125, 1 << 10, 16 << 10, 1 << 20} {
		for _, text := range []bool{false, true} {
			for _, flight := range []int{1, 16} {
				conns := 64
				if size == 1<<20 {
					conns, flight = 8, min(flight, 4)
				}
				op, p := protocol.OpBinary, binary(size)
				kind := "binary"
				if text {
					op, p, kind = protocol.OpText, mixedText(size), "text"
				}
				rows = append(rows, row{
					fmt.Sprintf("echo %s %s, %d in flight, %d connections", bytesName(size), kind, flight, conns), perMessage, all,
					func(addr string) (work, error) {
						return newEcho(addr, "/echo", "", conns, flight, [][]byte{frame(op, 0, p)}, p, false)
					},
				})
			}
		}
	}
	for path, can := range map[string]func(string) bool{"/deflate": framed, "/takeover": keeping} {
		name, offer := "without context takeover", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
		if path == "/takeover" {
			name, offer = "with context takeover", "permessage-deflate; client_no_context_takeover"
		}
		rows = append(rows, row{
			"deflate 1 KiB of JSON, " + name + ", 16 in flight, 64 connections", perMessage, can,
			func(addr string) (work, error) {
				var frames [][]byte
				var first []byte
				for i := range 16 {
					p := json(i)
					if i == 0 {
						first = p
					}
					frames = append(frames, frame(protocol.OpText, protocol.RSV1, deflated(p)))
				}
				return newEcho(addr, path, "Sec-WebSocket-Extensions: "+offer+"\r\n", 64, 16, frames, first, true)
			},
		})
	}
	for _, size := range []int{125, 4 << 10} {
		for _, flight := range []int{1, 4} {
			rows = append(rows, row{
				fmt.Sprintf("fan-out %s to 1,000, %d in flight", bytesName(size), flight), "µs a delivery", framed,
				func(addr string) (work, error) { return newFan(addr, size, flight) },
			})
		}
	}
	return append(rows,
		row{"handshake, one at a time", "µs each", all, newHandshakes},
		row{"idle connection, 10,000 of them", "KiB resident", all, nil})
}

func bytesName(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

func random() *rand.Rand { return rand.New(rand.NewPCG(7, 11)) }

func binary(n int) []byte {
	rng, p := random(), make([]byte, n)
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	return p
}

// mixedText is words of ASCII and of Chinese in turns, n bytes.
func mixedText(n int) []byte {
	words := strings.Fields("frame 数据帧 window 窗口 the 消息 of 协议规定 bytes 掩码 and 每一个字节 close 关闭")
	rng := random()
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[rng.IntN(len(words))] + " ")
	}
	text := []byte(strings.ToValidUTF8(b.String()[:n], ""))
	return append(text, bytes.Repeat([]byte("."), n-len(text))...)
}

// json is 1 KiB of JSON, a little different for each i.
func json(i int) []byte {
	rng := rand.New(rand.NewPCG(uint64(i), 5))
	var b bytes.Buffer
	for b.Len() < 1<<10 {
		fmt.Fprintf(&b, `{"id":%d,"user":"u%x","price":%.2f,"tags":["a%d","live"],"ok":%v},`,
			rng.IntN(100_000), rng.Uint32(), rng.Float64()*100, rng.IntN(9), rng.IntN(2) == 0)
	}
	return b.Bytes()[:1<<10]
}

func deflated(p []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err != nil {
		panic(err)
	}
	w.Write(p)
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
}

func inflated(p []byte) ([]byte, error) {
	r := flate.NewReader(io.MultiReader(bytes.NewReader(p), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	return io.ReadAll(r)
}
