// The exchange over HTTP: a POST for each message to the server, and for each from it a GET
// that the server answers when it has one.

package transports

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// web is an HTTP server of one exchange.
type web struct {
	server  http.Server
	address string
	serving sync.WaitGroup
}

func (w *web) start(ctx context.Context, m *meter, h http.Handler) error {
	l, err := m.listen(ctx)
	if err != nil {
		return err
	}
	w.server.Handler, w.address = h, l.Addr().String()
	w.serving.Go(func() { _ = w.server.Serve(l) }) // until Close
	return nil
}

func (w *web) stop() {
	_ = w.server.Close()
	w.serving.Wait()
}

// httpExchange has a connection for each direction, as a POST must not wait for the GET.
type httpExchange struct {
	fields http.Header
	web    web
	posted chan string   // what came in a POST
	asked  chan struct{} // a GET has come
	answer chan string   // what it is answered with
	post   http.Client
	poll   http.Client
}

func (e *httpExchange) open(ctx context.Context, m *meter) error {
	e.posted, e.asked, e.answer = make(chan string, 1), make(chan struct{}, 1), make(chan string, 1)
	if err := e.web.start(ctx, m, e); err != nil {
		return err
	}
	for _, client := range []*http.Client{&e.post, &e.poll} {
		c, err := m.dial(ctx, "tcp", e.web.address)
		if err != nil {
			return err
		}
		client.Transport = oneConnection(c)
	}
	return nil
}

var errSecondConnection = errors.New("the server closed the connection that was to be measured")

// oneConnection returns a transport that sends all requests on one connection.
func oneConnection(c net.Conn) *http.Transport {
	free := make(chan net.Conn, 1)
	free <- c
	return &http.Transport{
		DisableCompression: true, // the visitor's fields say what is accepted
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			select {
			case c := <-free:
				return c, nil
			default:
				return nil, errSecondConnection
			}
		},
	}
}

// ServeHTTP is the server's side.
func (e *httpExchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodPost {
		p, err := io.ReadAll(io.LimitReader(r.Body, maxText+1))
		if err != nil {
			return // the client, which is ours, fails too
		}
		_, _ = io.WriteString(w, "ok")
		put(e.posted, string(p))
		return
	}
	put(e.asked, struct{}{})
	select {
	case text := <-e.answer:
		_, _ = io.WriteString(w, text)
	case <-r.Context().Done():
	}
}

// put gives c a value unless one waits there already, which a stranger's request may have brought.
func put[T any](c chan<- T, value T) {
	select {
	case c <- value:
	default:
	}
}

func (e *httpExchange) send(ctx context.Context, text string) error {
	if _, err := e.do(ctx, &e.post, http.MethodPost, text); err != nil {
		return err
	}
	select {
	case got := <-e.posted:
		return arrived(got, text)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *httpExchange) receive(ctx context.Context, text string) error {
	asked := make(chan error, 1)
	go func() {
		select {
		case <-e.asked:
			put(e.answer, text)
			asked <- nil
		case <-ctx.Done():
			asked <- ctx.Err()
		}
	}()
	got, err := e.do(ctx, &e.poll, http.MethodGet, "")
	if err == nil {
		err = <-asked
	}
	if err != nil {
		return err
	}
	return arrived(got, text)
}

// do sends a request and returns the body of its answer.
func (e *httpExchange) do(ctx context.Context, client *http.Client, method, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+e.web.address+"/messages", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header = e.fields.Clone()
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	} else {
		r.Body, r.GetBody = nil, nil
	}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	p, err := io.ReadAll(io.LimitReader(answer.Body, maxText+1))
	return string(p), err
}

func (e *httpExchange) close() {
	e.post.CloseIdleConnections()
	e.poll.CloseIdleConnections()
	e.web.stop()
}
