// The command line: commands, flags, and what is said of a wrong one.

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

// usageError is a fault of the command line; anything else is one of the world.
type usageError struct{ error }

// unheard is one that nobody can be told, as nobody reads standard error.
type unheard struct{ error }

// complain writes err as one line, escaped, since parts of it may be a peer's words, and
// returns the exit code that it deserves.
func complain(w io.Writer, err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, new(unheard)):
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

// codedError has an exit code of its own.
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

// noArguments refuses words that are no flags; a command takes none.
func noArguments(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return usageError{fmt.Errorf("%q is not understood here: see `%s --help`", args[0], command)}
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

  /            the page
  /healthz     200 ok
  /ws/echo     echoes each message
  /ws/chat     chat: ?room=R&name=N, both optional
  /ws/inspect  the capture, for the page`,
		Args: noArguments("framescope serve"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := config.check(); err != nil {
				return usageError{err}
			}
			// A log whose reader has gone does not end the server.
			signal.Ignore(syscall.SIGPIPE)
			lines := newLogQueue(c.ErrOrStderr())
			err := serve(c.Context(), config, c.OutOrStdout(), slog.New(slog.NewTextHandler(lines, nil)))
			if !lines.Close() && err != nil {
				return unheard{err}
			}
			return err
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&config.addr, "addr", config.addr, "`HOST:PORT` to listen at; port 0 picks a free one")
	f.IntVar(&config.snap, "snap", config.snap, "payload `bytes` of each frame that are captured; in a flood 128 at most")
	f.IntVar(&config.history, "history", config.history, "`MiB` of captured frames that are kept; 0 captures only while a page watches")
	f.Int64Var(&config.maxMessageSize, "max-message-size", config.maxMessageSize, "largest message taken, in `bytes`; a larger one is closed with 1009")
	f.Var(&config.maxMemory, "max-memory", "`SIZE` of everything that waits or is unfinished together, such as 512MiB; beyond it the largest and idlest connections are closed. By default a quarter of the memory that there is")
	f.StringArrayVar(&config.origins, "allow-origin", nil, "further `origin` whose pages may connect, such as https://app.example or https://*.app.example; may be repeated")
	f.StringArrayVar(&config.hosts, "allow-host", nil, "further host `name` that this server answers to; may be repeated")
	f.StringVar(&config.pages, "pages", "", "serve the page from this `folder` instead of the built-in one; for development")
	return c
}
