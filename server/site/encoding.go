// Choosing a content coding (RFC 9110 12.5.3).

package site

import (
	"iter"
	"strconv"
	"strings"
)

// preference among codings that a client likes equally well: the smallest first.
var preference = []string{"br", "gzip", "identity"}

// negotiate picks the coding that the client likes best, "" when it refuses all there are.
func (f *file) negotiate(acceptEncoding []string) string {
	weights := map[string]float64{}
	for token := range tokens(acceptEncoding) {
		coding, weight := parseCoding(token)
		weights[coding] = weight
	}
	best, chosen := 0.0, ""
	for _, coding := range preference {
		if _, ok := f.bodies[coding]; !ok {
			continue
		}
		if w := weightOf(weights, coding); w > best {
			best, chosen = w, coding
		}
	}
	return chosen
}

func weightOf(weights map[string]float64, coding string) float64 {
	if w, ok := weights[coding]; ok {
		return w
	}
	if w, ok := weights["*"]; ok {
		return w
	}
	if coding == "identity" {
		// Acceptable unless it is excluded, but only when nothing else that was asked for is there.
		return 0.0001
	}
	return 0
}

// parseCoding reads `gzip;q=0.5`. A weight that is not one counts as 0: a client that asks for
// nonsense gets the plain file.
func parseCoding(token string) (coding string, weight float64) {
	coding, parameters, _ := strings.Cut(token, ";")
	coding = strings.ToLower(strings.TrimSpace(coding))
	if coding == "x-gzip" {
		coding = "gzip"
	}
	name, value, ok := strings.Cut(strings.TrimSpace(parameters), "=")
	if !ok || !strings.EqualFold(name, "q") {
		return coding, 1
	}
	weight, err := strconv.ParseFloat(value, 64)
	if err != nil || weight < 0 || weight > 1 {
		return coding, 0
	}
	return coding, weight
}

// tokens are the members of a header field that is a comma-separated list.
func tokens(values []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, value := range values {
			for member := range strings.SplitSeq(value, ",") {
				if member = strings.TrimSpace(member); member != "" && !yield(member) {
					return
				}
			}
		}
	}
}
