// One client of the Socket.IO demo: how to connect, what to send, and the packets.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { asObject } from "../json";
import { ConnectionState } from "../stage";
import { Visible } from "../visible";
import type { Client, Entry, TransportChoice } from "./client";

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

const choices: readonly [TransportChoice, string][] = [
  ["upgrade", "polling, then upgrade"],
  ["websocket", "WebSocket alone"],
  ["polling", "HTTP polling alone"],
];

const namespaces: readonly [string, string][] = [
  ["/", "/"],
  ["/custom", "/custom"],
  ["/nowhere", "/nowhere (refused)"],
];

function ConnectForm({ client }: { client: Client }) {
  const choice = useSignal<TransportChoice>("upgrade");
  const namespace = useSignal("/");
  const auth = useSignal('{"name":"ann"}');
  const problem = useSignal("");
  const connect = () => {
    const payload = objectIn(auth.value);
    problem.value = payload ? "" : 'The auth payload is a JSON object, such as {"name":"ann"}.';
    if (payload) client.connect(namespace.value, choice.value, payload);
  };
  useEffect(connect, []);
  return (
    <form
      class="settings"
      onSubmit={(e) => {
        e.preventDefault();
        connect();
      }}
    >
      <Choice
        label="Transport"
        id="sio-choice"
        value={choice.value}
        all={choices}
        choose={(value) => {
          choice.value = value;
          connect();
        }}
      />
      <Choice
        label="Namespace"
        id="sio-namespace"
        value={namespace.value}
        all={namespaces}
        choose={(value) => {
          namespace.value = value;
          connect();
        }}
      />
      <label>
        Auth payload
        <input
          type="text"
          data-testid="sio-auth"
          spellcheck={false}
          autocomplete="off"
          value={auth.value}
          onInput={(e) => {
            auth.value = e.currentTarget.value;
          }}
        />
      </label>
      <div class="buttons">
        <button type="submit" data-testid="sio-connect">
          Connect
        </button>
        <button
          type="button"
          data-testid="sio-disconnect"
          disabled={client.state.value === "closed"}
          onClick={() => client.disconnect()}
        >
          Disconnect
        </button>
      </div>
      {problem.value !== "" && (
        <p class="problem" role="status">
          {problem.value}
        </p>
      )}
    </form>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  id: string;
  value: T;
  all: readonly [T, string][];
  choose: (value: T) => void;
}

function Choice<T extends string>({ label, id, value, all, choose }: ChoiceProps<T>) {
  return (
    <label>
      {label}
      <select
        data-testid={id}
        value={value}
        onChange={(e) => {
          const chosen = all.find(([name]) => name === e.currentTarget.value);
          if (chosen) choose(chosen[0]);
        }}
      >
        {all.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value = asObject(JSON.parse(text || "{}"));
    return value && { ...value };
  } catch {
    return null;
  }
}

function Events({ client }: { client: Client }) {
  const text = useSignal('"hello", {"count": 1}');
  const problem = useSignal("");
  const send = (how: (args: unknown[]) => void) => {
    try {
      const args: unknown = JSON.parse(`[${text.value}]`);
      problem.value = "";
      if (Array.isArray(args)) how(args);
    } catch {
      problem.value = "Write the arguments in JSON, with commas between them.";
    }
  };
  const open = client.state.value === "open";
  return (
    <form
      class="settings sio-send"
      onSubmit={(e) => {
        e.preventDefault();
        send((args) => client.emit("message", args));
      }}
    >
      <label>
        Arguments of an event
        <input
          type="text"
          data-testid="sio-args"
          spellcheck={false}
          autocomplete="off"
          value={text.value}
          onInput={(e) => {
            text.value = e.currentTarget.value;
          }}
        />
      </label>
      <div class="buttons">
        <button type="submit" class="main-button" data-testid="sio-send" disabled={!open}>
          Send “message”
        </button>
        <button
          type="button"
          data-testid="sio-ack"
          disabled={!open}
          onClick={() => send((args) => client.call("message-with-ack", args))}
        >
          with acknowledgement
        </button>
        <button
          type="button"
          data-testid="sio-binary"
          disabled={!open}
          onClick={() => client.emit("message", ["bytes", Uint8Array.of(1, 2, 3, 4)])}
        >
          with bytes
        </button>
      </div>
      {problem.value !== "" && (
        <p class="problem" role="status">
          {problem.value}
        </p>
      )}
    </form>
  );
}

function Rooms({ client }: { client: Client }) {
  const room = useSignal("tea");
  const text = useSignal("anyone?");
  const open = client.state.value === "open";
  return (
    <form
      class="settings sio-send"
      onSubmit={(e) => {
        e.preventDefault();
        client.call("say", [room.value, text.value]);
      }}
    >
      <label>
        Room, or a client's id
        <input
          type="text"
          data-testid="sio-room"
          autocomplete="off"
          value={room.value}
          onInput={(e) => {
            room.value = e.currentTarget.value;
          }}
        />
      </label>
      <label>
        Say
        <input
          type="text"
          data-testid="sio-text"
          autocomplete="off"
          value={text.value}
          onInput={(e) => {
            text.value = e.currentTarget.value;
          }}
        />
      </label>
      <div class="buttons">
        <button
          type="button"
          data-testid="sio-join"
          disabled={!open}
          onClick={() => client.call("join", [room.value])}
        >
          Join
        </button>
        <button
          type="button"
          data-testid="sio-leave"
          disabled={!open}
          onClick={() => client.call("leave", [room.value])}
        >
          Leave
        </button>
        <button type="submit" data-testid="sio-say" disabled={!open}>
          Say to the others
        </button>
      </div>
    </form>
  );
}

const signs: Record<Entry["kind"], [sign: string, name: string]> = {
  sent: ["→", "sent"],
  received: ["←", "received"],
  note: ["·", "note"],
  fault: ["!", "error"],
};

function Packets({ client }: { client: Client }) {
  const list = useRef<HTMLDivElement>(null);
  const entries = client.entries.value;
  useEffect(() => {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [entries]);
  return (
    <div class="sio-log">
      <h3>
        Packets
        <button type="button" class="link" onClick={() => client.clear()}>
          Clear
        </button>
      </h3>
      <div
        class="sio-packets"
        ref={list}
        role="group"
        aria-label="Packets"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        tabIndex={0}
      >
        <ol data-testid="sio-packets">
          {entries.map(({ id, kind, raw, meaning }) => (
            <li key={id} class={kind}>
              <span class="sign" role="img" aria-label={signs[kind][1]}>
                {signs[kind][0]}
              </span>
              <div>
                {raw !== "" && (
                  <code>
                    <Visible text={raw} />
                  </code>
                )}
                <span class="meaning">
                  <Visible text={meaning} />
                </span>
              </div>
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}
