// How the package is used.

package protocol_test

import (
	"fmt"

	"framescope/protocol"
)

func ExampleDecoder() {
	// What a client sent, in pieces as they came: "Hello" masked, and a ping that is not.
	pieces := []string{"\x81\x85\x37\xfa\x21\x3d\x7f\x9f", "\x4d\x51\x58\x89\x00"}
	d := protocol.Decoder{From: protocol.Client}
	for _, piece := range pieces {
		b := []byte(piece)
		for {
			ev, n := d.Next(b)
			if n == 0 {
				break // more bytes, please
			}
			b = b[n:]
			fmt.Printf("%v %q end=%v\n", d.Header().Opcode, ev.Data, ev.End)
			for rule := range ev.Broken.All() {
				fmt.Println(d.BreachOf(rule))
			}
		}
	}
	// Output:
	// text "He" end=false
	// text "llo" end=true
	// ping "" end=true
	// protocol: frame from the client is not masked (RFC 6455 5.1)
}

func ExampleAppendHeader() {
	h := protocol.Header{Fin: true, Opcode: protocol.OpBinary, PayloadLength: 256}
	wire := protocol.AppendHeader(nil, h)
	fmt.Printf("% x\n", wire)
	again, n := protocol.ParseHeader(wire)
	fmt.Println(again.Opcode, again.PayloadLength, n)
	// Output:
	// 82 7e 01 00
	// binary 256 4
}

func ExampleMask() {
	p := []byte("Hello")
	protocol.Mask(0x37fa213d, 0, p)
	fmt.Printf("% x\n", p)
	protocol.Mask(0x37fa213d, 0, p)
	fmt.Printf("%s\n", p)
	// Output:
	// 7f 9f 4d 51 58
	// Hello
}

func ExampleAcceptKey() {
	fmt.Println(protocol.AcceptKey("dGhlIHNhbXBsZSBub25jZQ=="))
	// Output: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
}

// A client's side of a connection, up to its WebSocket.
func ExampleHTTPDecoder() {
	b := []byte("POST /login HTTP/1.1\r\nContent-Length: 4\r\n\r\nuser" +
		"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\x81\x85")
	var d protocol.HTTPDecoder
	for {
		ev, n, err := d.Next(b)
		if err != nil || n == 0 {
			fmt.Println(err)
			return
		}
		b = b[n:]
		if ev.Head == nil {
			fmt.Printf("body %s\n", ev.Body)
			continue
		}
		head, _ := protocol.ParseHead(ev.Head)
		fmt.Println(head.StartLine)
		if protocol.HasToken(head.Values("Upgrade"), "websocket") {
			fmt.Printf("then % x, if the server agrees\n", b)
			return
		}
	}
	// Output:
	// POST /login HTTP/1.1
	// body user
	// GET /chat HTTP/1.1
	// then 81 85, if the server agrees
}
