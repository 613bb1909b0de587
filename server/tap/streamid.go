// The number of an HTTP/2 stream, which net/http keeps to itself.

package tap

import (
	"net/http"
	"reflect"
)

// streamID returns the number of the stream that a response is for, or 0 if it is not known: there
// is no call for it, so it is read where Go 1.26 has it. In a version that has it elsewhere, it is
// not known.
func streamID(w http.ResponseWriter) uint64 {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = wrapper.Unwrap()
	}
	v := reflect.ValueOf(w)
	for _, name := range []string{"rws", "stream", "id"} {
		if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
			return 0
		}
		v = v.Elem().FieldByName(name)
	}
	if !v.IsValid() || !v.CanUint() {
		return 0
	}
	return v.Uint()
}
