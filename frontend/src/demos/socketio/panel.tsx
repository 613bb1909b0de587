// One client of the Socket.IO demo: how to connect, what to send, and the packets.

import { ConnectionState } from "../stage";
import type { Client } from "./client";
import { ConnectForm } from "./connect";
import { Packets } from "./packets";
import { Events, Rooms } from "./send";

interface PanelProps {
  client: Client;
  number: number;
}

export function Panel({ client, number }: PanelProps) {
  return (
    <section class="sio" data-testid="sio" aria-label={`Client ${number}`}>
      <ConnectForm client={client} />
      <ConnectionState state={client.state} problem={client.problem} />
      <dl class="sio-session">
        <dt>Transport</dt>
        <dd data-testid="sio-transport">{client.transport.value || "–"}</dd>
        <dt>Id</dt>
        <dd data-testid="sio-id">{client.sid.value || "–"}</dd>
      </dl>
      <Events client={client} />
      <Rooms client={client} />
      <Packets client={client} />
    </section>
  );
}
