// Examples of what a server and a client can choose: subprotocols, header fields, compression, who
// may connect, TLS, limits.

package websocket_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"framescope/server/websocket"
)

// The server chooses the first subprotocol that the client offers and it speaks.
func ExampleAcceptOptions_subprotocols() {
	o := &websocket.AcceptOptions{Subprotocols: []string{"chat.v1", "chat.v2"}}
	url, stop := servingWith(&websocket.Server{}, o, func(c *websocket.Conn) {
		if c.Subprotocol() == "" {
			_ = c.Close(websocket.ClosePolicy, "this server speaks chat.v1 and chat.v2 only")
			return
		}
		_, _, _ = c.ReadMessage()
	})
	defer stop()
	c := mustDial(url, &websocket.DialOptions{Subprotocols: []string{"chat.v3", "chat.v2", "chat.v1"}})
	fmt.Println(c.Subprotocol())
	c.CloseNow()
	_, _, err := mustDial(url, nil).ReadMessage()
	fmt.Println(err)
	// Output:
	// chat.v2
	// websocket: closed with 1008 policy violation: this server speaks chat.v1 and chat.v2 only
}

// The response to a handshake can set cookies. Middleware that sets them on the ResponseWriter is
// served by Header: w.Header().
func ExampleAcceptOptions_cookies() {
	sockets := &websocket.Server{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("session"); err != nil {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "f00", HttpOnly: true})
		}
		_ = sockets.Handle(w, r, &websocket.AcceptOptions{Header: w.Header()}, echoes)
	}))
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	url := "ws" + strings.TrimPrefix(server.URL, "http")
	c, response, err := websocket.Dial(context.Background(), url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	c.CloseNow()
	fmt.Println(response.Header.Get("Set-Cookie"))

	// The client sends it back, as it sends any other field.
	header := http.Header{}
	for _, cookie := range response.Cookies() {
		header.Add("Cookie", cookie.Name+"="+cookie.Value)
	}
	c, response, err = websocket.Dial(context.Background(), url, &websocket.DialOptions{Header: header})
	if err != nil {
		fmt.Println(err)
		return
	}
	c.CloseNow()
	fmt.Println(len(response.Cookies()))
	// Output:
	// session=f00; HttpOnly
	// 0
}

// A handler checks who connects before it accepts, with the means of net/http.
func ExampleDialOptions_authorization() {
	sockets := &websocket.Server{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "a token is needed", http.StatusUnauthorized)
			return
		}
		_ = sockets.Handle(w, r, nil, echoes)
	}))
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	url := "ws" + strings.TrimPrefix(server.URL, "http")
	_, response, _ := websocket.Dial(context.Background(), url, nil)
	fmt.Println(response.Status)
	c, response, err := websocket.Dial(context.Background(), url, &websocket.DialOptions{
		Header: http.Header{"Authorization": {"Bearer secret"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	c.CloseNow()
	fmt.Println(response.Status)
	// Output:
	// 401 Unauthorized
	// 101 Switching Protocols
}

// By default a page may connect only to the host that it comes from. A policy allows others.
func ExamplePolicy() {
	server := &websocket.Server{Policy: websocket.Policy{
		Hosts:       []string{"chat.example", "*.chat.example"},
		Origins:     []string{"https://app.example", "https://*.app.example"},
		CheckOrigin: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/public/") },
	}}
	for _, request := range []struct{ host, path, origin string }{
		{"chat.example", "/", "https://app.example"},
		{"eu.chat.example", "/", "https://beta.app.example"},
		{"chat.example", "/", "https://other.example"},
		{"chat.example", "/public/news", "https://other.example"},
		{"other.example", "/", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://"+request.host+request.path, nil)
		if request.origin != "" {
			r.Header.Set("Origin", request.origin)
		}
		fmt.Println(server.Policy.AllowHost(r), server.Policy.AllowOrigin(r))
	}
	// Output:
	// true true
	// true true
	// true false
	// true true
	// false true
}

// A server behind a proxy that checks the host, and which tells clients apart by a token and
// not by a cookie, can leave both checks to others.
func ExamplePolicy_everybody() {
	anyone := func(*http.Request) bool { return true }
	sockets := &websocket.Server{Policy: websocket.Policy{CheckHost: anyone, CheckOrigin: anyone}}
	url, stop := servingWith(sockets, nil, echoes)
	defer stop()
	c := mustDial(url, &websocket.DialOptions{Host: "chat.example", Header: http.Header{"Origin": {"https://app.example"}}})
	defer c.CloseNow()
	fmt.Println(c.Err())
	// Output: <nil>
}

// Messages are compressed if both ends agree to it. By default each is compressed by itself.
func ExampleCompression() {
	takeover := websocket.Compression{ContextTakeover: true} // smaller, for more memory
	sockets := &websocket.Server{Options: websocket.Options{Compression: takeover}}
	url, stop := servingWith(sockets, nil, echoes)
	defer stop()
	o := &websocket.DialOptions{}
	o.Compression = takeover
	c := mustDial(url, o)
	fmt.Println(c.Deflate())
	c.CloseNow()
	o.Compression = websocket.Compression{Off: true}
	c = mustDial(url, o)
	fmt.Println(c.Deflate().On)
	c.CloseNow()
	// Output:
	// permessage-deflate
	// false
}

// A server can decline compression for one URL, here of messages that are compressed already.
func ExampleAcceptOptions_noCompression() {
	url, stop := servingWith(&websocket.Server{}, &websocket.AcceptOptions{NoCompression: true}, echoes)
	defer stop()
	c := mustDial(url, nil) // which offers it
	defer c.CloseNow()
	fmt.Println(c.Deflate().On)
	// Output: false
}

// Limits are the server's, or those of one request.
func ExampleAcceptOptions_limits() {
	o := &websocket.AcceptOptions{Options: &websocket.Options{MaxMessageSize: 5}}
	url, stop := servingWith(&websocket.Server{}, o, echoes)
	defer stop()
	c := mustDial(url, nil)
	_ = c.WriteMessage(websocket.Text, []byte("123456"))
	_, _, err := c.ReadMessage()
	fmt.Println(websocket.CloseStatus(err))
	// Output: 1009 message too big
}

// A wss URL is reached by TLS, here to a server whose certificate no system trusts.
func ExampleDial_tls() {
	sockets := &websocket.Server{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = sockets.Handle(w, r, nil, echoes)
	}))
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	c := mustDial("wss"+strings.TrimPrefix(server.URL, "https"), &websocket.DialOptions{
		TLS: &tls.Config{RootCAs: trusted},
	})
	defer c.CloseNow()
	_ = c.WriteMessage(websocket.Text, []byte("in secret"))
	_, p, err := c.ReadMessage()
	fmt.Println(string(p), err)
	// Output: in secret <nil>
}

// With a dialler of its own a client reaches a server by other ways than TCP, and by another
// name than the server is asked for.
func ExampleDialOptions_dialContext() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	sockets := &websocket.Server{Policy: websocket.Policy{Hosts: []string{"chat.example"}}}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		_ = sockets.Handle(w, r, nil, func(c *websocket.Conn) { _ = c.WriteMessage(websocket.Text, []byte(host)) })
	})}
	go server.Serve(listener)
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	c := mustDial("ws://somewhere.example/", &websocket.DialOptions{
		Host:  "chat.example",
		Proxy: websocket.NoProxy,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
		},
	})
	defer c.CloseNow()
	_, p, err := c.ReadMessage()
	fmt.Println(string(p), err)
	// Output: chat.example <nil>
}

// If a handshake was refused, the response and the error say why.
func ExampleHandshakeError() {
	url, stop := serving(echoes)
	defer stop()
	_, response, err := websocket.Dial(context.Background(), url, &websocket.DialOptions{
		Header: http.Header{"Origin": {"https://other.example"}},
	})
	var refused *websocket.HandshakeError
	fmt.Println(response.StatusCode, errors.As(err, &refused))
	_, text, _ := strings.Cut(err.Error(), "it says ")
	fmt.Println(text)
	// Output:
	// 403 true
	// "a page of origin https://other.example may not connect (RFC 6455 4.2.2)"
}
