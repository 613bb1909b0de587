// The duties of the opening handshake: their texts, sections and statuses, in one table.

package protocol

// duty is what one side of a handshake must do.
type duty uint8

const (
	// Of a request over HTTP/1.1.
	dutyGet duty = iota
	dutyHTTP
	dutyHost
	dutyUpgrade
	dutyConnection
	dutyKey
	// Of one over HTTP/2.
	dutyConnect
	dutyConnectNotGet // the same, for a request that may be a browser's for a page
	dutyProtocolField
	dutyAuthority
	dutyNoUpgrade
	// Of both.
	dutyVersion
	dutyNoVersion // the same, if it is missing
	dutyProtocols
	dutyExtensions
	dutyNoBody
	// Of a response over HTTP/1.1.
	dutySwitching
	dutyUpgraded
	dutyConnectionUpgraded
	dutyAccept
	// Of one over HTTP/2.
	dutySuccess
	// Of both.
	dutyOffered
	dutyOfferedExtensions
	dutyDeflate
)

const (
	section1 = "RFC 6455 4.2.1"
	section2 = "RFC 8441 5"
	section4 = "RFC 6455 4.1"
	byHTTP2  = "this URL speaks WebSocket: over HTTP/2 the request is a CONNECT with :protocol websocket"
)

// duties is by duty. A reason is what is wrong and what the sender has to do; it may be followed by
// what was seen. The status is the one that a server refuses with.
var duties = [...]struct {
	what, reason, section string
	status                uint16
}{
	dutyGet:           {"the method is GET", "a WebSocket handshake is a GET request", section1, 405},
	dutyHTTP:          {"HTTP/1.1 or higher", "a WebSocket handshake needs HTTP/1.1", section1, 400},
	dutyHost:          {"Host is there", "the Host field is missing", section1, 400},
	dutyUpgrade:       {"Upgrade names websocket", "this URL speaks WebSocket: the request needs Upgrade: websocket", section1, 426},
	dutyConnection:    {"Connection names Upgrade", "the request needs Connection: Upgrade", section1, 400},
	dutyKey:           {"Sec-WebSocket-Key is 16 bytes in base64", "the request needs one Sec-WebSocket-Key of 16 bytes in base64", section1, 400},
	dutyConnect:       {"the method is CONNECT", byHTTP2, section2, 405},
	dutyConnectNotGet: {"the method is CONNECT", byHTTP2, section2, 426},
	dutyProtocolField: {":protocol is websocket", byHTTP2, section2, 501},
	dutyAuthority:     {":authority is there", "the field :authority is missing", section2, 400},
	dutyNoUpgrade:     {"neither Connection nor Upgrade is there", "over HTTP/2 a request has neither Connection nor Upgrade", "RFC 9113 8.2.2", 400},
	// RFC 6455 4.4: name the versions that are understood.
	dutyVersion:    {"Sec-WebSocket-Version is 13", "the request needs one Sec-WebSocket-Version: 13", section1, 426},
	dutyNoVersion:  {"Sec-WebSocket-Version is 13", "the request needs one Sec-WebSocket-Version: 13", section1, 400},
	dutyProtocols:  {"Sec-WebSocket-Protocol is a list of different tokens", "Sec-WebSocket-Protocol is not a list of at most 100 subprotocols, each named once", section1, 400},
	dutyExtensions: {"Sec-WebSocket-Extensions is a list of extensions", "Sec-WebSocket-Extensions is not a list of extensions with their parameters", "RFC 6455 9.1", 400},
	dutyNoBody:     {"the request has no body", "a WebSocket handshake has no body: leave out Content-Length and Transfer-Encoding", "RFC 9110 9.3.1", 400},

	dutySwitching:          {"the status is 101", "the status should be 101, but the server answered with status ", section4, 0},
	dutyUpgraded:           {"Upgrade is websocket", "the answer lacks Upgrade: websocket", section4, 0},
	dutyConnectionUpgraded: {"Connection names Upgrade", "the answer lacks Connection: Upgrade", section4, 0},
	dutyAccept:             {"Sec-WebSocket-Accept is the key's", "Sec-WebSocket-Accept should be ", "RFC 6455 4.2.2", 0},
	dutySuccess:            {"the status is 200", "the status should be 200, but the server answered with status ", section2, 0},
	dutyOffered:            {"the subprotocol was offered", "the server chose a subprotocol that was not offered", section4, 0},
	dutyOfferedExtensions:  {"the extensions were offered", "the server chose an extension that was not offered", section4, 0},
	dutyDeflate:            {"permessage-deflate answers the offer", "the server chose parameters of permessage-deflate that the offer does not allow", "RFC 7692 7.1", 0},
}
