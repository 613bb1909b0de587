// Opcodes: what a frame is for.

package protocol

// Opcode is the four-bit field that says what a frame carries (RFC 6455 5.2).
type Opcode uint8

const (
	OpContinuation Opcode = 0x0
	OpText         Opcode = 0x1
	OpBinary       Opcode = 0x2
	OpClose        Opcode = 0x8
	OpPing         Opcode = 0x9
	OpPong         Opcode = 0xA
)

const hexDigits = "0123456789abcdef"

var opcodeNames = [16]string{
	OpContinuation: "continuation", OpText: "text", OpBinary: "binary",
	OpClose: "close", OpPing: "ping", OpPong: "pong",
}

// Control reports whether the opcode is in the control range, 0x8 to 0xF.
func (o Opcode) Control() bool { return o&0x8 != 0 }

// Reserved reports whether RFC 6455 leaves the opcode undefined.
func (o Opcode) Reserved() bool { return definedOpcodes&(1<<(o&0xF)) == 0 }

const definedOpcodes = 1<<OpContinuation | 1<<OpText | 1<<OpBinary | 1<<OpClose | 1<<OpPing | 1<<OpPong

// String names the opcode; a reserved one is shown in hex, "0x3".
func (o Opcode) String() string {
	if name := opcodeNames[o&0xF]; name != "" {
		return name
	}
	return "0x" + hexDigits[o&0xF:o&0xF+1]
}
