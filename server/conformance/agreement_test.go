// permessage-deflate as the test's end brings it about and keeps to it (RFC 7692).

package conformance

import (
	"bytes"
	"compress/flate"
	"strconv"
	"strings"
	"testing"

	"framescope/protocol"
)

const deflateName = "permessage-deflate"

// flow is one direction of compressed messages.
type flow struct {
	alone bool // each message is compressed by itself: no context takeover
	bits  int  // of the window; 0 says nothing, which is 15
}

func (f flow) window() int {
	if f.bits == 0 {
		return 1 << 15
	}
	return 1 << f.bits
}

// agreement is what the test's end offers to a server, or answers to a client.
type agreement struct{ ours, theirs flow }

// extension is the agreement in a head, for an endpoint in the given role.
func (a agreement) extension(tested protocol.Side) string {
	server, client := a.ours, a.theirs
	if tested == protocol.Server {
		server, client = a.theirs, a.ours
	}
	s := deflateName
	for _, p := range []struct {
		name string
		flow
	}{{"server", server}, {"client", client}} {
		if p.alone {
			s += "; " + p.name + "_no_context_takeover"
		}
		if p.bits != 0 {
			s += "; " + p.name + "_max_window_bits=" + strconv.Itoa(p.bits)
		}
	}
	return s
}

// parameters takes one element apart, names and values as they are.
func parameters(t *testing.T, element string) map[string]string {
	t.Helper()
	name, rest, _ := strings.Cut(element, ";")
	if strings.TrimSpace(name) != deflateName {
		t.Fatalf("%q is not %s", element, deflateName)
	}
	all := map[string]string{}
	for p := range strings.SplitSeq(rest, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if _, twice := all[name]; twice {
			t.Fatalf("%q names %s twice", element, name)
		}
		all[name] = value
	}
	delete(all, "")
	return all
}

// theirFlow is how the endpoint has bound itself: a server by its answer, a client
// by the test's.
func (p *peer) theirFlow(a agreement) flow {
	p.t.Helper()
	if p.side == protocol.Server {
		return a.theirs
	}
	if len(p.extensions) != 1 {
		p.t.Fatalf("%q was answered with %q", a.extension(protocol.Server), p.extensions)
	}
	answer := parameters(p.t, p.extensions[0])
	_, alone := answer["server_no_context_takeover"]
	bits, _ := strconv.Atoi(answer["server_max_window_bits"])
	return flow{alone, bits}
}

// packer compresses messages for the test's end.
type packer struct {
	flow
	history string
	b       bytes.Buffer
	w       *flate.Writer
}

// pack is a whole message, compressed. The standard library does it if the window
// is the largest; it knows no other.
func (k *packer) pack(m frame) frame {
	m.rsv = protocol.RSV1
	if k.window() < 1<<15 {
		history := k.history
		k.history = lastBytes(history+m.payload, k.window())
		if k.alone {
			history = ""
		}
		m.payload = greedy(history, m.payload, k.window()).message()
		return m
	}
	if k.w == nil || k.alone {
		k.w, _ = flate.NewWriter(&k.b, flate.DefaultCompression)
	}
	k.b.Reset()
	k.w.Write([]byte(m.payload))
	k.w.Flush()
	m.payload = strings.TrimSuffix(k.b.String(), "\x00\x00\xff\xff")
	return m
}

// packed are messages compressed in turn.
func (f flow) packed(messages ...frame) (frames []frame) {
	k := packer{flow: f}
	for _, m := range messages {
		frames = append(frames, k.pack(m))
	}
	return frames
}

// packed is a message whose payload is compressed already.
func packed(op protocol.Opcode, payload string) frame {
	return frame{op: op, rsv: protocol.RSV1, payload: payload}
}
