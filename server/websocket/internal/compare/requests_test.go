// The variants of a client's opening handshake, and what the RFC says of each.

package compare_test

const (
	anyVersion    = "takes HTTP/1.0"
	firstOnly     = "takes the first of several fields that may come once"
	listedVersion = "takes a list of versions that holds 13"
	badRequest    = "answers 400 where the RFC's example is 426"
	badExtensions = "overlooks a malformed list of extensions"
	badProtocols  = "overlooks a malformed list of subprotocols"
	noHost        = "takes a request with an empty Host"
	emptyElements = "reads no list that begins with an empty element, or nothing behind one"
)

// The parts of the good request that variants replace.
const (
	startLine       = "GET /chat HTTP/1.1\r\n"
	hostField       = "Host: localhost\r\n"
	upgradeField    = "Upgrade: websocket\r\n"
	connectionField = "Connection: Upgrade\r\n"
	keyField        = "Sec-WebSocket-Key: " + sampleKey + "\r\n"
	versionField    = "Sec-WebSocket-Version: 13\r\n"
)

var requests = []handshakeCase{
	{"the good one", "", "", accepted, "4.2.1", ""},
	{"names in lower case", "Upgrade: websocket\r\nConnection", "upgrade: websocket\r\nconnection", accepted, "4.2.1", ""},
	{"names in upper case", "Sec-WebSocket-Key", "SEC-WEBSOCKET-KEY", accepted, "4.2.1", ""},
	{"Upgrade: WebSocket", "websocket", "WebSocket", accepted, "4.2.1", ""},
	{"Upgrade: WEBSOCKET", "websocket", "WEBSOCKET", accepted, "4.2.1", ""},
	{"Connection: upgrade", "Connection: Upgrade", "Connection: upgrade", accepted, "4.2.1", ""},
	{"Connection: keep-alive, Upgrade", "Connection: ", "Connection: keep-alive, ", accepted, "4.2.1", ""},
	{"Connection: Upgrade, keep-alive", connectionField, "Connection: Upgrade, keep-alive\r\n", accepted, "4.2.1", ""},
	{"Connection in two fields", connectionField, "Connection: keep-alive\r\n" + connectionField, accepted, "4.2.1", ""},
	{"Upgrade: h2c, websocket", "Upgrade: ", "Upgrade: h2c, ", accepted, "4.2.1", ""},
	{"Upgrade: h2c/1.0, websocket", "Upgrade: ", "Upgrade: h2c/1.0, ", accepted, "RFC 9110 7.8", "does not find websocket behind a protocol with a version"},
	{"Upgrade in two fields", upgradeField, "Upgrade: h2c\r\n" + upgradeField, accepted, "4.2.1", ""},
	{"Connection: , Upgrade", "Connection: ", "Connection: , ", accepted, "RFC 9110 5.6.1", emptyElements},
	{"Connection: keep-alive,,Upgrade", "Connection: ", "Connection: keep-alive,,", accepted, "RFC 9110 5.6.1", emptyElements},
	{"no white space before a value", "Upgrade: ", "Upgrade:", accepted, "RFC 9110 5.5", ""},
	{"white space around a value", "websocket", "\t websocket \t", accepted, "RFC 9110 5.5", ""},
	{"white space around the elements of a list", "Connection: ", "Connection: keep-alive \t,\t", accepted, "RFC 9110 5.6.1", ""},
	{"white space around the key", keyField, "Sec-WebSocket-Key: \t" + sampleKey + " \r\n", accepted, "4.2.1", ""},
	{"HTTP/1.2", "HTTP/1.1", "HTTP/1.2", accepted, "4.2.1", ""},
	{"a query", "/chat", "/chat?room=a&b", accepted, "4.2.1", ""},
	{"a whole URI as target", "/chat", "http://localhost/chat", accepted, "4.2.1", ""},
	{"fields that mean nothing here", hostField, hostField + "Cookie: a=b\r\nX-Other: 1\r\n", accepted, "4.2.1", ""},
	{"an extension that nobody knows", hostField, hostField + "Sec-WebSocket-Extensions: x-a; b; c=1; d=\"2\", x-e\r\n", accepted, "9.1", ""},
	{"extensions in two fields", hostField, hostField + "Sec-WebSocket-Extensions: x-a\r\nSec-WebSocket-Extensions: x-b\r\n", accepted, "9.1", ""},
	{"the same origin", hostField, hostField + "Origin: http://localhost\r\n", accepted, "4.2.2", ""},
	{"a key of zeros", sampleKey, "AAAAAAAAAAAAAAAAAAAAAA==", accepted, "4.2.1", ""},

	{"POST", "GET", "POST", refusal, "4.2.1", ""},
	{"HEAD", "GET", "HEAD", refusal, "4.2.1", ""},
	{"get in lower case", "GET", "get", refusal, "4.2.1", ""},
	{"HTTP/1.0", "HTTP/1.1", "HTTP/1.0", refusal, "4.2.1", anyVersion},
	{"no Host", hostField, "", refusal, "4.2.1", ""},
	{"an empty Host", hostField, "Host: \r\n", refusal, "4.2.1", noHost},
	{"two Hosts", hostField, hostField + hostField, refusal, "RFC 9112 3.2", ""},
	{"white space before a colon", "Upgrade:", "Upgrade :", refusal, "RFC 9112 5.1", ""},
	{"a line without a colon", upgradeField, "Upgrade websocket\r\n", refusal, "RFC 9112 5", ""},
	{"NUL in a field", hostField, hostField + "X-Other: \x00\r\n", refusal, "RFC 9110 5.5", ""},

	{"no Upgrade", upgradeField, "", refusal, "4.2.1", ""},
	{"an empty Upgrade", upgradeField, "Upgrade:\r\n", refusal, "4.2.1", ""},
	{"Upgrade: websockets", "websocket", "websockets", refusal, "4.2.1", ""},
	{"Upgrade: web socket", "websocket", "web socket", refusal, "4.2.1", ""},
	{"Upgrade: websocket/13", "websocket", "websocket/13", refusal, "4.2.1", ""},
	{"Upgrade in quotes", "websocket", `"websocket"`, refusal, "4.2.1", ""},
	{"Upgrade: webſocket, with a long s", "websocket", "web\u017focket", refusal, "4.2.1", ""},
	{"no Connection", connectionField, "", refusal, "4.2.1", ""},
	{"Connection: keep-alive", connectionField, "Connection: keep-alive\r\n", refusal, "4.2.1", ""},
	{"Connection: Upgraded", connectionField, "Connection: Upgraded\r\n", refusal, "4.2.1", ""},
	{"Connection: keep-alive Upgrade", "Connection: ", "Connection: keep-alive ", refusal, "4.2.1", ""},

	{"no version", versionField, "", refusal, "4.2.1", ""},
	{"an empty version", versionField, "Sec-WebSocket-Version:\r\n", refusal, "4.2.1", ""},
	{"version 0", "Version: 13", "Version: 0", 426, "4.2.2", badRequest},
	{"version 8", "Version: 13", "Version: 8", 426, "4.2.2", badRequest},
	{"version 12", "Version: 13", "Version: 12", 426, "4.2.2", badRequest},
	{"version 14", "Version: 13", "Version: 14", 426, "4.2.2", badRequest},
	{"version 255", "Version: 13", "Version: 255", 426, "4.2.2", badRequest},
	{"version 256", "Version: 13", "Version: 256", refusal, "4.3", ""},
	{"version 013", "Version: 13", "Version: 013", refusal, "4.3", ""},
	{"version 13.0", "Version: 13", "Version: 13.0", refusal, "4.3", ""},
	{"version -13", "Version: 13", "Version: -13", refusal, "4.3", ""},
	{"version thirteen", "Version: 13", "Version: thirteen", refusal, "4.3", ""},
	{"versions 13, 8", "Version: 13", "Version: 13, 8", refusal, "4.3", listedVersion},
	{"versions 8, 13", "Version: 13", "Version: 8, 13", refusal, "4.3", listedVersion},
	{"versions in two fields", versionField, versionField + "Sec-WebSocket-Version: 8\r\n", refusal, "11.3.5", firstOnly},

	{"no key", keyField, "", refusal, "4.2.1", ""},
	{"an empty key", sampleKey, "", refusal, "4.2.1", ""},
	{"a key that is no base64", sampleKey, "!!!!!!!!!!!!!!!!!!!!!!==", refusal, "4.2.1", ""},
	{"a key of 15 bytes", sampleKey, "dGhlIHNhbXBsZSBub25j", refusal, "4.2.1", ""},
	{"a key of 17 bytes", sampleKey, "dGhlIHNhbXBsZSBub25jZWU=", refusal, "4.2.1", ""},
	{"a key of 18 bytes", sampleKey, "dGhlIHNhbXBsZSBub25jZWVl", refusal, "4.2.1", ""},
	{"a key without padding", sampleKey, "dGhlIHNhbXBsZSBub25jZQ", refusal, "4.2.1", ""},
	{"a key with too much padding", sampleKey, "dGhlIHNhbXBsZSBub25jZQ====", refusal, "4.2.1", ""},
	{"a key in the other base64", sampleKey, "_-hlIHNhbXBsZSBub25jZQ==", refusal, "4.2.1", ""},
	{"a key with a space", sampleKey, "dGhlIHNhbXBs ZSBub25jZQ==", refusal, "4.2.1", ""},
	{"two keys in a list", sampleKey, sampleKey + ", " + sampleKey, refusal, "4.2.1", ""},
	{"the same key in two fields", keyField, keyField + keyField, refusal, "11.3.1", firstOnly},
	{"two keys in two fields", keyField, keyField + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", refusal, "11.3.1", firstOnly},

	{"another origin", hostField, hostField + "Origin: http://evil.example\r\n", 403, "4.2.2", ""},
	{"origin null", hostField, hostField + "Origin: null\r\n", 403, "4.2.2", ""},
	{"two origins", hostField, hostField + "Origin: http://localhost\r\nOrigin: http://evil.example\r\n", 403, "RFC 6454 7.3", "takes the first of two origins"},

	{"an extension without a name", hostField, hostField + "Sec-WebSocket-Extensions: ; a=1\r\n", refusal, "9.1", badExtensions},
	{"an extension name of two words", hostField, hostField + "Sec-WebSocket-Extensions: x-a b\r\n", refusal, "9.1", badExtensions},
	{"an extension name with a slash", hostField, hostField + "Sec-WebSocket-Extensions: x/a\r\n", refusal, "9.1", badExtensions},
	{"an extension parameter without a name", hostField, hostField + "Sec-WebSocket-Extensions: x-a; =1\r\n", refusal, "9.1", badExtensions},
	{"an extension with nothing behind its semicolon", hostField, hostField + "Sec-WebSocket-Extensions: x-a;\r\n", refusal, "9.1", badExtensions},
	{"an extension parameter with an empty value", hostField, hostField + "Sec-WebSocket-Extensions: x-a; b=\r\n", refusal, "9.1", badExtensions},
	{"an extension parameter with an open quote", hostField, hostField + "Sec-WebSocket-Extensions: x-a; b=\"c\r\n", refusal, "9.1", badExtensions},
	{"an extension parameter that is no token in its quotes", hostField, hostField + "Sec-WebSocket-Extensions: x-a; b=\"c d\"\r\n", refusal, "9.1", badExtensions},
	{"a malformed list behind a good one", hostField, hostField + "Sec-WebSocket-Extensions: x-a\r\nSec-WebSocket-Extensions: x-b c\r\n", refusal, "9.1", badExtensions},
	{"an extension parameter with an escape in its quotes", hostField, hostField + "Sec-WebSocket-Extensions: x-a; b=\"\\c\"\r\n", accepted, "9.1", ""},
	{"empty elements in the list of extensions", hostField, hostField + "Sec-WebSocket-Extensions: , x-a, ,x-b\r\n", accepted, "RFC 9110 5.6.1", ""},
	{"a subprotocol of two words", hostField, hostField + "Sec-WebSocket-Protocol: chat v1\r\n", refusal, "4.2.1", badProtocols},
	{"a subprotocol with a parameter", hostField, hostField + "Sec-WebSocket-Protocol: chat.v1;q=1\r\n", refusal, "4.2.1", badProtocols},
	{"a subprotocol named twice", hostField, hostField + "Sec-WebSocket-Protocol: chat.v1, chat.v1\r\n", refusal, "4.1", badProtocols},
	{"a subprotocol in two fields", hostField, hostField + "Sec-WebSocket-Protocol: chat.v1\r\nSec-WebSocket-Protocol: chat.v1\r\n", refusal, "4.1", badProtocols},
	{"an empty list of subprotocols", hostField, hostField + "Sec-WebSocket-Protocol:\r\n", refusal, "4.3", badProtocols},
	{"empty elements in the list of subprotocols", hostField, hostField + "Sec-WebSocket-Protocol: , chat.v1, ,\r\n", accepted, "RFC 9110 5.6.1", ""},
}
