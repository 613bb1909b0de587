// A certificate for this machine, made in memory.

package secure

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"slices"
	"time"
)

const (
	// selfSignedTime is how long a certificate of SelfSigned is valid.
	selfSignedTime = 90 * 24 * time.Hour
	// clockSkew is how far a client's clock may be behind ours.
	clockSkew = time.Hour
)

// SelfSigned makes a certificate that is valid for localhost, 127.0.0.1, ::1 and the given names and
// addresses, for 90 days, and is signed by its own key. A client trusts it only if its user compares
// the [Fingerprint].
func SelfSigned(names ...string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Framescope"}, CommonName: "Framescope, self-signed"},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(selfSignedTime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range append([]string{"localhost", "127.0.0.1", "::1"}, names...) {
		addName(template, name)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// addName adds a name or an address that the certificate is valid for.
func addName(c *x509.Certificate, name string) {
	ip := net.ParseIP(name)
	switch {
	case ip == nil && !slices.Contains(c.DNSNames, name):
		c.DNSNames = append(c.DNSNames, name)
	case ip != nil && !slices.ContainsFunc(c.IPAddresses, ip.Equal):
		c.IPAddresses = append(c.IPAddresses, ip)
	}
}
