// Examples of WebSockets beside other handlers, with net/http alone: one URL for both, middleware,
// sessions, a router. MIDDLEWARE.md says how the same is done in other frameworks.

package websocket_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"framescope/server/websocket"
)

// fetch prints the answer to a plain request.
func fetch(url string) {
	response, err := http.Get(url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	fmt.Print(response.StatusCode, " ", string(body))
}

// ask prints what a WebSocket answers to a message.
func ask(url, message string, header http.Header) {
	c, response, err := websocket.Dial(context.Background(), "ws"+strings.TrimPrefix(url, "http"), &websocket.DialOptions{Header: header})
	if err != nil {
		fmt.Println("refused with", response.Status)
		return
	}
	defer c.CloseNow()
	_ = c.WriteMessage(websocket.Text, []byte(message))
	_, p, err := c.ReadMessage()
	fmt.Println(string(p), err)
}

// One URL serves a page to browsers and a WebSocket to the page's script.
func ExampleIsHandshake() {
	sockets := &websocket.Server{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsHandshake(r) {
			_ = sockets.Handle(w, r, nil, echoes)
			return
		}
		fmt.Fprintln(w, "the page")
	}))
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	fetch(server.URL)
	ask(server.URL, "the socket", nil)
	// Output:
	// 200 the page
	// the socket <nil>
}

// A URL that serves only WebSockets needs no check: the answer to anything else says what to do.
func ExampleServer_Handle_webSocketOnly() {
	sockets := &websocket.Server{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := sockets.Handle(w, r, nil, echoes); err != nil {
			return // the request has been answered
		}
	}))
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	fetch(server.URL)
	ask(server.URL, "the socket", nil)
	// Output:
	// 426 this URL speaks WebSocket: the request needs Upgrade: websocket (RFC 6455 4.2.1)
	// the socket <nil>
}

// The router of net/http matches WebSockets like any request. A pattern without a method also matches
// those over HTTP/2, whose method is CONNECT.
func Example_router() {
	sockets := &websocket.Server{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rooms/{room}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "the page of", r.PathValue("room"))
	})
	mux.HandleFunc("/rooms/{room}/socket", func(w http.ResponseWriter, r *http.Request) {
		// Values are taken from the request here: app runs after this function has returned.
		room := r.PathValue("room")
		_ = sockets.Handle(w, r, nil, func(c *websocket.Conn) {
			for {
				op, p, err := c.ReadMessage()
				if err != nil || c.WriteMessage(op, append([]byte(room+": "), p...)) != nil {
					return
				}
			}
		})
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	fetch(server.URL + "/rooms/kitchen")
	ask(server.URL+"/rooms/kitchen/socket", "Hello", nil)
	// Output:
	// 200 the page of kitchen
	// kitchen: Hello <nil>
}

// recordedStatus is what middleware wraps round a ResponseWriter. Unwrap lets Handle reach what is
// below, where the connection is taken over.
type recordedStatus struct {
	http.ResponseWriter
	status int
}

func (w *recordedStatus) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *recordedStatus) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Middleware works round WebSockets if the ResponseWriter that it passes on has a method Unwrap.
// When the handler returns the WebSocket is open: what middleware measures is the handshake.
func Example_middleware() {
	sockets := &websocket.Server{}
	lines := make(chan string, 1)
	logged := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorded := &recordedStatus{w, http.StatusSwitchingProtocols}
			next.ServeHTTP(recorded, r)
			lines <- fmt.Sprintln("log:", r.URL.Path, recorded.status)
		})
	}
	server := httptest.NewServer(logged(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = sockets.Handle(w, r, nil, func(c *websocket.Conn) {
			_, _, _ = c.ReadMessage()
			_ = c.WriteMessage(websocket.Text, []byte("behind the middleware"))
		})
	})))
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	fetch(server.URL + "/plain")
	fmt.Print(<-lines)
	ask(server.URL+"/socket", "Hello", nil)
	fmt.Print(<-lines)
	// Output:
	// 426 this URL speaks WebSocket: the request needs Upgrade: websocket (RFC 6455 4.2.1)
	// log: /plain 426
	// behind the middleware <nil>
	// log: /socket 101
}

// sessions are who has logged in, by the value of their cookie.
type sessions struct {
	mu    sync.Mutex
	names map[string]string
}

func (s *sessions) begin(w http.ResponseWriter, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := rand.Text()
	s.names[id] = name
	http.SetCookie(w, &http.Cookie{Name: "session", Value: id, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

func (s *sessions) name(r *http.Request) (string, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name, ok := s.names[cookie.Value]
	if !ok {
		return "", errors.New("the session is over")
	}
	return name, nil
}

// A login over HTTP begins a session, and its cookie comes with the WebSocket's handshake. The
// check of Origin, which is on, keeps pages of others from using a visitor's cookie.
func Example_sessions() {
	sockets := &websocket.Server{}
	all := &sessions{names: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		all.begin(w, r.FormValue("name")) // after checking a password
	})
	mux.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		name, err := all.name(r)
		if err != nil {
			http.Error(w, "log in first", http.StatusUnauthorized)
			return
		}
		_ = sockets.Handle(w, r, nil, func(c *websocket.Conn) {
			_, _, _ = c.ReadMessage()
			_ = c.WriteMessage(websocket.Text, []byte("you are "+name))
		})
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	defer sockets.Shutdown(context.Background())

	ask(server.URL+"/socket", "Who am I?", nil)
	response, err := http.Post(server.URL+"/login", "application/x-www-form-urlencoded", strings.NewReader("name=ann"))
	if err != nil {
		fmt.Println(err)
		return
	}
	response.Body.Close()
	cookie := response.Cookies()[0]
	ask(server.URL+"/socket", "Who am I?", http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}})
	// Output:
	// refused with 401 Unauthorized
	// you are ann <nil>
}
