// The handshake over HTTP/2, with the example of RFC 8441 5.1.

package protocol

import (
	"encoding/base64"
	"strings"
	"testing"
)

var exampleConnect = map[string][]string{
	":protocol": {"websocket"}, "Sec-Websocket-Protocol": {"chat, superchat"}, "Sec-Websocket-Extensions": {"permessage-deflate"},
	"Sec-Websocket-Version": {"13"}, "Origin": {"http://www.example.com"},
}

const exampleConnectHead = "CONNECT /chat HTTP/2.0\r\n:method: CONNECT\r\n:protocol: websocket\r\n:scheme: https\r\n:path: /chat\r\n" +
	":authority: server.example.com\r\norigin: http://www.example.com\r\nsec-websocket-extensions: permessage-deflate\r\n" +
	"sec-websocket-protocol: chat, superchat\r\nsec-websocket-version: 13\r\n\r\n"

func TestExampleConnect(t *testing.T) {
	text := AppendConnectHead(nil, "https", "server.example.com", "/chat", exampleConnect)
	if string(text) != exampleConnectHead {
		t.Errorf("%q", text)
	}
	request, n := ParseHead(text)
	r, target := RequestOf(request)
	if _, err := CheckRequest(r); err != nil || n != len(text) || target != "/chat" || r.Host != "server.example.com" {
		t.Errorf("%+v: %v", r, err)
	}
	answer := AppendConnectAnswer(nil, 200, map[string][]string{"Sec-Websocket-Protocol": {"chat"}})
	if string(answer) != "HTTP/2.0 200\r\n:status: 200\r\nsec-websocket-protocol: chat\r\n\r\n" {
		t.Errorf("%q", answer)
	}
	response, _ := ParseHead(answer)
	if err := CheckResponse(StatusOf(response), response, request); err != nil {
		t.Error(err)
	}
	for _, raw := range []Fields{request, RawHead(text)} {
		if !Accepts(200, raw) || !Accepts(204, raw) || Accepts(101, raw) || Accepts(403, raw) {
			t.Error("a wrong status accepts")
		}
	}
	for _, c := range append(RequestChecks(r), ResponseChecks(200, response, request)...) {
		if !c.OK || strings.Contains(c.What, "Key") || strings.Contains(c.What, "Accept") {
			t.Errorf("%+v", c)
		}
	}
}

func TestCheckConnect(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		status         int
	}{
		{"a key, which is not used", "origin:", "sec-websocket-key: x\r\norigin:", 0},
		{"GET", "CONNECT /", "GET /", 426},
		{"POST", "CONNECT /", "POST /", 405},
		{"no :protocol", ":protocol: websocket\r\n", "", 501},
		{"another :protocol", "websocket\r\n:s", "connect-udp\r\n:s", 501},
		{"two of them", ":scheme", ":protocol: websocket\r\n:scheme", 501},
		{"no :authority", ":authority: server.example.com\r\n", "", 400},
		{"Connection", "origin:", "connection: Upgrade\r\norigin:", 400},
		{"Upgrade", "origin:", "upgrade: websocket\r\norigin:", 400},
		{"no version", "sec-websocket-version: 13\r\n", "", 400},
		{"another version", "version: 13", "version: 8", 426},
		{"a length", "origin:", "content-length: 5\r\norigin:", 400},
		{"bad subprotocols", "chat, superchat", "chat, chat", 400},
		{"bad extensions", "permessage-deflate", "a; =", 400},
	} {
		head, n := ParseHead([]byte(strings.Replace(exampleConnectHead, c.old, c.new, 1)))
		r, _ := RequestOf(head)
		_, refused := CheckRequest(r)
		err, _ := refused.(*HandshakeError)
		if n == 0 || (err == nil) != (c.status == 0) || err != nil && err.Status != c.status {
			t.Errorf("%s: %v, want status %d", c.name, err, c.status)
		}
	}
}

// TestHeadsOfOddRequests: whatever net/http lets pass, the head can be read back.
func TestHeadsOfOddRequests(t *testing.T) {
	for _, path := range []string{"/", "/a b", "/%00", "/ü", "*", "/ HTTP/1.1"} {
		text := AppendConnectHead(nil, "https", "x", path, exampleConnect)
		head, n := ParseHead(text)
		r, target := RequestOf(head)
		if n != len(text) || r.Major != 2 || strings.ReplaceAll(path, " ", "%20") != target || head.Values(":path")[0] != path {
			t.Errorf("%q: %+v", path, head)
		}
	}
}

func TestEncodeBase64(t *testing.T) {
	b := []byte("\xff\x00\xfbany bytes, of which each prefix is encoded")
	for n := range b {
		if got, want := encodeBase64(b[:n]), base64.StdEncoding.EncodeToString(b[:n]); got != want {
			t.Errorf("%d bytes: %s, want %s", n, got, want)
		}
	}
}
