// A test of the packets that Linux counts.

package transports_test

import (
	"strings"
	"testing"

	"framescope/server/transports"
)

func TestPackets(t *testing.T) {
	server := serve(t)
	rows := measured(t, server, strings.Repeat("x", 100), nil)
	if udp := rows["udp"]; udp.Setup != (transports.Cost{}) || udp.Send.Up != (transports.Count{Bytes: 100, Packets: 1, Wire: 128}) || udp.Send.Down.Packets != 0 {
		t.Errorf("udp: %+v", udp)
	}
	// SYN, SYN and ACK, ACK; then the line, and its ACK.
	if tcp := rows["tcp"]; tcp.Setup.Up.Packets != 2 || tcp.Setup.Down.Packets != 1 || tcp.Send.Up.Packets != 1 || tcp.Send.Down.Packets != 1 || tcp.Receive.Down.Packets != 1 || tcp.Receive.Up.Packets != 1 {
		t.Errorf("tcp: %+v", tcp)
	}
	// An IP and a TCP header, with or without timestamps; a SYN has 8 bytes more.
	if tcp := rows["tcp"]; tcp.Send.Down.Wire != 52 && tcp.Send.Down.Wire != 40 || tcp.Send.Up.Wire != 101+tcp.Send.Down.Wire ||
		tcp.Setup.Down.Wire != 8+tcp.Send.Down.Wire || tcp.Setup.Up.Wire != 8+2*tcp.Send.Down.Wire {
		t.Errorf("tcp: %+v", tcp)
	}
	if ws := rows["websocket"]; ws.Setup.Up.Packets < 3 || ws.Send.Up.Packets != 1 || ws.Receive.Down.Packets != 1 {
		t.Errorf("websocket: %+v", ws)
	}
	if http := rows["http"]; http.Setup.Up.Packets != 4 || http.Send.Up.Packets < 1 || http.Send.Down.Packets < 1 {
		t.Errorf("http: %+v", http)
	}
}
