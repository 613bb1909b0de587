// The cluster: its flag, and the hub that joins this server with others.

package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/pflag"

	"framescope/server/hub"
	"framescope/server/hub/nats"
	"framescope/server/memory"
)

// cluster is the flag --cluster. Its text may hold a password, so help and errors do not show
// it; pflag would if Set failed, so check reads it.
type cluster struct {
	text string
	nats.Cluster
}

func (c *cluster) String() string { return "" }
func (c *cluster) Type() string   { return "URL" }

// Set implements pflag.Value.
func (c *cluster) Set(text string) error {
	if text == "" {
		return errors.New("the URL is empty: give nats://HOST:PORT, or leave the flag out")
	}
	c.text = text
	return nil
}

func (c *cluster) check() (err error) {
	if c.text == "" {
		return nil
	}
	if c.Cluster, err = nats.ParseURL(c.text); err != nil {
		return fmt.Errorf("--cluster: %w", err)
	}
	return nil
}

func (c *config) addClusterFlag(f *pflag.FlagSet) {
	f.Var(&c.cluster, "cluster", "share chat rooms, Socket.IO namespaces and the operator with the other servers at this NATS broker: `URL` is nats://HOST:PORT or tls://HOST:PORT, with USER:PASSWORD@ or TOKEN@ before the host, /NAME after it if several clusters share a broker, and ?secret=SECRET to accept only servers that know it")
}

// join returns the hub that joins this server with others, and what leaves it.
func (c *cluster) join(log *slog.Logger, budget *memory.Budget) (h hub.Hub, leave func(), err error) {
	if c.text == "" {
		return new(hub.Local).Instance(), func() {}, nil
	}
	joined, err := nats.Connect(nats.Options{Cluster: c.Cluster, Log: log, Memory: budget})
	if err != nil {
		return nil, nil, fmt.Errorf("--cluster: %w", err)
	}
	return joined, joined.Close, nil
}
