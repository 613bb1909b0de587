// Heads that are repeated for late watchers: whole while there is memory for that, otherwise
// only the fields of the handshake.

package tap

import (
	"strings"

	"framescope/protocol"
	"framescope/protocol/feed"
)

const (
	// keptHead is the longest head that is repeated whole, in bytes. Of a longer one, which is
	// mostly cookies, only the fields of the handshake are repeated.
	keptHead = 4 << 10
	// shortHead is keptHead once half of the memory is used.
	shortHead = 1 << 10
)

// fit shortens a Head to fit the memory that is left, and reports whether it fits.
func (o *openConns) fit(r *feed.Record) bool {
	limit := keptHead
	if o.bytes+recordSize(r) > o.limit/2 {
		limit = shortHead
	}
	if len(r.Data) > limit {
		if r.Flags&feed.Cut == 0 {
			r.WireSize = uint64(len(r.Data))
		}
		r.Data = handshakeFields(r.Data, limit)
		r.Flags |= feed.Cut
	}
	return o.bytes+recordSize(r) <= o.limit*3/4
}

// handshakeFields returns a head with only those fields of a handshake that fit into limit bytes.
func handshakeFields(head []byte, limit int) []byte {
	h, n := protocol.ParseHead(head)
	if n == 0 {
		return head[:limit]
	}
	short := []byte(shortLine(h.StartLine, limit/4) + "\r\n")
	for _, f := range h.Lines {
		name := strings.ToLower(f.Name)
		of := name == "host" || name == "origin" || name == "upgrade" || name == "connection" || strings.HasPrefix(name, "sec-websocket-") || strings.HasPrefix(name, ":")
		if field := f.Name + ": " + f.Value + "\r\n"; of && len(short)+len(field)+len("\r\n") <= limit {
			short = append(short, field...)
		}
	}
	return append(short, "\r\n"...)
}

// shortLine cuts a start line to limit bytes, but keeps its last word if that is a version
// of HTTP.
func shortLine(line string, limit int) string {
	if len(line) <= limit {
		return line
	}
	version := ""
	if at := strings.LastIndexByte(line, ' '); len(line)-at <= len(" HTTP/1.1") {
		version = line[at:]
	}
	return line[:limit-len(version)] + version
}
