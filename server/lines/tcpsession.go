// One TCP connection: asking for a name, reading lines, and writing what the chat sends.

package lines

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"framescope/server/chat"
)

const (
	maxEndless = 1 << 20 // bytes of one line that are read and not kept, before the connection ends
	maxTries   = 10      // lines that may be no name
)

// tcpSession is a connection.
type tcpSession struct {
	server *tcpServer
	nc     net.Conn
	r      *bufio.Reader

	mu      sync.Mutex // guards the deadlines, and hurried
	hurried bool       // the server shuts down
}

func newTCPSession(s *tcpServer, nc net.Conn) *tcpSession {
	return &tcpSession{server: s, nc: nc, r: bufio.NewReaderSize(nc, maxLine+len("\r\n"))}
}

// hurry has reads fail at once, and writes soon.
func (t *tcpSession) hurry() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hurried = true
	_ = t.nc.SetReadDeadline(time.Unix(1, 0))
	_ = t.nc.SetWriteDeadline(time.Now().Add(shutdownTimeout))
}

// setDeadline sets a deadline by one of the connection's methods, unless the server shuts down.
func (t *tcpSession) setDeadline(set func(time.Time) error, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.hurried {
		_ = set(time.Now().Add(d)) // fails when the connection has ended, and so does what follows
	}
}

// drop closes the connection, and has the system discard what the peer has not read.
func (t *tcpSession) drop() {
	if tcp, ok := t.nc.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = t.nc.Close()
}

// tell writes a line at once, before there is an outbox or without one.
func (t *tcpSession) tell(line string) {
	if t.write([]string{line}) == nil {
		t.linger()
	}
}

// write writes lines, within writeTimeout.
func (t *tcpSession) write(lines []string) error {
	t.setDeadline(t.nc.SetWriteDeadline, writeTimeout)
	_, err := io.WriteString(t.nc, strings.Join(lines, "\n")+"\n")
	return err
}

// linger ends the connection's outgoing side and reads on for a moment: if it were closed with
// something unread, the peer's system would discard our last line.
func (t *tcpSession) linger() {
	tcp, ok := t.nc.(*net.TCPConn)
	if !ok || tcp.CloseWrite() != nil {
		return
	}
	_ = tcp.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, tcp, maxEndless)
}

// Why a peer is sent away: for what it is told after goodbye, see [farewell].
var (
	errTooLong = fmt.Errorf("a line has at most %d bytes", maxLine)
	errEndless = errors.New("a line had no end")
	errNoName  = errors.New("there was no name in ten lines")
	errToken   = errors.New("that is not the token")
	errHTTP    = errors.New("this is no HTTP server, but a chat in plain lines")
	errQuit    = errors.New("the peer quit")
)

// readLine returns the next line without its end, which is LF or CRLF. The peer may take d.
func (t *tcpSession) readLine(d time.Duration) (string, error) {
	t.setDeadline(t.nc.SetReadDeadline, d)
	p, err := t.r.ReadSlice('\n')
	tooLong := false
	for skipped := 0; errors.Is(err, bufio.ErrBufferFull); skipped += len(p) {
		if tooLong = true; skipped > maxEndless {
			return "", errEndless
		}
		p, err = t.r.ReadSlice('\n')
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(p) == 0) {
		return "", err
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(p), "\n"), "\r")
	if tooLong || len(line) > maxLine {
		return "", errTooLong
	}
	return line, nil
}

// join asks for a name until the chat takes one. An empty name makes a guest.
func (t *tcpSession) join() (m tcpMember, err error) {
	m = tcpMember{tcpSession: t, writes: new(sync.WaitGroup)}
	m.out = newOutbox(t.server.Memory, t.write, t.drop)
	deadline := time.Now().Add(t.server.NameTimeout)
	if err := t.askToken(deadline); err != nil {
		return m, err
	}
	question := "* this is the chat room " + room + ": what is your name?"
	for range maxTries {
		line, err := t.ask(question, deadline)
		if err != nil {
			return m, err
		}
		if strings.HasPrefix(line, "/") {
			question = "* first your name: an empty line makes you a guest"
			continue
		}
		if m.member, err = t.server.Chat.Join(m.out, room, nameIn(line)); err == nil {
			m.writes.Go(func() { m.out.run(m.member.Drained) })
			return m, nil
		}
		question = "* " + err.Error() + ": what is your name?"
	}
	return m, errNoName
}

// askToken asks for the token, once, if there is one.
func (t *tcpSession) askToken(deadline time.Time) error {
	if t.server.Token == "" {
		return nil
	}
	line, err := t.ask("* this chat asks for a token: which one?", deadline)
	if err == nil && !t.server.isToken(line) {
		err = errToken
	}
	return err
}

// ask writes a question and returns the line that answers it. An HTTP request is no answer: a
// page of any site can have a browser send one here, and what follows its head would be said.
func (t *tcpSession) ask(question string, deadline time.Time) (string, error) {
	if err := t.write([]string{question}); err != nil {
		return "", err
	}
	line, err := t.readLine(time.Until(deadline))
	switch {
	case err != nil:
		return "", err
	case strings.Contains(line, " HTTP/"):
		return "", errHTTP
	case word(line, quit):
		return "", errQuit
	}
	return line, nil
}

// nameIn returns the name in the first line.
func nameIn(line string) string {
	for _, command := range []string{"NAME", "JOIN"} {
		if name, ok := afterWord(line, command); ok {
			return name
		}
	}
	return strings.TrimSpace(line)
}

// tcpMember is a session that has joined.
type tcpMember struct {
	*tcpSession
	member *chat.Member
	out    *outbox
	writes *sync.WaitGroup
}

// readLines says what the peer sends until it quits or the connection ends, and returns why.
func (m tcpMember) readLines(ctx context.Context) (why string) {
	for {
		line, err := m.readLine(m.server.IdleTimeout)
		// Many lines may have been read, which are not said if the connection has ended.
		if err == nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		switch {
		case m.out.ended():
			return lost
		case errors.Is(err, errTooLong):
			m.member.Tell("* " + err.Error() + ": that one was not said")
			continue
		case err != nil:
			last, why := farewell(ctx, err)
			m.out.finish(last)
			return why
		case word(line, quit) || m.member.Say(line):
			m.out.finish(goodbye)
			return quit
		}
	}
}

// leave leaves the room once everything has been written.
func (m tcpMember) leave(why string) {
	m.out.finish("")
	m.writes.Wait()
	why = m.out.whyEnded(why)
	m.member.Leave(why)
	m.server.Log.Info("chat member left", "remote", "tcp "+m.nc.RemoteAddr().String(), "room", room, "name", m.member.Name(), "why", why)
}
