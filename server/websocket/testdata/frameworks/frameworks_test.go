// Tests that a WebSocket is accepted inside each framework, behind its middleware, with what its router
// and its cookies say.

package frameworks

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v5"
	echomiddleware "github.com/labstack/echo/v5/middleware"

	"framescope/server/websocket"
)

// app answers each message with the room and the message. It has what it needs of the request,
// which may be over when it runs.
func app(room string) func(*websocket.Conn) {
	return func(c *websocket.Conn) {
		for {
			op, p, err := c.ReadMessage()
			if err != nil || c.WriteMessage(op, append([]byte(room+": "), p...)) != nil {
				return
			}
		}
	}
}

const sessionCookie = "session=f00"

func withChi(sockets *websocket.Server) http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.RequestID, middleware.Logger, middleware.Recoverer)
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Set-Cookie", sessionCookie)
			next.ServeHTTP(w, r)
		})
	})
	r.HandleFunc("/rooms/{room}", func(w http.ResponseWriter, r *http.Request) {
		o := &websocket.AcceptOptions{Header: w.Header()}
		_ = sockets.Handle(w, r, o, app(chi.URLParam(r, "room")))
	})
	return r
}

func withGin(sockets *websocket.Server) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.LoggerWithWriter(io.Discard), gin.Recovery())
	r.Use(func(c *gin.Context) { c.Writer.Header().Add("Set-Cookie", sessionCookie) })
	r.GET("/rooms/:room", func(c *gin.Context) {
		o := &websocket.AcceptOptions{Header: c.Writer.Header()}
		_ = sockets.Handle(c.Writer, c.Request, o, app(c.Param("room")))
	})
	return r
}

func withEcho(sockets *websocket.Server) http.Handler {
	e := echo.New()
	e.Use(echomiddleware.RequestID(), echomiddleware.Recover())
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			c.Response().Header().Add("Set-Cookie", sessionCookie)
			return next(c)
		}
	})
	e.GET("/rooms/:room", func(c *echo.Context) error {
		o := &websocket.AcceptOptions{Header: c.Response().Header()}
		_ = sockets.Handle(c.Response(), c.Request(), o, app(c.Param("room")))
		return nil
	})
	return e
}

func TestFrameworks(t *testing.T) {
	for name, with := range map[string]func(*websocket.Server) http.Handler{"chi": withChi, "gin": withGin, "echo": withEcho} {
		t.Run(name, func(t *testing.T) {
			sockets := &websocket.Server{}
			server := httptest.NewServer(with(sockets))
			defer server.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			defer sockets.Shutdown(ctx)

			url := "ws" + strings.TrimPrefix(server.URL, "http") + "/rooms/lobby"
			var open []*websocket.Conn
			for range 3 { // more than one, since frameworks use their contexts again
				c, response, err := websocket.Dial(ctx, url, nil)
				if err != nil {
					t.Fatal(err, response)
				}
				defer c.CloseNow()
				if got := response.Header.Values("Set-Cookie"); len(got) != 1 || got[0] != sessionCookie {
					t.Errorf("the cookie of the middleware: %q", got)
				}
				open = append(open, c)
			}
			for _, c := range open {
				if err := c.Write(ctx, websocket.Text, []byte("Hello")); err != nil {
					t.Fatal(err)
				}
				if _, p, err := c.Read(ctx); err != nil || string(p) != "lobby: Hello" {
					t.Errorf("received %q, %v", p, err)
				}
			}
			response, err := http.Get(server.URL + "/rooms/lobby")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != http.StatusUpgradeRequired || !strings.HasSuffix(string(body), "\n") {
				t.Errorf("a plain request: %d %q", response.StatusCode, body)
			}
		})
	}
}
