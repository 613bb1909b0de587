// The opening handshake: the accept key, and what each side must send.

package protocol

import (
	"slices"
	"strconv"
	"strings"
)

// GUID is what the server appends to the client's key (RFC 6455 1.3).
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Version is the protocol version of RFC 6455.
const Version = "13"

// AcceptKey is the Sec-WebSocket-Accept that answers a Sec-WebSocket-Key
// (RFC 6455 4.2.2).
func AcceptKey(key string) string {
	sum := sha1Sum([]byte(key + GUID))
	return encodeBase64(sum[:])
}

// Request is a client's opening handshake.
type Request struct {
	Method       string
	Host         string
	Major, Minor int  // of the HTTP version
	Body         bool // the head announces one
	Fields       Fields
}

// RequestOf reads the request line of a head; fields that it cannot read are zero.
func RequestOf(h Head) (r Request, target string) {
	r.Fields = h
	r.Host = first(append(h.Values(":authority"), h.Values("Host")...)) // RFC 9113 8.3.1
	r.Body = len(h.Values("Transfer-Encoding")) > 0
	for _, length := range h.Values("Content-Length") {
		for _, c := range []byte(length) {
			r.Body = r.Body || c != '0'
		}
	}
	method, rest, _ := strings.Cut(h.StartLine, " ")
	target, version, _ := strings.Cut(rest, " ")
	r.Method = method
	if v, ok := strings.CutPrefix(version, "HTTP/"); ok && len(v) == 3 && v[1] == '.' && isDigit(v[0]) && isDigit(v[2]) {
		r.Major, r.Minor = int(v[0]-'0'), int(v[2]-'0')
	}
	return r, target
}

func bodySeen(body bool) string {
	if body {
		return "a body"
	}
	return "none"
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// StatusOf reads the status code of a response head, 0 if it has none.
func StatusOf(h Head) int {
	_, rest, _ := strings.Cut(h.StartLine, " ")
	code, _, _ := strings.Cut(rest, " ")
	if len(code) != 3 {
		return 0
	}
	status := 0
	for _, c := range []byte(code) {
		if !isDigit(c) {
			return 0
		}
		status = status*10 + int(c-'0')
	}
	return status
}

// Interim reports whether a response with this status is followed by another (RFC 9110 15.2).
func Interim(status int) bool { return status >= 100 && status < 200 && status != 101 }

// Check is one duty of the opening handshake and whether it was fulfilled.
type Check struct {
	What    string // the duty: "Upgrade names websocket"
	Seen    string // what was sent
	Reason  string // what is wrong and what the sender has to do
	Section string
	Status  int // the HTTP status that a server refuses with; 0 in a response
	OK      bool
}

// HandshakeError says why a handshake is refused.
type HandshakeError struct {
	Status  int // HTTP status to answer with; 0 when a response was at fault
	Reason  string
	Section string
}

func (e *HandshakeError) Error() string {
	return "protocol: " + e.Reason + " (" + e.Section + ")"
}

// Accepts reports whether a response with this status accepts the handshake of a request:
// 101, or over HTTP/2 any status of success.
func Accepts(status int, request Fields) bool {
	if extended(request) {
		return status/100 == 2
	}
	return status == 101
}

// extended reports whether a request is an extended CONNECT (RFC 8441 4), the handshake over HTTP/2.
func extended(request Fields) bool { return len(request.Values(ProtocolField)) > 0 }

// ProtocolField is the pseudo-field of an extended CONNECT that names its protocol.
const ProtocolField = ":protocol"

// CheckRequest judges a client's handshake and returns its key. The error is a
// [*HandshakeError] for the first duty that was not fulfilled.
func CheckRequest(r Request) (key string, err error) {
	l := checkList{faults: true}
	requestChecks(r, &l)
	return first(r.Fields.Values("Sec-Websocket-Key")), l.firstFault()
}

// CheckResponse judges a server's answer to a request with the given fields. The error is a
// [*HandshakeError].
func CheckResponse(status int, response, request Fields) error {
	l := checkList{faults: true}
	responseChecks(status, response, request, &l)
	return l.firstFault()
}

// checkList is built one by one: as one literal of many strings it would be several
// times the code.
type checkList struct {
	checks []Check
	faults bool // are all that is of interest
}

// add adds a duty of which one thing was seen. more ends the reason.
//
//go:noinline
func (l *checkList) add(d duty, ok bool, seen, more string) {
	if !ok || !l.faults {
		t := &duties[d]
		l.checks = append(l.checks, Check{What: t.what, Seen: seen, Reason: t.reason + more, Section: t.section, Status: int(t.status), OK: ok})
	}
}

func (l *checkList) firstFault() error {
	if len(l.checks) == 0 {
		return nil
	}
	c := &l.checks[0]
	return &HandshakeError{c.Status, c.Reason, c.Section}
}

// RequestChecks lists every duty of a client's handshake (RFC 6455 4.2.1, over HTTP/2
// RFC 8441 5).
func RequestChecks(r Request) []Check {
	var l checkList
	requestChecks(r, &l)
	return l.checks
}

func requestChecks(r Request, l *checkList) {
	f := r.Fields
	over2 := r.Major == 2
	version, key := f.Values("Sec-Websocket-Version"), f.Values("Sec-Websocket-Key")
	protocols := f.Values("Sec-Websocket-Protocol")
	_, extensions := extensionNames(f)
	offered := Tokens(protocols)
	if over2 {
		connectChecks(r, l)
	} else {
		upgradeChecks(r, l)
	}
	versionIs := dutyVersion
	if len(version) == 0 {
		versionIs = dutyNoVersion
	}
	l.add(versionIs, len(version) == 1 && version[0] == Version, joined(version), "")
	if !over2 { // RFC 8441 5.1: Sec-WebSocket-Key is not used there
		// RFC 6455 4.2.1: 16 bytes once it is decoded.
		l.add(dutyKey, len(key) == 1 && isBase64(key[0], 16), joined(key), "")
	}
	// RFC 6455 4.1, 4.3: one or more, no two alike.
	l.add(dutyProtocols, len(protocols) == 0 || len(offered) <= maxSubprotocols && differentTokens(offered), joined(protocols), "")
	l.add(dutyExtensions, extensions, joined(f.Values("Sec-Websocket-Extensions")), "")
	// Frames follow the head. If one party could read them as a body and another as frames,
	// a request could be smuggled past a proxy.
	l.add(dutyNoBody, !r.Body, bodySeen(r.Body), "")
}

// upgradeChecks are the first duties of a request over HTTP/1.1.
func upgradeChecks(r Request, l *checkList) {
	upgrade, connection := r.Fields.Values("Upgrade"), r.Fields.Values("Connection")
	l.add(dutyGet, r.Method == "GET", r.Method, "")
	l.add(dutyHTTP, r.Major > 1 || r.Major == 1 && r.Minor >= 1, httpVersion(r), "")
	l.add(dutyHost, r.Host != "", r.Host, "")
	l.add(dutyUpgrade, HasToken(upgrade, "websocket"), joined(upgrade), "")
	l.add(dutyConnection, HasToken(connection, "upgrade"), joined(connection), "")
}

// connectChecks are the first duties of a request over HTTP/2.
func connectChecks(r Request, l *checkList) {
	protocol := r.Fields.Values(ProtocolField)
	upgrade := append(r.Fields.Values("Connection"), r.Fields.Values("Upgrade")...)
	method := dutyConnect
	if r.Method == "GET" {
		method = dutyConnectNotGet
	}
	l.add(method, r.Method == "CONNECT", r.Method, "")
	l.add(dutyProtocolField, len(protocol) == 1 && equalFold(protocol[0], "websocket"), joined(protocol), "")
	l.add(dutyAuthority, r.Host != "", r.Host, "")
	l.add(dutyNoUpgrade, len(upgrade) == 0, joined(upgrade), "")
}

// ResponseChecks lists every duty of a server's answer (RFC 6455 4.2.2, over HTTP/2 RFC 8441 5),
// as the client checks them (RFC 6455 4.1).
func ResponseChecks(status int, response, request Fields) []Check {
	var l checkList
	responseChecks(status, response, request, &l)
	return l.checks
}

func responseChecks(status int, response, request Fields, l *checkList) {
	protocols := response.Values("Sec-Websocket-Protocol")
	offered, _ := extensionNames(request)
	accepted, readable := extensionNames(response)
	extensions := joined(response.Values("Sec-Websocket-Extensions"))
	_, agreed := AgreedDeflate(request, response)
	code := strconv.Itoa(status)
	if extended(request) {
		l.add(dutySuccess, Accepts(status, request), code, code)
	} else {
		l.add(dutySwitching, status == 101, code, code)
		switchedChecks(response, request, l)
	}
	// RFC 6455 4.2.2: one token; the empty string is not legal either.
	l.add(dutyOffered, len(protocols) <= 1 && subset(protocols, Tokens(request.Values("Sec-Websocket-Protocol"))), joined(protocols), "")
	l.add(dutyOfferedExtensions, readable && subset(accepted, offered), extensions, "")
	l.add(dutyDeflate, agreed, extensions, "")
}

// switchedChecks are the duties of a response over HTTP/1.1 alone.
func switchedChecks(response, request Fields, l *checkList) {
	upgrade, connection := response.Values("Upgrade"), response.Values("Connection")
	accept := response.Values("Sec-Websocket-Accept")
	computed := AcceptKey(first(request.Values("Sec-Websocket-Key")))
	// RFC 6455 4.1: its value, not one of a list as in a request.
	l.add(dutyUpgraded, len(upgrade) == 1 && equalFold(upgrade[0], "websocket"), joined(upgrade), "")
	l.add(dutyConnectionUpgraded, HasToken(connection, "upgrade"), joined(connection), "")
	l.add(dutyAccept, len(accept) == 1 && accept[0] == computed, joined(accept), computed)
}

// extensionNames lists the extensions without their parameters. ok is false when
// the fields are no list of extensions.
func extensionNames(f Fields) (names []string, ok bool) {
	list, ok := ParseExtensions(f.Values("Sec-Websocket-Extensions"))
	for _, e := range list {
		names = append(names, e.Name)
	}
	return names, ok
}

// maxSubprotocols is how many a client may offer: each is compared with all before.
const maxSubprotocols = 100

func differentTokens(list []string) bool {
	for i, s := range list {
		if !IsToken(s) || subset(list[i:i+1], list[:i]) {
			return false
		}
	}
	return len(list) > 0
}

func httpVersion(r Request) string {
	if r.Major == 1 && r.Minor == 1 {
		return "HTTP/1.1"
	}
	return "HTTP/" + strconv.Itoa(r.Major) + "." + strconv.Itoa(r.Minor)
}

func subset(some, all []string) bool {
	for _, s := range some {
		if !slices.Contains(all, s) {
			return false
		}
	}
	return true
}

//go:noinline
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// joined joins several fields of one name to one list (RFC 9110 5.3).
//
//go:noinline
func joined(values []string) string {
	all := first(values)
	for i := 1; i < len(values); i++ {
		all += ", " + values[i]
	}
	return all
}
