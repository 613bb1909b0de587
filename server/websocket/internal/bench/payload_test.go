// What is sent: bytes, text and JSON, the same in every run.

package bench

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

func random() *rand.Rand { return rand.New(rand.NewPCG(7, 11)) }

func binaryBytes(n int) []byte {
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

// deflated is p as a compressed message without its last four bytes (RFC 7692 7.2.1).
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

// inflated undoes that, with what was sent before as context (RFC 7692 7.2.2).
func inflated(p, context []byte) ([]byte, error) {
	tail := strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")
	return io.ReadAll(flate.NewReaderDict(io.MultiReader(bytes.NewReader(p), tail), context))
}
