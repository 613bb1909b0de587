// The commands that are no server: connect and decode, their flags and exit codes.

package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"framescope/protocol"
	"framescope/server/connect"
	"framescope/server/decode"
	"framescope/server/websocket"
)

// Further exit codes of connect and decode.
const (
	exitRefused  = 3 // connect: the server refused the handshake
	exitBreaches = 3 // decode: there are frames that break the RFC
	exitClosed   = 4 // connect: closed with another code than 1000 or 1001
	exitBreach   = 5 // connect: the server broke the protocol
)

func connectCommand() *cobra.Command {
	o := connect.Options{Timeout: 10 * time.Second, Wait: time.Second, MaxMessageSize: 16 << 20}
	var fields []string
	var origin string
	c := &cobra.Command{
		Use:   "connect URL",
		Short: "Connect to a WebSocket: each line is a message",
		Long: `Connect to a ws:// or wss:// URL. Each line of standard input is sent as a
message, each message that comes is a line of standard output; all else goes to
standard error. A proxy is taken from HTTP_PROXY, HTTPS_PROXY and NO_PROXY.

To a pipe or a file messages are written as they came, byte for byte. On a terminal,
and in all that goes to standard error, characters that control a terminal, change the
direction of text or cannot be seen are shown as escapes such as \x1b and \u202e; the
further lines of a message are indented by four spaces there.

At the end of the input it waits for answers, --wait of silence long, and closes
with 1000; from a terminal it closes at once. SIGINT closes, too.

Exit codes: 0 closed by us, or with 1000 or 1001; 1 no connection, or it was
lost; 2 a wrong command line; 3 the server refused the handshake; 4 closed with
another code; 5 the server broke the protocol.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("connect takes one URL: see `framescope connect --help`")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			o.URL = args[0]
			if !strings.HasPrefix(o.URL, "ws://") && !strings.HasPrefix(o.URL, "wss://") {
				return usageError{fmt.Errorf("%q is no WebSocket URL: it begins with ws:// or wss://", o.URL)}
			}
			header, err := parseFields(fields, origin)
			if err != nil {
				return usageError{err}
			}
			if o.MaxMessageSize < 1 || o.Timeout <= 0 || o.Wait < 0 || o.Ping < 0 {
				return usageError{errors.New("--max-message-size, --timeout, --wait and --ping take no negative values, and the first two no 0")}
			}
			o.Header = header
			in := c.InOrStdin()
			o.Interactive, o.Terminal = isTerminal(in), isTerminal(c.OutOrStdout())
			return explain(connect.Run(c.Context(), o, in, c.OutOrStdout(), c.ErrOrStderr()))
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&o.Binary, "binary", false, "send lines as binary messages")
	f.BoolVar(&o.Hex, "hex", false, "lines are bytes in hex, sent as binary messages; so are binary messages that come")
	f.DurationVar(&o.Ping, "ping", 0, "send a ping every `time`, such as 5s, and tell when the pong came")
	f.StringArrayVar(&fields, "header", nil, "further `field` of the request, such as 'Cookie: id=1'; may be repeated")
	f.StringVar(&origin, "origin", "", "the request's Origin, a `URL`")
	f.StringSliceVar(&o.Subprotocols, "subprotocol", nil, "offer a `name`; may be repeated")
	f.BoolVar(&o.Compress, "compress", false, "offer permessage-deflate")
	f.BoolVar(&o.Raw, "raw", false, "show every frame as it passes, decoded, and the handshake")
	f.BoolVar(&o.Insecure, "insecure", false, "take any certificate of a wss:// server")
	f.DurationVar(&o.Timeout, "timeout", o.Timeout, "`time` that the handshake may take")
	f.DurationVar(&o.Wait, "wait", o.Wait, "`time` of silence after the input's end")
	f.Int64Var(&o.MaxMessageSize, "max-message-size", o.MaxMessageSize, "largest message taken, in `bytes`")
	return c
}

func parseFields(fields []string, origin string) (http.Header, error) {
	header := http.Header{"User-Agent": {"framescope/" + version}}
	for _, field := range fields {
		name, value, ok := strings.Cut(field, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("--header %q is no field: give NAME: VALUE", field)
		}
		header.Add(name, strings.TrimSpace(value))
	}
	if origin != "" {
		header.Set("Origin", origin)
	}
	return header, nil
}

// isTerminal reports whether a person may be typing there, or reading.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// explain gives the end of a connection its exit code.
func explain(err error) error {
	var refused *connect.Refused
	var closed *websocket.CloseError
	var breach protocol.Breach
	switch {
	case err == nil:
		return nil
	case errors.Is(err, websocket.ErrRequest):
		return usageError{err}
	case errors.As(err, &refused) && refused.Status == http.StatusSwitchingProtocols:
		return &codedError{exitBreach, fmt.Errorf("the server broke the protocol: %w", err)}
	case errors.As(err, &refused):
		return &codedError{exitRefused, err}
	case errors.As(err, &breach) && breach.Rule == protocol.RuleMessageTooBig:
		return &codedError{exitClosed, fmt.Errorf("%w: allow more with --max-message-size", err)}
	case errors.As(err, &breach):
		return &codedError{exitBreach, fmt.Errorf("the server broke the protocol: %w", breach)}
	case errors.As(err, &closed) && closed.Code != protocol.CloseAbnormal:
		return &codedError{exitClosed, err}
	}
	return err
}

func decodeCommand() *cobra.Command {
	o := decode.Options{Payload: 64}
	c := &cobra.Command{
		Use:   "decode [FILE]",
		Short: "Print the frames in bytes, and what they break",
		Long: `Read what one side of a WebSocket connection sent, from a file or from standard
input, and print every frame, as soon as it is there, with each rule of the RFC that
it breaks. The bytes may be written in hex, as a hex dump, in base64, or as they are.
The handshake's request, its response, or both may stand before them, and before these
the connection's other HTTP, of which each request or response is named in a line.

With --json the payload is "text" if what is shown of it is UTF-8 by itself, else
"hex"; "whole" says that all of it is shown. A request or a response that begins no
WebSocket is an object with "http", its first line, and "from".

Exit codes: 0 all is legal; 1 the input cannot be read, holds HTTP and no WebSocket,
or ends inside a frame; 2 a wrong command line; 3 there are frames that break the RFC.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{errors.New("decode takes one file: see `framescope decode --help`")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains(decode.Formats, o.Format) {
				return usageError{fmt.Errorf("--format %q is not known: give one of %s", o.Format, strings.Join(decode.Formats, ", "))}
			}
			if !slices.Contains(decode.Sides, o.From) {
				return usageError{fmt.Errorf("--from %q is not known: give one of %s", o.From, strings.Join(decode.Sides, ", "))}
			}
			if o.Payload < 0 {
				return usageError{fmt.Errorf("--payload %d is out of range: give 0 or more", o.Payload)}
			}
			in := c.InOrStdin()
			if len(args) == 1 && args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			decoded := make(chan error, 1)
			go func() { decoded <- decode.Run(in, c.OutOrStdout(), o) }()
			var err error
			select {
			case err = <-decoded:
			case <-c.Context().Done(): // though the input may never end
				err = errors.New("interrupted before the end of the input")
			}
			if errors.Is(err, decode.ErrBreaches) {
				return &codedError{exitBreaches, err}
			}
			return err
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.Format, "format", "auto", "how the bytes are written: auto, hex, base64 or `binary`")
	f.StringVar(&o.From, "from", "auto", "whose they are: `client`, server, or auto: as the first frame's mask bit says")
	f.BoolVar(&o.JSON, "json", false, "print a JSON object a frame")
	f.IntVar(&o.Payload, "payload", o.Payload, "`bytes` of each payload that are shown")
	f.BoolVar(&o.Deflate, "deflate", false, "RSV1 means compressed (permessage-deflate)")
	f.Uint64Var(&o.MaxMessageSize, "max-message-size", 0, "largest message in `bytes` that is legal; 0 for any")
	return c
}
