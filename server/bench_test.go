// A benchmark of what the tap costs: echo with it and without, in turns, over real sockets.

package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"framescope/protocol"
	"framescope/server/echo"
	"framescope/server/websocket"
)

// maskedFrame returns a masked binary frame, as a client sends it.
func maskedFrame(length int) []byte {
	h := protocol.Header{Fin: true, Masked: true, Opcode: protocol.OpBinary, MaskingKey: 0x37fa213d, PayloadLength: uint64(length)}
	return append(protocol.AppendHeader(nil, h), make([]byte, length)...)
}

// echoRound sends a burst on each connection and reads the echo, again and again for the
// time given, and returns the number of messages per second.
func echoRound(b *testing.B, conns []net.Conn, burst []byte, frames, answer int, during time.Duration) float64 {
	b.Helper()
	var rounds atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for _, nc := range conns {
		all.Go(func() {
			back := make([]byte, answer)
			for time.Since(begun) < during {
				if _, err := nc.Write(burst); err != nil {
					b.Error(err)
					return
				}
				if _, err := io.ReadFull(nc, back); err != nil {
					b.Error(err)
					return
				}
				rounds.Add(1)
			}
		})
	}
	all.Wait()
	return float64(rounds.Load()) * float64(frames) / time.Since(begun).Seconds()
}

// BenchmarkTap reports the throughput of /ws/echo with the tap and its history on and
// no page watching, and that throughput as a share of the one without a tap: the median
// over pairs of rounds, since the speed of the machine varies.
func BenchmarkTap(b *testing.B) {
	for _, test := range []struct {
		name                  string
		length, frames, conns int
	}{
		{"125B/1x64", 125, 1, 64}, {"125B/1", 125, 1, 1}, {"125B/16", 125, 16, 1}, {"16KiB/1", 16 << 10, 1, 1},
	} {
		b.Run(test.name, func(b *testing.B) {
			tapped, stop := runServer(b, nil)
			defer stop()
			sockets := &websocket.Server{}
			bare, stopBare := serveBare(b, &echo.Handler{Server: sockets, Log: slog.New(slog.DiscardHandler)})
			defer stopBare()

			var with, without []net.Conn
			for range test.conns {
				with = append(with, rawSocket(b, tapped, "/ws/echo"))
				without = append(without, rawSocket(b, bare, "/ws/echo"))
			}
			frame := maskedFrame(test.length)
			burst := slices.Repeat(frame, test.frames)
			answer := (len(frame) - 4) * test.frames // an answer has no masking key
			const round = 100 * time.Millisecond
			// Fill the history first: from then on its memory is reused, as in a server that
			// has run for a while.
			echoRound(b, with, burst, test.frames, answer, 25*round)
			var shares, rates []float64
			for len(shares) < 21 {
				pair := [2][]net.Conn{with, without}
				turn := len(shares) % 2 // in case the second of a pair has an advantage
				var rate [2]float64
				rate[turn] = echoRound(b, pair[turn], burst, test.frames, answer, round)
				rate[1-turn] = echoRound(b, pair[1-turn], burst, test.frames, answer, round)
				on, off := rate[0], rate[1]
				shares, rates = append(shares, 100*on/off), append(rates, on)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(rates), "messages/s")
			b.ReportMetric(median(shares), "%-of-untapped")
			for _, nc := range append(with, without...) {
				nc.Close()
			}
		})
	}
}

// serveBare serves a handler on a listener that is not tapped.
func serveBare(b *testing.B, handler http.Handler) (url string, stop func()) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	h := &http.Server{Handler: handler}
	go h.Serve(l)
	return "http://" + l.Addr().String() + "/", func() { h.Close() }
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
