// Inflating: the RFC's examples, every split, the limit, the window, and that the
// standard library says the same.

package protocol

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// deflated is data as one compressed message at a level.
func deflated(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(data)
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), tail)
}

// inflateAll inflates a whole message in pieces of a size.
func inflateAll(src []byte, size, limit int) (out []byte, v verdict) {
	z, context := new(Inflater), []byte(nil)
	for len(src) > 0 {
		n := min(size, len(src))
		var piece []byte
		piece, _, v = z.inflate(nil, context, src[:n], 1<<maxWindowBits, limit-len(out))
		piece = piece[:min(len(piece), limit-len(out))]
		if out = append(out, piece...); v != inflateMore {
			return out, v
		}
		context, src = out, src[n:]
	}
	return out, z.finish()
}

func TestInflateExamples(t *testing.T) {
	// RFC 7692 7.2.3: the examples, all of them "Hello".
	for name, wire := range map[string]string{
		"7.2.3.1 one fixed block":      "f248cdc9c90700",
		"7.2.3.3 one stored block":     "000500faff48656c6c6f00",
		"7.2.3.4 BFINAL set":           "f348cdc9c9070000",
		"7.2.3.5 two blocks":           "f248050000 00ffffcac9c90700",
		"BFINAL set, nothing after it": "f348cdc9c90700",
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(wire, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		for size := 1; size <= len(b); size++ {
			if out, v := inflateAll(b, size, 100); string(out) != "Hello" || v != inflateMore {
				t.Errorf("%s in pieces of %d: %q, verdict %d", name, size, out, v)
			}
		}
	}
}

// samples are data of different kinds, which compress into different blocks.
func samples() [][]byte {
	random := make([]byte, 70_000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	skewed := make([]byte, 100_000) // long codes: most bytes are few
	for i := range skewed {
		skewed[i] = byte(math.Abs(rng.NormFloat64() * 12))
	}
	return [][]byte{
		[]byte("a"), []byte("Hello, Hello, Hello, Hello"), random, skewed, make([]byte, 300_000),
		[]byte(strings.Repeat(`{"id":17,"name":"frame","tags":["x","y"],"ok":true},`, 3000)),
		bytes.Repeat([]byte("ab"), 200),
	}
}

func TestInflateSamples(t *testing.T) {
	for i, data := range samples() {
		for level := flate.HuffmanOnly; level <= 9; level++ {
			wire := deflated(t, data, level)
			for _, size := range []int{1, 2, 7, 1000, len(wire)} {
				if size < 7 && len(wire) > 20_000 {
					continue
				}
				out, v := inflateAll(wire, size, len(data))
				if !bytes.Equal(out, data) || v != inflateMore {
					t.Fatalf("sample %d level %d in pieces of %d: %d bytes of %d, verdict %d", i, level, size, len(out), len(data), v)
				}
			}
			if _, v := inflateAll(wire, len(wire), len(data)-1); v != inflateFull {
				t.Errorf("sample %d level %d: one byte over the limit: verdict %d", i, level, v)
			}
		}
	}
}

func TestInflateBoundsMemory(t *testing.T) {
	bomb := deflated(t, make([]byte, 64<<20), 9)
	out, v := inflateAll(bomb, len(bomb), 1<<20)
	if v != inflateFull || cap(out) > 2<<20 {
		t.Errorf("a bomb: verdict %d, %d bytes taken", v, cap(out))
	}
}

func TestInflateKeepsToTheWindow(t *testing.T) {
	data := append(bytes.Repeat([]byte{0}, 600), "abcdefghijklmnopqrstuvwxyz"...)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 600 {
		data[i] = byte(rng.Uint32())
	}
	data = append(data, data[:300]...) // a copy from 626 bytes back
	wire := deflated(t, data, 9)
	z := new(Inflater)
	if _, _, v := z.inflate(nil, nil, wire, 512, math.MaxInt); v != inflateCorrupt {
		t.Errorf("a copy from beyond 512 bytes: verdict %d", v)
	}
	z.Reset()
	if out, _, v := z.inflate(nil, nil, wire, 1024, math.MaxInt); v != inflateMore || !bytes.Equal(out, data) {
		t.Errorf("a copy from within 1024 bytes: verdict %d", v)
	}
}

// FuzzInflate: whatever the bytes, the standard library says the same of them, and
// so does every way of cutting them.
func FuzzInflate(f *testing.F) {
	for _, data := range samples() {
		f.Add(deflated(f, data[:min(len(data), 2000)], 9), 3)
	}
	f.Add([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), 1)
	f.Fuzz(func(t *testing.T, wire []byte, size int) {
		if len(wire) == 0 || size <= 0 {
			return
		}
		const limit = 1 << 20
		out, v := inflateAll(wire, len(wire), limit)
		if pieces, pv := inflateAll(wire, size, limit); pv != v || v == inflateMore && !bytes.Equal(pieces, out) {
			t.Fatalf("whole: %d bytes, verdict %d; in pieces of %d: %d bytes, verdict %d", len(out), v, size, len(pieces), pv)
		}
		want, err := standardInflate(wire, limit+1)
		switch {
		case err != nil && v == inflateMore:
			t.Fatalf("taken, though the standard library says %v", err)
		case err == nil && len(want) > limit && v != inflateFull, err == nil && len(want) <= limit && v == inflateFull:
			t.Fatalf("%d bytes, limit %d, verdict %d", len(want), limit, v)
		case err == nil && v == inflateMore && !bytes.Equal(want, out):
			t.Fatalf("inflated to\n%q, the standard library to\n%q", out, want)
		case err == nil && v == inflateCorrupt:
			t.Fatalf("refused, though the standard library takes it")
		}
	})
}

// standardInflate reads one message as RFC 7692 7.2.2 says: the tail must complete
// a block, and another one behind it is then read as what it is.
func standardInflate(wire []byte, limit int) ([]byte, error) {
	out, err := standardBlocks(wire, limit)
	if err == nil || len(out) >= limit {
		return out, nil // the message ends with a final block
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return out, err
	}
	const mark = "the next block"
	behind := slices.Concat(wire, tail, []byte{1, byte(len(mark)), 0, ^byte(len(mark)), 0xFF}, []byte(mark))
	marked, err := standardBlocks(behind, limit+len(mark))
	if err == nil && string(marked) != string(out)+mark {
		err = errors.New("the tail completes no block")
	}
	return out, err
}

// standardBlocks inflates blocks to the end of wire, final ones among them.
func standardBlocks(wire []byte, limit int) (out []byte, err error) {
	src := bytes.NewReader(wire)
	for src.Len() > 0 && len(out) < limit {
		r := flate.NewReaderDict(src, out[max(0, len(out)-32<<10):])
		piece, err := io.ReadAll(io.LimitReader(r, int64(limit-len(out))))
		out = append(out, piece...)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func BenchmarkInflate(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"1KiB", 1 << 10}, {"64KiB", 64 << 10}} {
		data := []byte(strings.Repeat(`{"id":17,"name":"frame","tags":["x","y"],"ok":true},`, 3000))[:c.size]
		rng := rand.New(rand.NewPCG(1, 2))
		for i := 5; i < len(data); i += 11 {
			data[i] = byte('a' + rng.IntN(26))
		}
		wire := deflated(b, data, 1)
		b.Run(c.name, func(b *testing.B) {
			z, out := new(Inflater), []byte(nil)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				z.Reset()
				out, _, _ = z.inflate(out[:0], nil, wire, 1<<15, 1<<20)
				if z.finish() != inflateMore || len(out) != len(data) {
					b.Fatal("wrong")
				}
			}
		})
		b.Run(c.name+"/standard", func(b *testing.B) {
			src := bytes.NewReader(nil)
			r := flate.NewReader(src)
			out := make([]byte, len(data))
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				src.Reset(wire)
				r.(flate.Resetter).Reset(src, nil)
				if _, err := io.ReadFull(r, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
