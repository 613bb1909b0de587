// WebSockets over HTTP/2 (RFC 8441): each stream is recorded as a connection, above net/http, since
// below it are the frames of HTTP/2.

package tap

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"framescope/protocol"
)

// isConnect reports whether a request asks for a WebSocket over HTTP/2.
func isConnect(r *http.Request) bool {
	return r.ProtoMajor == 2 && r.Method == http.MethodConnect && protocol.HasToken(r.Header.Values(protocol.ProtocolField), "websocket")
}

// serveStream records a request's stream while next handles it: what crosses the stream until then.
func (t *Tap) serveStream(maxMessageSize uint64, w http.ResponseWriter, r *http.Request, next http.Handler) {
	c := newConn(t, nil, protocol.Client)
	c.phase.Store(phasePlain)
	c.id = t.open(maxMessageSize, r.RemoteAddr+streamName(w))
	t.history.head(c.id, protocol.Client, requestHead(r))
	defer func() {
		c.ended(protocol.Server) // if nothing has ended it before
		c.endCapture()
	}()
	tapped := *r
	tapped.Body = &streamBody{r.Body, c}
	next.ServeHTTP(&streamWriter{w, c, false}, &tapped)
}

// streamName is what follows the address of a stream's peer in its Open record.
func streamName(w http.ResponseWriter) string {
	if id := streamID(w); id > 0 {
		return ", HTTP/2 stream " + strconv.FormatUint(id, 10)
	}
	return ", HTTP/2"
}

// streamBody is what the peer sends on a stream.
type streamBody struct {
	io.ReadCloser
	conn *Conn
}

func (b *streamBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.conn.Received(p[:n], err)
	return n, err
}

func (b *streamBody) Close() error {
	b.conn.ended(protocol.Server)
	return b.ReadCloser.Close()
}

// Abandon is that of a [Conn].
func (b *streamBody) Abandon() { b.conn.Abandon() }

// streamWriter is what is sent on a stream: an answer and, if that accepts, frames.
type streamWriter struct {
	http.ResponseWriter
	conn     *Conn
	answered bool
}

// Unwrap is for [http.ResponseController].
func (w *streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *streamWriter) WriteHeader(status int) {
	if !w.answered && status >= 200 {
		w.answered = true
		h := w.Header()
		if len(h.Values("Date")) == 0 {
			h.Set("Date", time.Now().UTC().Format(http.TimeFormat)) // net/http would set it unseen
		}
		w.conn.tap.history.head(w.conn.id, protocol.Server, protocol.AppendConnectAnswer(nil, status, h))
		if status/100 == 2 {
			w.conn.phase.Store(phaseFrames)
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write records b and writes it, in this order as [Conn.Write] does.
func (w *streamWriter) Write(b []byte) (int, error) {
	if !w.answered {
		w.WriteHeader(http.StatusOK)
	}
	w.conn.Sending(b)
	return w.ResponseWriter.Write(b)
}

// requestHead is the head of a request. net/http does not keep the order of its fields, nor its
// scheme, except that it knows of TLS if that is https.
func requestHead(r *http.Request) []byte {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return protocol.AppendConnectHead(nil, scheme, r.Host, r.RequestURI, r.Header)
}
