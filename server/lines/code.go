// Codes: how a UDP address shows that it receives what is sent to it.

package lines

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"net/netip"
	"strings"
	"time"
	"unicode"
)

// Anyone can write another's address on a datagram, and so have us send to that address. So
// the first answer to an address is a code, and nothing that is longer than what came from
// there; who wants to join sends the code back: "JOIN ann K7QP2MXW". The code is made from the
// address, the time and a secret, so nothing is kept for addresses that are not members, however
// many send something.
//
// A loopback address needs no code: the system takes no datagram with such a sender from
// another machine.

const (
	codeTime   = time.Minute // a code is valid for one to two of these
	codeLength = 8           // characters of five bits each
)

// codes makes and checks codes.
type codes struct {
	secret []byte
	now    func() time.Time
}

func newCodes() *codes {
	c := &codes{secret: make([]byte, sha256.Size), now: time.Now}
	_, _ = rand.Read(c.secret) // never fails
	return c
}

// of returns the code of an address.
func (c *codes) of(a netip.AddrPort) string { return c.at(a, c.period()) }

func (c *codes) period() uint64 { return uint64(c.now().UnixNano() / int64(codeTime)) }

func (c *codes) at(a netip.AddrPort, period uint64) string {
	mac := hmac.New(sha256.New, c.secret)
	address, _ := a.MarshalBinary() // never fails
	mac.Write(address)
	mac.Write(binary.BigEndian.AppendUint64(nil, period))
	return base32.StdEncoding.EncodeToString(mac.Sum(nil))[:codeLength]
}

// check reports whether a code, in any case, is that of an address.
func (c *codes) check(a netip.AddrPort, code string) bool {
	p, given := c.period(), []byte(strings.ToUpper(code))
	return subtle.ConstantTimeCompare(given, []byte(c.at(a, p)))|subtle.ConstantTimeCompare(given, []byte(c.at(a, p-1))) == 1
}

// answers are what an address that asks to join without a valid code may be sent, the most
// helpful first.
func (c *codes) answers(a netip.AddrPort, name string) []string {
	code := c.of(a)
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		name = "NAME"
	}
	return []string{
		"* to show that you receive this, send: JOIN " + name + " " + code + "\n",
		code + "\n", code, "?\n",
	}
}
