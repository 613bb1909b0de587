// Refused connections: what a client is told.

package socketio

import (
	"errors"

	jsonv2 "github.com/go-json-experiment/json"

	"framescope/server/engineio"
)

// Refusal is an error of a handler of [Namespace.OnConnect] that has data for the client.
type Refusal struct {
	Message string // what the client's error says
	Data    any    // any JSON, or nil for none
}

// Refuse returns a [Refusal].
func Refuse(message string, data any) error { return &Refusal{message, data} }

func (r *Refusal) Error() string { return r.Message }

// encodeRefusal encodes the CONNECT_ERROR for an error. If its data cannot be encoded, they are
// left out, and the error says why.
func encodeRefusal(namespace string, why error) ([]byte, error) {
	answer := struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitzero"`
	}{Message: why.Error()}
	var r *Refusal
	if errors.As(why, &r) {
		answer.Message, answer.Data = r.Message, r.Data
	}
	data, err := jsonv2.Marshal(answer, lenient)
	if err != nil {
		answer.Data = nil
		data, _ = jsonv2.Marshal(answer, lenient)
	}
	text := appendHead([]byte{engineio.TextPrefix}, kindConnectError, 0, namespace, noID)
	return append(text, data...), err
}
