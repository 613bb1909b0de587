// The handshake of a connection, checked line by line, as JSON.

package inspect

import "framescope/protocol"

// Handshake returns the opening handshake of connection id as JSON
// (HandshakeDetail in the page's types); ok is false if it is not known. The
// slice is valid until the next call.
func (in *Inspector) Handshake(id uint32) (text []byte, ok bool) {
	c := in.conns.byID(id)
	if c == nil {
		return nil, false
	}
	request, _ := protocol.ParseHead(c.sent[protocol.Client].head)
	response, answered := protocol.ParseHead(c.sent[protocol.Server].head)
	key := ""
	if keys := request.Values("Sec-WebSocket-Key"); len(keys) > 0 {
		key = keys[0]
	}
	j := jsonWriter{buf: in.text[:0]}
	j.open('{')
	j.key("conn").int(int(id))
	j.key("remote").string(string(c.remote))
	writeHead(j.key("request"), request, c.sent[protocol.Client].head)
	writeHead(j.key("response"), response, c.sent[protocol.Server].head)
	j.key("checks").open('[')
	if request.StartLine != "" {
		r, _ := protocol.RequestOf(request)
		writeChecks(&j, "request", protocol.RequestChecks(r))
	}
	if answered > 0 {
		writeChecks(&j, "response", protocol.ResponseChecks(protocol.StatusOf(response), response, request))
	}
	j.close(']')
	writeAgreed(&j, c)
	writeAccept(&j, key, response)
	j.close('}')
	in.text = j.buf
	return in.text, true
}

// writeHead writes a head as its lines, or null when none was captured.
func writeHead(j *jsonWriter, h protocol.Head, raw []byte) {
	if len(raw) == 0 {
		j.null()
		return
	}
	j.open('{')
	j.key("line").string(h.StartLine)
	j.key("fields").open('[')
	for _, f := range h.Lines {
		j.open('[')
		j.string(f.Name)
		j.string(f.Value)
		j.close(']')
	}
	j.close(']')
	j.key("raw").string(string(raw))
	j.close('}')
}

func writeChecks(j *jsonWriter, of string, checks []protocol.Check) {
	for _, c := range checks {
		j.open('{')
		j.key("of").string(of)
		j.key("ok").bool(c.OK)
		j.key("what").string(c.What)
		j.key("seen").string(c.Seen)
		j.key("reason").string(c.Reason)
		j.key("section").string(c.Section)
		j.close('}')
	}
}

// writeAgreed writes a sentence about the permessage-deflate that was agreed on, if it was.
func writeAgreed(j *jsonWriter, c *conn) {
	d := c.sent[protocol.Client].decoder.Deflate
	j.key("compression").open('[')
	if d.On {
		for _, side := range []protocol.Side{protocol.Client, protocol.Server} {
			j.string(compressionOf(d, side))
		}
	}
	j.close(']')
}

func compressionOf(d protocol.Deflate, side protocol.Side) string {
	text := "The " + side.String() + "'s messages build on those before (context takeover)"
	if d.NoContextTakeover(side) {
		text = "The " + side.String() + " compresses each message by itself (no context takeover)"
	}
	return text + ", in a window of " + count(1<<d.WindowBits(side), "byte") + "."
}

// writeAccept writes how the accept key is computed, and whether it is right.
func writeAccept(j *jsonWriter, key string, response protocol.Head) {
	accept := ""
	if values := response.Values("Sec-WebSocket-Accept"); len(values) > 0 {
		accept = values[0]
	}
	computed := ""
	if key != "" {
		computed = protocol.AcceptKey(key)
	}
	j.key("key").string(key)
	j.key("guid").string(protocol.GUID)
	j.key("accept").string(accept)
	j.key("acceptComputed").string(computed)
	j.key("acceptOK").bool(accept != "" && accept == computed)
}
