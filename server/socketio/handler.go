// Handlers: functions of the application, by the name of an event or as methods of a type.

package socketio

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// handler calls a function of the application with the arguments of an event, and returns what it
// is acknowledged with.
type handler func(s *Socket, args Args) (reply []any, err error)

var (
	socketType = reflect.TypeFor[*Socket]()
	argsType   = reflect.TypeFor[Args]()
	errorType  = reflect.TypeFor[error]()
)

// newHandler makes a handler of a function; see [Namespace.On] for those that it may be.
func newHandler(f any) (handler, error) {
	switch f := f.(type) {
	case func(*Socket, Args):
		return func(s *Socket, args Args) ([]any, error) {
			f(s, args)
			return nil, nil
		}, nil
	case func(*Socket, Args) Args:
		return func(s *Socket, args Args) ([]any, error) { return []any{f(s, args)}, nil }, nil
	}
	v := reflect.ValueOf(f)
	if !v.IsValid() || v.Kind() != reflect.Func || v.IsNil() {
		return nil, fmt.Errorf("a handler is a function, not %T", f)
	}
	if t := v.Type(); t.NumIn() == 0 || t.In(0) != socketType {
		return nil, fmt.Errorf("%v is no handler: its first parameter must be *socketio.Socket", t)
	}
	c := &call{function: v, params: make([]reflect.Type, 0, v.Type().NumIn()-1)}
	for i := range v.Type().NumIn() - 1 {
		c.params = append(c.params, v.Type().In(i+1))
	}
	return c.handle, nil
}

// call is a function with parameters of its own types.
type call struct {
	function reflect.Value
	params   []reflect.Type // behind the socket
}

func (c *call) handle(s *Socket, args Args) ([]any, error) {
	in := make([]reflect.Value, 1, 1+len(c.params))
	in[0] = reflect.ValueOf(s)
	into := make([]any, 0, len(c.params))
	variadic := c.function.Type().IsVariadic()
	for i, param := range c.params {
		if variadic && i == len(c.params)-1 {
			for range args.Len() - i {
				in = append(in, reflect.New(param.Elem()).Elem())
			}
			break
		}
		in = append(in, reflect.New(param).Elem())
	}
	for _, value := range in[1:] {
		if value.Type() == argsType {
			value.Set(reflect.ValueOf(args))
			into = append(into, new(any))
			continue
		}
		into = append(into, value.Addr().Interface())
	}
	if err := args.Decode(into...); err != nil {
		return nil, err
	}
	return results(c.function.Call(in))
}

// results divides what a function returned into a reply and an error, which is last.
func results(out []reflect.Value) (reply []any, err error) {
	if n := len(out); n > 0 && out[n-1].Type() == errorType {
		err, _ = out[n-1].Interface().(error)
		out = out[:n-1]
	}
	for _, value := range out {
		reply = append(reply, value.Interface())
	}
	return reply, err
}

// methods returns the handlers among the methods of a value, by the folded name of their event.
func methods(v any) (map[string]handler, error) {
	found := map[string]handler{}
	value := reflect.ValueOf(v)
	for i := range value.NumMethod() {
		event, ok := strings.CutPrefix(value.Type().Method(i).Name, "On")
		first, _ := utf8.DecodeRuneInString(event)
		if !ok || event == "" || unicode.IsLower(first) || event == "Connect" || event == "Disconnect" {
			continue
		}
		h, err := newHandler(value.Method(i).Interface())
		if err != nil {
			return nil, fmt.Errorf("method On%s: %w", event, err)
		}
		found[string(appendFolded(nil, []byte(event)))] = h
	}
	return found, nil
}

// appendFolded appends the name of an event without what separates its words, in lower case:
// "my event", my_event, my-event and MyEvent become the same.
func appendFolded(dst, name []byte) []byte {
	for _, c := range name {
		switch {
		case c == ' ' || c == '-' || c == '_' || c == '.' || c == ':':
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c+'a'-'A')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
