// Fuzzing what other instances send.

package socketio

import "testing"

// FuzzShared: no message of another instance crashes, and an event has what it had.
func FuzzShared(f *testing.F) {
	n := New(Options{}).Namespace("/")
	event := appendTexts(appendTexts([]byte{sharedEvent}, []string{"room"}), []string(nil))
	event = appendText(appendText(event, "e"), `1,{"_placeholder":true,"num":0}`)
	f.Add(appendTexts(event, [][]byte{[]byte("x")}))
	f.Add(appendClose(nil, "room"))
	f.Add(appendDisconnect(nil, []string{"a", "b"}, []string{"c"}))
	f.Add([]byte("e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(_ *testing.T, message []byte) {
		(*receiver)(n).Received("peer", message)
	})
}
