// Package decode reads the bytes of one side of a WebSocket connection and prints
// every frame with the rules that it breaks: `framescope decode`, and what
// `framescope connect --raw` shows.
//
// Frames may be of any size and the stream of any length: of a payload only the
// beginning is kept.
package decode

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"framescope/protocol"
)

// Options are how to read and how to print.
type Options struct {
	Format  string // hex, base64, binary, or auto
	From    string // client, server, or auto: as the first frame's mask bit says
	Payload int    // how many payload bytes of a frame are shown
	JSON    bool
	// Deflate decodes frames with RSV1 as permessage-deflate with context takeover.
	Deflate        bool
	MaxMessageSize uint64 // 0 for none
}

// Formats and Sides are the values of Options.Format and Options.From.
var (
	Formats = []string{"auto", "hex", "base64", "binary"}
	Sides   = []string{"auto", "client", "server"}
)

// ErrBreaches is returned by Run if the whole input could be decoded, but some of it breaks the RFC.
var ErrBreaches = errors.New("there are frames that break the RFC")

// Run reads frames from in and prints each as soon as all of it has been read.
func Run(in io.Reader, out io.Writer, o Options) error {
	source, err := Plain(in, o.Format)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	r := &run{options: o, out: w, printer: NewPrinter(w, o.JSON), in: bufio.NewReaderSize(source, maxHead)}
	err = r.decode()
	return errors.Join(err, w.Flush())
}

type run struct {
	options  Options
	out      *bufio.Writer
	printer  *Printer
	in       *bufio.Reader
	breaches bool
}

func (r *run) decode() error {
	o, err := r.readOpening()
	if err != nil {
		return err
	}
	if r.atEnd() {
		return r.result(nil)
	}
	from, deflate := r.side(o.from()), o.deflate
	if r.options.Deflate {
		deflate.On = true
	}
	stream := NewStream(from, r.options.Payload, func(f *Frame) error {
		r.breaches = r.breaches || len(f.Breaches) > 0
		return r.printer.Frame(f)
	})
	stream.Decoder.Deflate, stream.Decoder.MaxMessageSize = deflate, r.options.MaxMessageSize
	if o.stage == openingNone { // these frames need not be the first of the connection
		stream.Decoder.LoseContext()
	}
	if err := r.frames(stream); err != nil {
		return err
	}
	return r.result(stream.Finish())
}

// result is err, or ErrBreaches if there is none but breaches were found.
func (r *run) result(err error) error {
	if err == nil && r.breaches {
		return ErrBreaches
	}
	return err
}

// frames decodes the input to its end.
func (r *run) frames(s *Stream) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.in.Read(buf)
		if werr := s.Decode(buf[:n]); werr != nil {
			return werr
		}
		if err != nil {
			return readError(err)
		}
		if r.in.Buffered() > 0 {
			continue
		}
		if err := r.out.Flush(); err != nil { // the next bytes may be long in coming
			return err
		}
	}
}

// readError wraps an error of reading the input. The end of the input is not an error.
func readError(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("read the input: %w", err)
}

// side returns the side that sent the frames: that of the options, or that of the heads before
// them, or the one that the mask bit of the first frame shows (RFC 6455 5.1).
func (r *run) side(heads string) protocol.Side {
	for _, name := range []string{r.options.From, heads} {
		switch name {
		case "client":
			return protocol.Client
		case "server":
			return protocol.Server
		}
	}
	for size := 2; size <= protocol.MaxHeaderSize; size++ { // wait for no more than the header
		start, err := r.peek(size)
		if h, n := protocol.ParseHeader(start); n > 0 && h.Masked {
			return protocol.Client
		} else if n > 0 || err != nil {
			break
		}
	}
	return protocol.Server
}
