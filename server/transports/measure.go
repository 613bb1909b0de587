// One run: each transport carries the message once in each direction.

package transports

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// runTime bounds a run. One takes some tens of milliseconds.
const runTime = 5 * time.Second

// exchange is a client and a server that are connected by a transport.
type exchange interface {
	// open starts the server and connects the client.
	open(ctx context.Context, m *meter) error
	// send sends a message from client to server, and receive one from server to client.
	// They return when it has arrived.
	send(ctx context.Context, text string) error
	receive(ctx context.Context, text string) error
	// close ends both, after open has failed, too, and waits for their goroutines.
	close()
}

// measure has each transport carry a text. fields are the header fields of HTTP requests.
func measure(ctx context.Context, text string, fields http.Header) (*Report, error) {
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	report := &Report{Text: text, Bytes: len(text), Packets: countsPackets}
	for _, transport := range []struct {
		traits   traits
		exchange exchange
	}{
		{udpTraits, new(udpExchange)},
		{tcpTraits, new(tcpExchange)},
		{webSocketTraits, &webSocketExchange{fields: fields}},
		{deflateTraits, &webSocketExchange{fields: fields, compress: true}},
		{socketIOTraits, &socketIOExchange{webSocketExchange{fields: fields}}},
		{httpTraits, &httpExchange{fields: fields}},
	} {
		row, err := measureOne(ctx, transport.exchange, text)
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", transport.traits.Name, err)
		}
		row.traits = transport.traits
		report.Transports = append(report.Transports, row)
	}
	return report, nil
}

func measureOne(ctx context.Context, e exchange, text string) (row Row, err error) {
	m := new(meter)
	defer func() {
		for _, l := range m.links {
			_ = l.Close()
		}
		e.close()
	}()
	var before Cost
	for _, step := range []struct {
		cost *Cost
		do   func() error
	}{
		{&row.Setup, func() error { return e.open(ctx, m) }},
		{&row.Send, func() error { return e.send(ctx, text) }},
		{&row.Receive, func() error { return e.receive(ctx, text) }},
	} {
		if err := step.do(); err != nil {
			return Row{}, err
		}
		total := m.total(ctx)
		*step.cost, before = total.minus(before), total
	}
	if !countsPackets {
		row.forgetPackets()
	}
	return row, nil
}

// forgetPackets removes what is known for some transports only.
func (r *Row) forgetPackets() {
	for _, c := range []*Cost{&r.Setup, &r.Send, &r.Receive} {
		for _, n := range []*Count{&c.Up, &c.Down} {
			n.Packets, n.Wire = 0, 0
		}
	}
}

// arrived returns an error if what arrived is not what was sent.
func arrived(got, sent string) error {
	if got != sent {
		return fmt.Errorf("%d bytes arrived that are not the %d sent", len(got), len(sent))
	}
	return nil
}
