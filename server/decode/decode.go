// Package decode reads the bytes of one side of a WebSocket connection and prints
// every frame with what it breaks: `framescope decode`, and what
// `framescope connect --raw` shows.
//
// Frames may be of any size and the stream of any length: of a payload only the
// beginning is kept.
package decode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"framescope/protocol"
)

// Options say how to read and how to print.
type Options struct {
	Format  string // hex, base64, binary, or auto
	From    string // client, server, or auto: as the first frame's mask bit says
	Payload int    // how many payload bytes of a frame are shown
	JSON    bool
	// Deflate takes RSV1 for permessage-deflate with context takeover.
	Deflate        bool
	MaxMessageSize uint64 // 0 for none
}

// Formats and Sides are the words that Options take.
var (
	Formats = []string{"auto", "hex", "base64", "binary"}
	Sides   = []string{"auto", "client", "server"}
)

// ErrBreaches is what Run returns when all could be read, but not all was legal.
var ErrBreaches = errors.New("there are frames that break the RFC")

// maxHead bounds the head of a handshake that stands before the frames, in bytes.
const maxHead = 64 << 10

// Run prints the frames in what it reads.
func Run(in io.Reader, out io.Writer, o Options) error {
	source, err := Plain(in, o.Format)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	r := &run{options: o, printer: NewPrinter(w, o.JSON), in: bufio.NewReaderSize(source, maxHead)}
	err = r.all()
	return errors.Join(err, w.Flush())
}

type run struct {
	options  Options
	printer  *Printer
	in       *bufio.Reader
	breaches bool
}

func (r *run) all() error {
	said, deflate, err := r.head()
	if err != nil {
		return err
	}
	first, err := r.in.Peek(2)
	if len(first) == 0 {
		return r.verdict(ended(err))
	}
	from := r.side(said, first)
	if r.options.Deflate && !deflate.On {
		deflate = protocol.Deflate{On: true}
	}
	stream := NewStream(from, r.options.Payload, func(f *Frame) error {
		r.breaches = r.breaches || len(f.Breaches) > 0
		return r.printer.Frame(f)
	})
	stream.Decoder.Deflate, stream.Decoder.MaxMessageSize = deflate, r.options.MaxMessageSize
	if err := r.frames(stream); err != nil {
		return err
	}
	return r.verdict(stream.Finish())
}

func (r *run) verdict(err error) error {
	if err == nil && r.breaches {
		return ErrBreaches
	}
	return err
}

func (r *run) frames(s *Stream) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.in.Read(buf)
		if werr := s.Take(buf[:n]); werr != nil {
			return werr
		}
		if err != nil {
			return ended(err)
		}
	}
}

// ended is nil at the end of the input, which is no fault.
func ended(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("read the input: %w", err)
}

// side is who sent the frames: as asked for, as the head said, or as the mask bit
// of the first frame does (RFC 6455 5.1).
func (r *run) side(head string, first []byte) protocol.Side {
	for _, said := range []string{r.options.From, head} {
		switch said {
		case "client":
			return protocol.Client
		case "server":
			return protocol.Server
		}
	}
	if frame, _ := r.in.Peek(protocol.MaxHeaderSize); len(first) == 2 {
		if h, n := protocol.ParseHeader(frame); n > 0 && h.Masked {
			return protocol.Client
		}
	}
	return protocol.Server
}

// head reads a handshake's head, if the input begins with one.
func (r *run) head() (from string, deflate protocol.Deflate, err error) {
	start, _ := r.in.Peek(8)
	switch {
	case bytes.HasPrefix(start, []byte("GET ")):
		from = "client"
	case bytes.HasPrefix(start, []byte("HTTP/1.")):
		from = "server"
	default:
		return "", deflate, nil
	}
	whole, err := r.in.Peek(maxHead)
	h, n := protocol.ParseHead(whole)
	if n == 0 {
		if err == nil || !errors.Is(err, io.EOF) {
			return "", deflate, fmt.Errorf("the head of the handshake is longer than %d bytes: cut it off", maxHead)
		}
		return "", deflate, errors.New("the input ends inside the head of a handshake: its blank line is missing")
	}
	_, _ = r.in.Discard(n)
	checks := responseChecks(h)
	if from == "client" {
		request, _ := protocol.RequestOf(h)
		checks = protocol.RequestChecks(request)
	} else {
		// What was offered is not here; an answer is one to itself.
		deflate, _ = protocol.AgreedDeflate(h, h)
	}
	for _, c := range checks {
		r.breaches = r.breaches || !c.OK
	}
	return from, deflate, r.printer.Head(from, h, checks)
}

// responseChecks are those that can be made without the request.
func responseChecks(h protocol.Head) (checks []protocol.Check) {
	for _, c := range protocol.ResponseChecks(protocol.StatusOf(h), h, h) {
		if !strings.Contains(c.What, "Accept") {
			checks = append(checks, c)
		}
	}
	return checks
}
