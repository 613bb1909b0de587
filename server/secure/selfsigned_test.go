// Tests of the certificate that is made in memory.

package secure_test

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"framescope/server/secure"
)

func TestSelfSigned(t *testing.T) {
	made, err := secure.SelfSigned("127.0.0.2", "localhost", "::1", "scope.example", "*.scope.example", "scope.example", "127.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, ip := range made.Leaf.IPAddresses {
		addresses = append(addresses, ip.String())
	}
	slices.Sort(addresses)
	if got := strings.Join(addresses, " "); got != "127.0.0.1 127.0.0.2 ::1" {
		t.Errorf("addresses %s", got)
	}
	if got := strings.Join(made.Leaf.DNSNames, " "); got != "localhost scope.example *.scope.example" {
		t.Errorf("names %s", got)
	}
	roots := x509.NewCertPool()
	roots.AddCert(made.Leaf)
	for name, valid := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "a.scope.example": true, "other.example": false, "127.0.0.3": false} {
		if _, err := made.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); (err == nil) != valid {
			t.Errorf("%s: %v", name, err)
		}
	}
	now := time.Now()
	if from, until := made.Leaf.NotBefore, made.Leaf.NotAfter; now.Sub(from) < 59*time.Minute || until.Sub(now) < 89*24*time.Hour || until.Sub(now) > 91*24*time.Hour {
		t.Errorf("valid from %v until %v", from, until)
	}
	if made.Leaf.IsCA {
		t.Error("it may sign other certificates")
	}
	again, err := secure.SelfSigned()
	if err != nil || secure.Fingerprint(again) == secure.Fingerprint(made) || again.Leaf.SerialNumber.Cmp(made.Leaf.SerialNumber) == 0 {
		t.Errorf("two certificates are alike, %v", err)
	}
}
