// The command line: the commands, the flags of serve, and how errors are reported.

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"framescope/server/decode"
)

// usageError is an error in the command line.
type usageError struct{ error }

// unreportedError is an error that is not written to standard error, because nobody reads
// it and the write would block.
type unreportedError struct{ error }

// reportError writes err as one line and returns the exit code for it. The line is
// escaped, since a peer may have chosen parts of the text.
func reportError(w io.Writer, err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, new(unreportedError)):
		return exitFailed
	}
	fmt.Fprintf(w, "framescope: %s\n", decode.Escape(strings.ReplaceAll(err.Error(), "\n", " ")))
	var coded *codedError
	switch {
	case errors.As(err, new(usageError)):
		return exitUsage
	case errors.As(err, &coded):
		return coded.code
	}
	return exitFailed
}

// codedError is an error with its own exit code.
type codedError struct {
	code int
	error
}

func rootCommand() *cobra.Command {
	serve := serveCommand()
	root := &cobra.Command{
		Use:   "framescope",
		Short: "See every WebSocket frame that crosses the wire, bit by bit",
		Long: `Framescope serves WebSockets and a page that shows every frame that crosses
them, bit by bit, while it happens.

Flags of ` + "`framescope serve`" + `:
` + serve.Flags().FlagUsages(),
		Args:          noArguments("framescope"),
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w: see `%s --help`", err, c.CommandPath())}
	})
	root.AddCommand(serve, connectCommand(), decodeCommand(), versionCommand())
	return root
}

// noArguments refuses arguments that are not flags.
func noArguments(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return usageError{fmt.Errorf("unknown argument %q: see `%s --help`", args[0], command)}
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments("framescope version"),
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "framescope %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

func serveCommand() *cobra.Command {
	config := defaults()
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the page, its WebSockets and the capture",
		Long: `Serve the page and these addresses, until SIGINT or SIGTERM:

  /                the page
  /healthz         200 ok
  /ws/echo         echoes each message
  /ws/chat         chat: ?room=R&name=N, both optional
  /ws/push         receives what the operator and /api/broadcast push
  /api/broadcast   pushes the text of a POST request
  /socket.io/      Socket.IO: events that come back, namespaces, rooms
  /engine.io/      Engine.IO: each message comes back
  /api/transports  what a message costs on each transport: ?text=T
  /files/          the files of --files
  /ws/inspect      the capture feed, which the page reads`,
		Args: noArguments("framescope serve"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := config.check(); err != nil {
				return usageError{err}
			}
			// The server goes on when the reader of its log has gone.
			signal.Ignore(syscall.SIGPIPE)
			config.input = c.InOrStdin()
			logQueue := newLogQueue(c.ErrOrStderr())
			err := serve(c.Context(), config, c.OutOrStdout(), slog.New(slog.NewTextHandler(logQueue, nil)))
			if !logQueue.Close() && err != nil {
				return unreportedError{err}
			}
			return err
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&config.addr, "addr", config.addr, "`HOST:PORT` to listen on; port 0 picks a free one")
	f.IntVar(&config.snap, "snap", config.snap, "capture at most this many payload `bytes` of each frame; while frames flood in, at most 128")
	f.IntVar(&config.history, "history", config.history, "keep this many `MiB` of captured frames; 0 captures only while a page watches")
	f.Int64Var(&config.maxMessageSize, "max-message-size", config.maxMessageSize, "largest message accepted, in `bytes`; a connection that sends a larger one is closed with 1009")
	f.Var(&config.maxMemory, "max-memory", "limit of all data that is queued or incomplete, a `SIZE` such as 512MiB; beyond it the largest and longest idle connections are closed. By default a quarter of the machine's memory")
	f.StringArrayVar(&config.origins, "allow-origin", nil, "allow pages of this `origin` to connect, too, such as https://app.example or https://*.app.example; may be repeated")
	f.StringArrayVar(&config.hosts, "allow-host", nil, "answer requests for this host `name`, too, such as scope.example or *.scope.example; may be repeated")
	operatorFlag(f, config)
	config.lines.addFlags(f)
	config.tls.addFlags(f)
	config.addChatFlags(f)
	config.socketIO.addFlags(f)
	folderFlag(f, config)
	config.addClusterFlag(f)
	f.StringVar(&config.pages, "pages", "", "serve the page from this `folder` instead of the built-in one; for development")
	return c
}
