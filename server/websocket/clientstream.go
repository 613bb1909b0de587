// A WebSocket of a client over HTTP/2: the extended CONNECT, its response, and the stream.

package websocket

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"framescope/protocol"
)

// openStream sends the extended CONNECT and checks its response.
func (h *HTTP2) openStream(ctx context.Context, conn *http2Conn, request *http.Request, o *DialOptions) (*Conn, *http.Response, error) {
	streamContext, cancel := context.WithCancel(context.Background())
	frames, out := io.Pipe()
	r := connectRequest(request).WithContext(streamContext)
	r.Body = frames
	stop := context.AfterFunc(ctx, cancel)
	response, err := conn.RoundTrip(r)
	if !stop() && err == nil {
		err = context.Cause(ctx)
		response.Body.Close()
	}
	if err == nil {
		if err = protocol.CheckResponse(response.StatusCode, response.Header, r.Header); err != nil {
			late := time.AfterFunc(reasonTime, cancel)
			err = refused(response, err)
			late.Stop()
			response.Body.Close()
		}
	} else {
		response, err = nil, streamRefused(ctx, err)
	}
	if err != nil {
		cancel()
		return nil, response, err
	}
	body := &clientBody{response.Body, func() { cancel(); h.release(address(request.URL), conn) }}
	st := newStream(body, &clientStream{out, cancel, conn.nc}, conn.nc.LocalAddr(), conn.nc.RemoteAddr())
	go st.wait()
	var nc net.Conn = st
	if o.Wrap != nil {
		nc = o.Wrap(nc)
	}
	c := NewConn(nc, protocol.Client, nil, o.Options)
	deflate, _ := protocol.AgreedDeflate(r.Header, response.Header)
	c.agree(response.Header.Get("Sec-Websocket-Protocol"), deflate.WithClientLimits(o.Compression.wishes(protocol.Client)))
	response.Body, response.Request = http.NoBody, r
	return c, response, nil
}

// streamRefused says why there is no response.
func streamRefused(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case strings.Contains(err.Error(), "extended connect not supported"): // the library exports no such error
		return fmt.Errorf("%w: it does not send SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 3)", ErrHTTP2)
	}
	return fmt.Errorf("read answer: %w", err)
}

// connectRequest is the extended CONNECT (RFC 8441 5) with the fields of a request for HTTP/1.1.
func connectRequest(request *http.Request) *http.Request {
	r := *request
	r.Method, r.Proto, r.ProtoMajor, r.ProtoMinor = http.MethodConnect, "HTTP/2.0", 2, 0
	r.Header.Set(protocol.ProtocolField, "websocket")
	for _, name := range []string{"Upgrade", "Connection", "Sec-Websocket-Key"} {
		r.Header.Del(name)
	}
	return &r
}

// clientStream is the sending half of a client's stream.
type clientStream struct {
	out    *io.PipeWriter // the body of the request
	cancel func()         // resets the stream
	nc     net.Conn
}

// Write implements streamOutput.
func (s *clientStream) Write(p []byte) (int, error) { return s.out.Write(p) }

func (s *clientStream) abort() {
	s.out.CloseWithError(os.ErrDeadlineExceeded)
	s.cancel()
}

func (s *clientStream) end() { s.out.Close() }

func (s *clientStream) kill() { s.nc.Close() }

// clientBody is what the server sends on a stream.
type clientBody struct {
	io.ReadCloser
	release func()
}

// Close ends the stream and does not wait for it: the server may take nothing.
func (b *clientBody) Close() error {
	go func() {
		b.ReadCloser.Close()
		b.release()
	}()
	return nil
}
