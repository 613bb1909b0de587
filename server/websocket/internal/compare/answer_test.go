// A server's answers to the opening handshake in every variant, given to both clients.

package compare_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"framescope/server/websocket"
)

const goodAnswer = "HTTP/1.1 101 Switching Protocols\r\n" + upgradeField + connectionField + "Sec-WebSocket-Accept: ACCEPT\r\n\r\n"

// greeting follows each answer in the same write: a client that accepts reads it.
const greeting = "\x81\x05hello"

// dialer connects to a URL and reads the greeting.
type dialer func(url string) error

func dialOurs(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: subprotocols})
	if err != nil {
		return err
	}
	defer c.CloseNow()
	_, p, err := c.ReadMessage()
	return greeted(p, err)
}

func dialGorilla(url string) error {
	d := gorilla.Dialer{Subprotocols: subprotocols, HandshakeTimeout: patience}
	c, _, err := d.Dial(url, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	_, p, err := c.ReadMessage()
	return greeted(p, err)
}

var errGreeting = errors.New("the greeting was not read")

func greeted(p []byte, err error) error {
	if err != nil || string(p) != "hello" {
		return errors.Join(errGreeting, err)
	}
	return nil
}

func TestEveryAnswer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, c := range answers {
		answer := c.of(t, goodAnswer)
		c.record(t, "answers to the opening handshake", client,
			give(t, listener, answer, dialOurs), give(t, listener, answer, dialGorilla))
	}
}

// give has a client dial and gives it the answer; it returns 101 if the client
// took it, 400 if not.
func give(t *testing.T, listener net.Listener, answer string, dial dialer) (status int) {
	t.Helper()
	dialled := make(chan error, 1)
	go func() { dialled <- dial("ws://" + listener.Addr().String() + "/chat") }()
	nc, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	request, err := http.ReadRequest(bufio.NewReader(nc))
	if err != nil {
		t.Fatal(err)
	}
	checkRequest(t, request)
	key := request.Header.Get("Sec-Websocket-Key")
	_, _ = io.WriteString(nc, strings.Replace(answer, "ACCEPT", acceptKey(key), 1)+greeting)
	_ = nc.(*net.TCPConn).CloseWrite()
	err = <-dialled
	switch {
	case errors.Is(err, errGreeting):
		t.Errorf("%q: %v", answer, err)
	case err == nil:
		return accepted
	}
	return http.StatusBadRequest
}

// checkRequest holds what a client sends against RFC 6455 4.1.
func checkRequest(t *testing.T, r *http.Request) {
	t.Helper()
	key := r.Header.Get("Sec-Websocket-Key")
	ok := r.Method == "GET" && r.Proto == "HTTP/1.1" && r.Host != "" && r.RequestURI == "/chat" && len(key) == 24 && strings.HasSuffix(key, "==")
	for name, want := range map[string][]string{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {key}, "Sec-Websocket-Protocol": {"chat.v1, chat.v2"},
	} {
		ok = ok && slices.Equal(r.Header.Values(name), want)
	}
	if !ok {
		t.Errorf("a client asked with %+v", r)
	}
}

const (
	anyProtocol  = "takes a subprotocol that it has not offered"
	anyExtension = "takes an extension that it has not offered"
	acceptField  = "Sec-WebSocket-Accept: ACCEPT\r\n"
	firstAccept  = "takes the first of several fields that may come once"
)

var answers = []handshakeCase{
	{"the good answer", "", "", accepted, "4.1", ""},
	{"an answer with names in lower case", "Sec-WebSocket-Accept", "sec-websocket-accept", accepted, "4.1", ""},
	{"an answer with Upgrade: WebSocket", "websocket", "WebSocket", accepted, "4.1", ""},
	{"an answer with Connection: upgrade", "Connection: Upgrade", "Connection: upgrade", accepted, "4.1", ""},
	{"an answer with Connection: keep-alive, Upgrade", "Connection: ", "Connection: keep-alive, ", accepted, "4.1", ""},
	{"an answer with Connection in two fields", connectionField, "Connection: keep-alive\r\n" + connectionField, accepted, "4.1", ""},
	{"an answer with Connection: , Upgrade", "Connection: ", "Connection: , ", accepted, "RFC 9110 5.6.1", emptyElements},
	{"another reason phrase", "Switching Protocols", "Fine", accepted, "4.1", ""},
	{"an empty reason phrase", "Switching Protocols", "", accepted, "4.1", ""},
	{"white space around the accept key", "ACCEPT", "\t ACCEPT \t", accepted, "4.1", ""},
	{"the first subprotocol", acceptField, acceptField + "Sec-WebSocket-Protocol: chat.v1\r\n", accepted, "4.1", ""},
	{"the second subprotocol", acceptField, acceptField + "Sec-WebSocket-Protocol: chat.v2\r\n", accepted, "4.1", ""},
	{"an answer with fields that mean nothing here", acceptField, acceptField + "Set-Cookie: a=b\r\nX-Other: 1\r\n", accepted, "4.1", ""},

	{"status 200", "101", "200", refusal, "4.1", ""},
	{"status 204", "101", "204", refusal, "4.1", ""},
	{"status 302", "101 Switching Protocols", "302 Found\r\nLocation: /other", refusal, "4.1", ""},
	{"status 401", "101", "401", refusal, "4.1", ""},
	{"status 426", "101", "426", refusal, "4.1", ""},
	{"status 500", "101", "500", refusal, "4.1", ""},
	{"no status line", "HTTP/1.1 101 Switching Protocols\r\n", "", refusal, "4.1", ""},
	{"an answer that is not HTTP", "HTTP/1.1", "SSH-2.0", refusal, "4.1", ""},
	{"an answer that ends in its head", "\r\n\r\n", "\r\n", refusal, "4.1", ""},
	{"an answer without Upgrade", upgradeField, "", refusal, "4.1", ""},
	{"an answer with Upgrade: h2c", "websocket", "h2c", refusal, "4.1", ""},
	{"an answer without Connection", connectionField, "", refusal, "4.1", ""},
	{"an answer with Connection: close", connectionField, "Connection: close\r\n", refusal, "4.1", ""},
	{"no accept key", acceptField, "", refusal, "4.1", ""},
	{"an empty accept key", "ACCEPT", "", refusal, "4.1", ""},
	{"the accept key of another key", "ACCEPT", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", refusal, "4.1", ""},
	{"an accept key with more behind it", "ACCEPT", "ACCEPTA", refusal, "4.1", ""},
	{"the accept key in two fields", acceptField, acceptField + acceptField, refusal, "11.3.3", firstAccept},
	{"the accept key, then another", acceptField, acceptField + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", refusal, "11.3.3", firstAccept},
	{"another subprotocol", acceptField, acceptField + "Sec-WebSocket-Protocol: other\r\n", refusal, "4.1", anyProtocol},
	{"a subprotocol in another case", acceptField, acceptField + "Sec-WebSocket-Protocol: Chat.v1\r\n", refusal, "4.1", anyProtocol},
	{"two subprotocols", acceptField, acceptField + "Sec-WebSocket-Protocol: chat.v1, chat.v2\r\n", refusal, "4.2.2", anyProtocol},
	{"two fields with a subprotocol", acceptField, acceptField + "Sec-WebSocket-Protocol: chat.v1\r\nSec-WebSocket-Protocol: chat.v2\r\n", refusal, "11.3.4", firstAccept},
	{"another extension", acceptField, acceptField + "Sec-WebSocket-Extensions: x-other\r\n", refusal, "4.1", anyExtension},
	{"another extension with parameters", acceptField, acceptField + "Sec-WebSocket-Extensions: x-other; a=1\r\n", refusal, "4.1", anyExtension},
	{"a malformed list of extensions in an answer", acceptField, acceptField + "Sec-WebSocket-Extensions: x-a; =\r\n", refusal, "9.1", badExtensions},
	{"an answer with Upgrade: websocket, h2c", "websocket", "websocket, h2c", refusal, "4.1", "takes an answer that upgrades to more than websocket"},
	{"an answer with Upgrade in two fields", upgradeField, "Upgrade: h2c\r\n" + upgradeField, refusal, "4.1", "takes an answer that upgrades to more than websocket"},
	{"an empty subprotocol", acceptField, acceptField + "Sec-WebSocket-Protocol:\r\n", refusal, "4.2.2", "takes an empty subprotocol"},
	{"a subprotocol, then an empty one", acceptField, acceptField + "Sec-WebSocket-Protocol: chat.v1,\r\n", refusal, "4.2.2", anyProtocol},
}
