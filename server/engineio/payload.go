// Payloads: several packets in the body of one request or answer.

package engineio

import (
	"bytes"
	"encoding/base64"
)

// The packets' types, and what stands before bytes in a payload.
const (
	packetOpen    = '0'
	packetClose   = '1'
	packetPing    = '2'
	packetPong    = '3'
	packetMessage = '4'
	packetUpgrade = '5'
	packetNoop    = '6'
	binaryPrefix  = 'b'
)

// separator stands between two packets of a payload. Text cannot contain it there.
const separator = 0x1e

// appendPacket adds a packet to a payload: text as it is, with its type, or bytes.
func appendPacket(payload []byte, binary bool, packet []byte) []byte {
	payload = appendSeparator(payload)
	if binary {
		return base64.StdEncoding.AppendEncode(append(payload, binaryPrefix), packet)
	}
	return append(payload, packet...)
}

// appendSeparator makes room for another packet.
func appendSeparator(payload []byte) []byte {
	if len(payload) > 0 {
		payload = append(payload, separator)
	}
	return payload
}

// packetSize returns how many bytes appendPacket adds at most.
func packetSize(binary bool, n int) int {
	if binary {
		n = base64.StdEncoding.EncodedLen(n) + 1
	}
	return n + 1
}

// nextPacket returns the first packet of a payload and the remainder, nil after the last one.
func nextPacket(payload []byte) (packet, rest []byte) {
	if i := bytes.IndexByte(payload, separator); i >= 0 {
		return payload[:i], payload[i+1:]
	}
	return payload, nil
}

// endOfPackets returns where the first packets of a payload end, n at most.
func endOfPackets(payload []byte, n int) int {
	end := -1
	for range n {
		i := bytes.IndexByte(payload[end+1:], separator)
		if i < 0 {
			return len(payload)
		}
		end += 1 + i
	}
	return end
}

// decodeBinary appends the bytes of a packet that begins with binaryPrefix.
func decodeBinary(dst, packet []byte) ([]byte, error) {
	return base64.StdEncoding.AppendDecode(dst, packet[1:])
}
