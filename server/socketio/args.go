// Arguments: what an event or an acknowledgement carries, decoded only when it is asked for.

package socketio

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Args are the arguments of an event or of an acknowledgement, as they were received. Passed to
// [Socket.Emit] and the like they are sent on without being decoded; everything else, attachments
// included, is for [Args.Decode]. The zero value has no arguments.
//
// The Args of a handler are valid until it returns. Clone makes some that last.
type Args struct{ a *arguments }

type arguments struct {
	raw         []byte   // JSON values with commas between them
	attachments [][]byte // what the placeholders among them stand for
}

// Raw returns the arguments as JSON, with commas between them. In place of an attachment there is
// an object: {"_placeholder":true,"num":0}.
func (a Args) Raw() []byte {
	if a.a == nil {
		return nil
	}
	return a.a.raw
}

// Attachments returns what the placeholders among the arguments stand for.
func (a Args) Attachments() [][]byte {
	if a.a == nil {
		return nil
	}
	return a.a.attachments
}

// Len returns the number of arguments.
func (a Args) Len() int {
	n := 0
	for rest := a.Raw(); len(rest) > 0; n++ {
		_, rest = cutElement(rest)
	}
	return n
}

// Clone returns a copy that is valid for ever.
func (a Args) Clone() Args {
	if a.a == nil {
		return a
	}
	clone := &arguments{raw: bytes.Clone(a.a.raw)}
	for _, attachment := range a.a.attachments {
		clone.attachments = append(clone.attachments, bytes.Clone(attachment))
	}
	return Args{clone}
}

// Decode stores one argument after the other in the values that the pointers point to, as
// package json does: a string in a string, an object in a struct or map. An attachment is stored
// in a []byte, or in an any, however deep in the argument it is. If there are more pointers than
// arguments, the values of the last ones are not changed; if there are fewer, the last arguments
// are ignored. What is stored belongs to the caller.
func (a Args) Decode(into ...any) error {
	rest := a.Raw()
	for i, target := range into {
		if len(rest) == 0 {
			return nil
		}
		var value []byte
		value, rest = cutElement(rest)
		if err := a.decode(value, target); err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return nil
}

// cutElement cuts the first of several JSON values off, which have commas between them.
func cutElement(p []byte) (value, rest []byte) {
	end := skipValue(p, 0)
	if next := skipSpace(p, end); next < len(p) {
		rest = p[next+1:]
	}
	return p[skipSpace(p, 0):end], rest
}

// JSON of JavaScript may name a member twice and escape half of a surrogate pair.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

func (a Args) decode(value []byte, target any) error {
	attachments := a.Attachments()
	if len(attachments) == 0 {
		return json.Unmarshal(value, target, lenient)
	}
	if to, ok := target.(*[]byte); ok {
		if num, end := parsePlaceholder(value, 0); end == len(value) {
			*to = slices.Clone(attachments[num])
			return nil
		}
	}
	return json.Unmarshal(value, target, lenient, json.WithUnmarshalers(json.JoinUnmarshalers(
		json.UnmarshalFromFunc(func(d *jsontext.Decoder, to *[]byte) error { return decodeBytes(d, to, attachments) }),
		json.UnmarshalFromFunc(func(d *jsontext.Decoder, to *any) error { return decodeAny(d, to, attachments) }),
	)))
}

// decodeBytes replaces a placeholder by what it stands for. A string is base64, as in package
// json.
func decodeBytes(d *jsontext.Decoder, to *[]byte, attachments [][]byte) error {
	if d.PeekKind() != '{' {
		return json.SkipFunc
	}
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	num, end := parsePlaceholder(value, 0)
	if end != len(value) {
		return errors.New("an object where bytes are expected")
	}
	*to = slices.Clone(attachments[num])
	return nil
}

// decodeAny decodes an object as package json does, but one that is a placeholder as what it
// stands for.
func decodeAny(d *jsontext.Decoder, to *any, attachments [][]byte) error {
	if d.PeekKind() != '{' {
		return json.SkipFunc
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	object := map[string]any{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		key := name.String() // valid until the next read
		var value any
		if err := json.UnmarshalDecode(d, &value); err != nil {
			return err
		}
		object[key] = value
	}
	*to = object
	if num, ok := object["num"].(float64); ok && object["_placeholder"] == true && int(num) < len(attachments) {
		*to = slices.Clone(attachments[int(num)])
	}
	_, err := d.ReadToken()
	return err
}
