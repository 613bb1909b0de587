// The commands connect and decode: their flags and exit codes.

package main

import (
	"crypto/tls"
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

// Exit codes that only connect or decode uses.
const (
	exitRefused  = 3 // connect: the server refused the handshake
	exitBreaches = 3 // decode: some frames break the RFC
	exitClosed   = 4 // connect: closed with a code other than 1000 or 1001
	exitBreach   = 5 // connect: the server broke the protocol
)

func connectCommand() *cobra.Command {
	o := connect.Options{Timeout: 10 * time.Second, Wait: time.Second, MaxMessageSize: 16 << 20}
	var fields []string
	var origin string
	c := &cobra.Command{
		Use:   "connect URL",
		Short: "Connect to a WebSocket server: each line of input is a message",
		Long: `Connect to a ws:// or wss:// URL. Each line of standard input is sent as a
message, and each message received is written to standard output as a line.
Everything else goes to standard error. The environment variables HTTP_PROXY,
HTTPS_PROXY and NO_PROXY choose a proxy.

Messages are written to a pipe or a file byte for byte, as they were received. On a
terminal, and always on standard error, characters that control the terminal, change
the direction of text or are invisible are shown as escapes such as \x1b and \u202e,
and the second and later lines of a message are indented by four spaces.

When the input ends, connect waits until nothing has been received for the time that
--wait gives, then closes with code 1000; if the input is a terminal, it closes at
once. SIGINT also closes the connection.

Exit codes: 0 connect closed the connection, or the server did with 1000 or 1001;
1 there was no connection, or it was lost; 2 the command line was wrong; 3 the server
refused the handshake; 4 the server closed with another code, or sent a message longer
than --max-message-size; 5 the server broke the protocol.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("connect takes one URL: see `framescope connect --help`")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			o.URL = args[0]
			if !strings.HasPrefix(o.URL, "ws://") && !strings.HasPrefix(o.URL, "wss://") {
				return usageError{fmt.Errorf("%q is not a WebSocket URL: give one that begins with ws:// or wss://", o.URL)}
			}
			if o.HTTP2 && !strings.HasPrefix(o.URL, "wss://") {
				return usageError{errors.New("--http2 needs TLS: give a URL that begins with wss://")}
			}
			header, err := parseFields(fields, origin)
			if err != nil {
				return usageError{err}
			}
			if o.MaxMessageSize < 1 || o.Timeout <= 0 || o.Wait < 0 || o.Ping < 0 {
				return usageError{errors.New("a number is out of range: give --max-message-size and --timeout more than 0, and --wait and --ping at least 0")}
			}
			o.Header = header
			in := c.InOrStdin()
			o.Interactive, o.Terminal = isTerminal(in), isTerminal(c.OutOrStdout())
			return withExitCode(connect.Run(c.Context(), o, in, c.OutOrStdout(), c.ErrOrStderr()))
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&o.Binary, "binary", false, "send lines as binary messages")
	f.BoolVar(&o.Hex, "hex", false, "read lines as bytes in hex and send them as binary messages; write binary messages received in hex")
	f.DurationVar(&o.Ping, "ping", 0, "send pings at this `interval`, such as 5s, and report when their pongs are received")
	f.StringArrayVar(&fields, "header", nil, "add a header `field` to the request, such as 'Cookie: id=1'; may be repeated")
	f.StringVar(&origin, "origin", "", "set the request's Origin to this `URL`")
	f.StringSliceVar(&o.Subprotocols, "subprotocol", nil, "offer the subprotocol with this `name`; may be repeated")
	f.BoolVar(&o.Compress, "compress", false, "offer permessage-deflate")
	f.BoolVar(&o.Raw, "raw", false, "show the handshake and every frame in both directions, decoded")
	f.BoolVar(&o.Insecure, "insecure", false, "accept any certificate of a wss:// server")
	addHTTP2Flag(f, &o)
	f.DurationVar(&o.Timeout, "timeout", o.Timeout, "longest `time` that the handshake may take")
	f.DurationVar(&o.Wait, "wait", o.Wait, "`time` without a message after the end of the input, before connect closes")
	f.Int64Var(&o.MaxMessageSize, "max-message-size", o.MaxMessageSize, "largest message accepted, in `bytes`")
	return c
}

func parseFields(fields []string, origin string) (http.Header, error) {
	header := http.Header{"User-Agent": {"framescope/" + version}}
	for _, field := range fields {
		name, value, ok := strings.Cut(field, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("--header %q is not a header field: give NAME: VALUE", field)
		}
		header.Add(name, strings.TrimSpace(value))
	}
	if origin != "" {
		header.Set("Origin", origin)
	}
	return header, nil
}

// isTerminal reports whether stream may be a terminal: a character device other than
// the null device.
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

// withExitCode returns the error with which a connection ended, with its exit code.
func withExitCode(err error) error {
	var refused *connect.Refused
	var closed *websocket.CloseError
	var breach protocol.Breach
	var untrusted *tls.CertificateVerificationError
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
	case errors.As(err, &untrusted):
		return fmt.Errorf("%w: if you know the server, accept its certificate with --insecure", err)
	case errors.As(err, &closed) && closed.Code != protocol.CloseAbnormal:
		return &codedError{exitClosed, err}
	}
	return err
}

func decodeCommand() *cobra.Command {
	o := decode.Options{Payload: 64}
	c := &cobra.Command{
		Use:   "decode [FILE]",
		Short: "Print the frames in captured bytes, and the rules that they break",
		Long: `Read the bytes that one side of a WebSocket connection sent, from a file or from
standard input, and print each frame as soon as it is complete, with each rule of the
RFC that it breaks. The bytes may be given in hex, as a hex dump, in base64, or raw.
The request or the response of the handshake, or both, may precede the frames. Earlier
HTTP requests and responses of the connection may precede those; decode prints a line
for each.

With --json the payload is in the field "text" if the part shown is valid UTF-8, else in
"hex"; "whole" reports whether all of it is shown. A request or response that does not
open a WebSocket is an object with "http", its first line, and "from".

Exit codes: 0 every frame is legal; 1 the input cannot be read, contains HTTP but no
WebSocket, or ends inside a frame; 2 the command line was wrong; 3 some frames break
the RFC.`,
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
			case <-c.Context().Done(): // the goroutine may wait for input for ever
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
	f.StringVar(&o.Format, "format", "auto", "`format` of the input: auto, hex, base64 or binary")
	f.StringVar(&o.From, "from", "auto", "`side` that sent the bytes: client, server or auto, which goes by the mask bit of the first frame")
	f.BoolVar(&o.JSON, "json", false, "print a JSON object for each frame")
	f.IntVar(&o.Payload, "payload", o.Payload, "show at most this many `bytes` of each payload")
	f.BoolVar(&o.Deflate, "deflate", false, "take RSV1 as the mark of a compressed message (permessage-deflate)")
	f.Uint64Var(&o.MaxMessageSize, "max-message-size", 0, "largest legal message, in `bytes`; 0 for no limit")
	return c
}
