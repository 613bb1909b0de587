// The operator: each line of the server's standard input is pushed.

package push

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"golang.org/x/time/rate"
)

// Operate pushes each line of in until ctx is done or in ends; the server goes on either way.
// Control characters are removed, and a line of more than 4 KiB is not sent; both are logged, as
// is the number of receivers of each line. More than 100 lines a second wait in the input.
//
// The goroutine that reads may be waiting for input when Operate returns. It ends with its next
// line, or when the input or the process ends: there is no way to interrupt a read of a terminal.
func (h *Handler) Operate(ctx context.Context, in io.Reader) {
	lines := make(chan inputLine)
	go readInput(ctx, in, lines)
	limit := rate.NewLimiter(pushesPerSecond, pushesPerSecond)
	for {
		var line inputLine
		var more bool
		select {
		case <-ctx.Done():
			return
		case line, more = <-lines:
		}
		if !more {
			h.log.Info("the operator's input has ended; the server goes on")
			return
		}
		h.operate(line)
		if limit.Wait(ctx) != nil {
			return
		}
	}
}

// operate pushes one line, and logs to how many.
func (h *Handler) operate(line inputLine) {
	text := cleanLine(line.text)
	switch {
	case line.tooLong:
		h.log.Warn("a line of the operator has more than 4096 bytes: it was not sent")
	case text == "":
	default:
		if text != string(line.text) {
			h.log.Warn("control characters, and bytes that are not UTF-8, were taken out of the operator's line")
		}
		h.log.Info("operator", "receivers", h.Push("", text))
	}
}

// inputLine is a line of the input, without its end.
type inputLine struct {
	text    []byte
	tooLong bool // text is empty
}

// readInput sends each line to lines, and closes it at the end of the input.
func readInput(ctx context.Context, in io.Reader, lines chan<- inputLine) {
	defer close(lines)
	r := bufio.NewReaderSize(in, maxText+len("\r\n"))
	for {
		line, err := readLine(r)
		if err == nil || len(line.text) > 0 || line.tooLong {
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// readLine reads to the end of a line, which is LF, CRLF or the end of the input, and keeps
// no more of the line than the buffer does.
func readLine(r *bufio.Reader) (line inputLine, err error) {
	p, err := r.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		line.tooLong = true
		_, err = r.ReadSlice('\n')
	}
	p = bytes.TrimSuffix(bytes.TrimSuffix(p, []byte("\n")), []byte("\r"))
	if line.tooLong || len(p) > maxText {
		return inputLine{tooLong: true}, err
	}
	line.text = bytes.Clone(p)
	return line, err
}
