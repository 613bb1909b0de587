// The report: its JSON, and what is known of each transport without measuring.

package transports

// Report says what a message costs on each transport.
type Report struct {
	Text       string `json:"text"`
	Bytes      int    `json:"bytes"`   // of the text
	Packets    bool   `json:"packets"` // whether packets were counted; otherwise they and Wire are 0
	Transports []Row  `json:"transports"`
}

// Row is one transport.
type Row struct {
	traits
	Setup   Cost `json:"setup"`   // until the first message can be sent
	Send    Cost `json:"send"`    // of the message from client to server, with all that it takes
	Receive Cost `json:"receive"` // of the message from server to client, likewise
}

// Cost is what crossed in each direction.
type Cost struct {
	Up   Count `json:"up"`   // client to server
	Down Count `json:"down"` // server to client
}

// Count is what crossed in one direction.
type Count struct {
	Bytes   int64 `json:"bytes"`   // as the sockets carried them
	Packets int64 `json:"packets"` // acknowledgements included
	Wire    int64 `json:"wire"`    // Bytes, and the IP and UDP or TCP headers of the packets
}

func (c Count) plus(d Count) Count {
	return Count{c.Bytes + d.Bytes, c.Packets + d.Packets, c.Wire + d.Wire}
}

func (c Count) minus(d Count) Count {
	return Count{c.Bytes - d.Bytes, c.Packets - d.Packets, c.Wire - d.Wire}
}

func (c Cost) plus(d Cost) Cost  { return Cost{c.Up.plus(d.Up), c.Down.plus(d.Down)} }
func (c Cost) minus(d Cost) Cost { return Cost{c.Up.minus(d.Up), c.Down.minus(d.Down)} }

// traits are what is known of a transport without measuring.
type traits struct {
	ID    string   `json:"id"`
	Name  string   `json:"name"`
	Has   has      `json:"has"`
	Lacks []string `json:"lacks"` // a sentence for each that it lacks
	Note  string   `json:"note"`
}

// has says what a transport has.
type has struct {
	Order    bool `json:"order"`    // messages come in the order in which they were sent
	Framing  bool `json:"framing"`  // the receiver sees where a message ends
	Arrival  bool `json:"arrival"`  // what is lost is sent again
	Identity bool `json:"identity"` // nobody else can send from the peer's address
	BothWays bool `json:"bothWays"` // the server can send at any time
}

// The transports.
var (
	udpTraits = traits{
		ID: "udp", Name: "UDP datagram",
		Has: has{Framing: true, BothWays: true},
		Lacks: []string{
			"Order: a later datagram may come first.",
			"Arrival: a lost datagram is not sent again, and nobody learns of it.",
			"Identity: anyone can write another sender's address on a datagram, so a server has to check it.",
		},
		Note: "A datagram of more than about 1,472 bytes is split on an Ethernet, and is lost if one of its parts is.",
	}
	tcpTraits = traits{
		ID: "tcp", Name: "TCP line",
		Has:   has{Order: true, Arrival: true, Identity: true, BothWays: true},
		Lacks: []string{"Framing: TCP carries bytes, so a line's end marks a message's, and no message may contain one."},
		Note:  "A browser cannot open it.",
	}
	webSocketTraits = traits{
		ID: "websocket", Name: "WebSocket",
		Has:   has{Order: true, Framing: true, Arrival: true, Identity: true, BothWays: true},
		Lacks: []string{},
		Note:  "After one HTTP request a message costs 2 to 14 bytes more than its text: the header, and a client's masking key.",
	}
	deflateTraits = traits{
		ID: "websocket-deflate", Name: "WebSocket, compressed",
		Has:   webSocketTraits.Has,
		Lacks: []string{},
		Note:  "Each message is compressed by itself, and sent as it is if that makes it no shorter.",
	}
	socketIOTraits = traits{
		ID: "socketio", Name: "Socket.IO over WebSocket",
		Has:   webSocketTraits.Has,
		Lacks: []string{},
		Note:  "The text is written as an event in JSON, 42[\"message\",…]. The setup includes the packets that open a session and a namespace.",
	}
	httpTraits = traits{
		ID: "http", Name: "HTTP POST and long polling",
		Has: has{Framing: true, Arrival: true, Identity: true},
		Lacks: []string{
			"Order: two requests may overtake each other on two connections.",
			"Both ways: the server can only answer, so the client always has a request waiting.",
		},
		Note: "Each message repeats the header fields of a request and of its answer. This is how Socket.IO begins.",
	}
)
