// The opening handshake, with the RFC's own example.

package protocol

import (
	"crypto/sha1"
	"encoding/base64"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const exampleRequest = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n" +
	"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n"

const exampleResponse = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"

// RFC 6455 1.3: the sample nonce.
func TestAcceptKey(t *testing.T) {
	if got := AcceptKey("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("accept key %q", got)
	}
}

func TestExampleHandshake(t *testing.T) {
	request, n := ParseHead([]byte(exampleRequest + "\x81\x85"))
	if n != len(exampleRequest) {
		t.Fatalf("the head takes %d bytes, want %d", n, len(exampleRequest))
	}
	r, target := RequestOf(request)
	if key, err := CheckRequest(r); err != nil || key != "dGhlIHNhbXBsZSBub25jZQ==" || target != "/chat" {
		t.Errorf("key %q, target %q, %v", key, target, err)
	}
	response, _ := ParseHead([]byte(exampleResponse))
	if err := CheckResponse(StatusOf(response), response, request); err != nil {
		t.Error(err)
	}
	for cut := range exampleRequest {
		if _, n := ParseHead([]byte(exampleRequest[:cut])); n != 0 {
			t.Fatalf("%d bytes are a head", cut)
		}
	}
}

func TestCheckRequest(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		status         int
	}{
		{"lower case and lists", "Upgrade: websocket\r\nConnection: Upgrade", "upgrade: foo, WebSocket\r\nconnection: keep-alive , upgrade", 0},
		{"method", "GET", "POST", 405},
		{"version of HTTP", "HTTP/1.1", "HTTP/1.0", 400},
		{"no host", "Host: server.example.com\r\n", "", 400},
		{"no upgrade", "Upgrade: websocket\r\n", "", 426},
		{"other upgrade", "Upgrade: websocket", "Upgrade: h2c", 426},
		{"Kelvin sign", "Upgrade: websocket", "Upgrade: websoc\u212Aet", 426},
		{"no connection", "Connection: Upgrade\r\n", "", 400},
		{"no version", "Sec-WebSocket-Version: 13\r\n", "", 400},
		{"old version", "Version: 13", "Version: 8", 426},
		{"two versions", "Version: 13", "Version: 13\r\nSec-WebSocket-Version: 13", 426},
		{"no key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400},
		{"two keys", "Sec-WebSocket-Key: ", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: ", 400},
		{"short key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ==", 400},
		{"key that is no base64", "dGhlIHNhbXBsZSBub25jZQ==", "!!hlIHNhbXBsZSBub25jZQ==", 400},
	} {
		head, n := ParseHead([]byte(strings.Replace(exampleRequest, c.old, c.new, 1)))
		r, _ := RequestOf(head)
		_, refused := CheckRequest(r)
		err, _ := refused.(*HandshakeError)
		switch {
		case n == 0:
			t.Errorf("%s: no head", c.name)
		case c.status == 0 && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.status != 0 && (err == nil || err.Status != c.status):
			t.Errorf("%s: %v, want status %d", c.name, err, c.status)
		}
	}
}

// A kept handshake is no error, also as a value of that type.
func TestChecksReturnNoTypedNil(t *testing.T) {
	r := Request{Method: "GET", Host: "x", Major: 1, Minor: 1, Fields: fieldMap{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}}
	var err error
	if _, err = CheckRequest(r); err != nil {
		t.Errorf("request: %#v", err)
	}
	answer := fieldMap{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Accept": {"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}}
	if err = CheckResponse(101, answer, r.Fields); err != nil {
		t.Errorf("response: %#v", err)
	}
}

type fieldMap map[string][]string

func (f fieldMap) Values(name string) []string { return f[name] }

func TestInterim(t *testing.T) {
	for status, want := range map[int]bool{100: true, 103: true, 199: true, 101: false, 99: false, 200: false, 0: false} {
		if Interim(status) != want {
			t.Errorf("%d: %v", status, !want)
		}
	}
}

func TestCheckResponse(t *testing.T) {
	request, _ := ParseHead([]byte(exampleRequest))
	for _, c := range []struct{ name, old, new string }{
		{"status", "101 Switching", "200 OK"},
		{"no status", "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 1x1 Switching"},
		{"no upgrade", "Upgrade: websocket\r\n", ""},
		{"no connection", "Connection: Upgrade\r\n", ""},
		{"wrong accept", "s3pP", "S3pP"},
		{"no accept", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", ""},
		{"protocol not offered", "Protocol: chat", "Protocol: other"},
		{"extension not offered", "Upgrade: websocket", "Sec-WebSocket-Extensions: permessage-deflate; x=1\r\nUpgrade: websocket"},
	} {
		head, _ := ParseHead([]byte(strings.Replace(exampleResponse, c.old, c.new, 1)))
		if CheckResponse(StatusOf(head), head, request) == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
}

// text writes a head as it could have come.
func (h Head) text() string {
	text := h.StartLine + "\r\n"
	for _, f := range h.Lines {
		line := f.Value
		if f.Name != "" || line == "" || strings.Contains(line, ":") {
			line = f.Name + ":" + f.Value
		}
		text += line + "\r\n"
	}
	return text + "\r\n"
}

func TestRawHead(t *testing.T) {
	const text = "\r\n\nHTTP/1.1 101 OK\r\nSet-Cookie: a=b:c\r\nupgrade:websocket \nset-cookie:\td\r\nno field\r\n\r\nbody: x\r\n\r\n"
	if n := HeadLength([]byte(text)); text[n:] != "body: x\r\n\r\n" {
		t.Errorf("the head takes %d bytes", n)
	}
	h := RawHead(text)
	if h.StartLine() != "HTTP/1.1 101 OK" {
		t.Errorf("it begins with %q", h.StartLine())
	}
	for name, want := range map[string][]string{
		"Set-Cookie": {"a=b:c", "d"}, "Upgrade": {"websocket"}, "Host": nil, "body": nil, "": {"no field"},
	} {
		if got := h.Values(name); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, part := range []RawHead{"", "\r\n", "GET"} {
		if part.Values("Host") != nil || string(part.StartLine()) != strings.Trim(string(part), "\r\n") {
			t.Errorf("%q begins with %q", part, part.StartLine())
		}
	}
}

// A head costs as many allocations whatever stands in it.
func TestParseHeadAllocates(t *testing.T) {
	for _, head := range []string{exampleRequest, strings.Replace(exampleRequest, "\r\n\r\n", strings.Repeat("\r\nX-Field: value", 500)+"\r\n\r\n", 1)} {
		b := []byte(head)
		if n := testing.AllocsPerRun(10, func() { ParseHead(b) }); n > 2 {
			t.Errorf("%v allocations for %d bytes", n, len(b))
		}
	}
}

func FuzzHead(f *testing.F) {
	f.Add([]byte(exampleRequest))
	f.Add([]byte(exampleResponse))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n := ParseHead(b)
		if n > len(b) || n == 0 && (h.StartLine != "" || h.Lines != nil) {
			t.Fatalf("head of %d bytes in %d: %+v", n, len(b), h)
		}
		if n > 0 && b[n-1] != '\n' {
			t.Fatalf("the head ends at %q", b[:n])
		}
		raw := RawHead(b[:n])
		if raw.StartLine() != h.StartLine {
			t.Fatalf("the raw head begins with %q, the parsed one with %q", raw.StartLine(), h.StartLine)
		}
		if b := []byte(h.text()); n > 0 {
			if again, _ := ParseHead(b); !reflect.DeepEqual(again, h) {
				t.Fatalf("%q is parsed as %+v, written and parsed again as %+v", b, h, again)
			}
		}
		for _, f := range h.Lines {
			if got, want := raw.Values(f.Name), h.Values(f.Name); !slices.Equal(got, want) {
				t.Fatalf("%q of the raw head is %q, of the parsed one %q", f.Name, got, want)
			}
		}
		r, _ := RequestOf(h)
		RequestChecks(r)
		ResponseChecks(StatusOf(h), h, h)
	})
}

func FuzzSHA1(f *testing.F) {
	f.Add([]byte("dGhlIHNhbXBsZSBub25jZQ==" + GUID))
	f.Fuzz(func(t *testing.T, b []byte) {
		if sha1Sum(b) != sha1.Sum(b) {
			t.Fatalf("digest of %q is wrong", b)
		}
	})
}

// FuzzBase64: the standard library decodes what is taken, and nothing else.
func FuzzBase64(f *testing.F) {
	f.Add("dGhlIHNhbXBsZSBub25jZQ==")
	f.Fuzz(func(t *testing.T, text string) {
		decoded, err := base64.StdEncoding.DecodeString(text)
		want := err == nil && len(decoded) == 16 && !strings.ContainsAny(text, "\r\n")
		if isBase64(text, 16) != want {
			t.Fatalf("%q: %v, want %v", text, !want, want)
		}
	})
}

// RFC 6455 4.1: a response has one Upgrade field, and that is all that it says.
func TestUpgradeOfAResponse(t *testing.T) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	request := Head{Lines: []HeadField{{"Sec-WebSocket-Key", key}}}
	for _, c := range []struct {
		upgrade []string
		ok      bool
	}{
		{[]string{"websocket"}, true},
		{[]string{"WebSocket"}, true},
		{nil, false},
		{[]string{"websocket", "websocket"}, false},
		{[]string{"websocket, h2c"}, false},
	} {
		response := Head{Lines: []HeadField{{"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", AcceptKey(key)}}}
		for _, value := range c.upgrade {
			response.Lines = append(response.Lines, HeadField{"Upgrade", value})
		}
		if err := CheckResponse(101, response, request); (err == nil) != c.ok {
			t.Errorf("Upgrade %q: %v", c.upgrade, err)
		}
	}
}
