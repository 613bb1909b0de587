// lxzan/gws: its event handler, and its broadcaster.

package bench

import (
	"net"
	"net/http"
	"unicode/utf8"

	"github.com/lxzan/gws"
)

func serveGws(l net.Listener) error {
	mux := http.NewServeMux()
	handle := func(path string, app *gwsApp, deflate gws.PermessageDeflate) {
		// Its own CheckUtf8Enabled checks what is sent once more; the app checks once.
		upgrader := gws.NewUpgrader(app, &gws.ServerOption{PermessageDeflate: deflate, ReadMaxPayloadSize: maxMessage})
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			c, err := upgrader.Upgrade(w, r)
			if err != nil {
				return
			}
			go c.ReadLoop()
		})
	}
	handle("/echo", &gwsApp{}, gws.PermessageDeflate{})
	handle("/deflate", &gwsApp{}, gws.PermessageDeflate{Enabled: true})
	handle("/takeover", &gwsApp{}, gws.PermessageDeflate{Enabled: true, ServerContextTakeover: true})
	handle("/idle", &gwsApp{}, gws.PermessageDeflate{})
	handle("/fanout", &gwsApp{fanOut: &crowd[*gws.Conn]{}}, gws.PermessageDeflate{})
	return http.Serve(l, mux)
}

// gwsApp echoes, or tells all.
type gwsApp struct {
	gws.BuiltinEventHandler
	fanOut *crowd[*gws.Conn]
}

func (a *gwsApp) OnOpen(c *gws.Conn) {
	if a.fanOut != nil {
		a.fanOut.add(c)
	}
}

func (a *gwsApp) OnClose(c *gws.Conn, _ error) {
	if a.fanOut != nil {
		a.fanOut.add(c)()
	}
}

func (a *gwsApp) OnPing(c *gws.Conn, p []byte) { _ = c.WritePong(p) }

func (a *gwsApp) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	if m.Opcode == gws.OpcodeText && !utf8.Valid(m.Bytes()) {
		_ = c.WriteClose(1007, nil)
		return
	}
	if a.fanOut == nil {
		_ = c.WriteMessage(m.Opcode, m.Bytes())
		return
	}
	b := gws.NewBroadcaster(m.Opcode, m.Bytes())
	defer b.Close()
	a.fanOut.each(func(c *gws.Conn) { _ = b.Broadcast(c) })
}
