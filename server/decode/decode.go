// Package decode reads the bytes of one side of a WebSocket connection and prints
// every frame with what it breaks: `framescope decode`, and what
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

// Run prints the frames in what it reads, each as soon as it is there.
func Run(in io.Reader, out io.Writer, o Options) error {
	source, err := Plain(in, o.Format)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	r := &run{options: o, out: w, printer: NewPrinter(w, o.JSON), in: bufio.NewReaderSize(source, maxHead)}
	err = r.all()
	return errors.Join(err, w.Flush())
}

type run struct {
	options  Options
	out      *bufio.Writer
	printer  *Printer
	in       *bufio.Reader
	breaches bool
}

func (r *run) all() error {
	o, err := r.open()
	if err != nil {
		return err
	}
	if r.atEnd() {
		return r.verdict(nil)
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
	if o.stage == openingNone { // whether these frames are the first is unknown
		stream.Decoder.LoseContext()
	}
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
		if r.in.Buffered() > 0 {
			continue
		}
		if err := r.out.Flush(); err != nil { // the next bytes may be long in coming
			return err
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
func (r *run) side(head string) protocol.Side {
	for _, said := range []string{r.options.From, head} {
		switch said {
		case "client":
			return protocol.Client
		case "server":
			return protocol.Server
		}
	}
	for size := 2; size <= protocol.MaxHeaderSize; size++ { // no more than has to come
		start, err := r.peek(size)
		if h, n := protocol.ParseHeader(start); n > 0 && h.Masked {
			return protocol.Client
		} else if n > 0 || err != nil {
			break
		}
	}
	return protocol.Server
}
