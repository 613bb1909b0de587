// The choice of a content coding (RFC 9110 12.5.3).

package site

import (
	"iter"
	"strconv"
	"strings"
)

// preference is the order in which codings of equal weight are chosen: the smallest first.
var preference = []string{"br", "gzip", "identity"}

// negotiate returns the coding with the highest weight, or "" if the client accepts none of
// the file's codings.
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
		// identity is acceptable unless it is excluded, but any coding that the client names
		// is preferred.
		return 0.0001
	}
	return 0
}

// parseCoding parses an element such as `gzip;q=0.5`. An invalid weight counts as 0, so a
// client that sends one gets the file uncompressed.
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

// tokens returns the elements of a header field that is a comma-separated list.
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
