// The rows of the table: what is done in each.

package bench

import (
	"fmt"
	"strings"

	"framescope/protocol"
)

// row is one kind of work.
type row struct {
	name string
	unit string // of the figure
	// can tells whether a server can do it.
	can func(server string) bool
	// begin sets it up; nil for the row that measures memory.
	begin func(s *child) (work, error)
	// deflate: what comes back depends on how hard the server tries.
	deflate bool
	// shipped: the server is the program itself, started as its users do.
	shipped bool
}

func all(string) bool                { return true }
func framed(s string) bool           { return s != "raw" }
func takesContextOver(s string) bool { return takesOver[s] }

// hasChat: the chat is ours.
func hasChat(s string) bool { return strings.HasPrefix(s, "framescope") }

// asShipped is in the column of the server with a capture, which the program has, too.
func asShipped(s string) bool { return s == "framescope+tap" && program != "" }

func allRows() []row {
	var rows []row
	for _, size := range []int{16, 125, 1 << 10, 16 << 10, 1 << 20} {
		for _, op := range []protocol.Opcode{protocol.OpBinary, protocol.OpText} {
			for _, flight := range []int{1, 16} {
				rows = append(rows, echoRow(size, op, flight))
			}
		}
	}
	for _, takeover := range []bool{false, true} {
		for _, flight := range []int{1, 16} {
			rows = append(rows, deflateRow(takeover, flight))
		}
	}
	for _, size := range []int{125, 4 << 10} {
		for _, flight := range []int{1, 4} {
			rows = append(rows, row{
				name: fmt.Sprintf("fan-out %s to 1,000, %d in flight", bytesName(size), flight), unit: "µs a delivery", can: framed,
				begin: func(s *child) (work, error) { return newFanOut(s, size, flight) },
			})
		}
	}
	for _, flight := range []int{1, 4} {
		rows = append(rows, row{
			name: fmt.Sprintf("chat, 125 B to 1,000, %d in flight", flight), unit: "µs a delivery", can: hasChat,
			begin: func(s *child) (work, error) { return newChat(s, 125, flight) },
		})
	}
	return append(rows,
		row{name: "handshake, one at a time", unit: "µs each", can: all, begin: newHandshakes},
		row{name: "idle connection, 10,000 of them", unit: "KiB resident", can: all},
		row{name: "idle connection of framescope serve, 10,000 of them", unit: "KiB resident", can: asShipped, shipped: true})
}

func echoRow(size int, op protocol.Opcode, flight int) row {
	k := echoKind{path: "/echo", conns: 64, flight: flight, op: op}
	if size == 1<<20 { // so that what is under way fits into the sockets
		k.conns, k.flight = 8, min(flight, 4)
	}
	k.payloads = [][]byte{binaryBytes(size)}
	if op == protocol.OpText {
		k.payloads = [][]byte{mixedText(size)}
	}
	name := fmt.Sprintf("echo %s %v, %d in flight, %d connections", bytesName(size), op, k.flight, k.conns)
	return row{name: name, unit: "µs a message", can: all, begin: k.begin}
}

// deflateRow has the client compress each message by itself, so that it can send
// the same ones over and over.
func deflateRow(takeover bool, flight int) row {
	k := echoKind{path: "/deflate", conns: 64, flight: flight, op: protocol.OpText, deflate: true, takeover: takeover}
	r := row{name: "without", unit: "µs a message", can: framed, deflate: true}
	k.fields = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
	if takeover {
		r.name, r.can, k.path = "with", takesContextOver, "/takeover"
		k.fields = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
	}
	r.name = fmt.Sprintf("deflate 1 KiB of JSON, %s context takeover, %d in flight, 64 connections", r.name, flight)
	for i := range 64 { // more than a window holds, so that no message is found in it whole
		k.payloads = append(k.payloads, json(i))
	}
	r.begin = k.begin
	return r
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
