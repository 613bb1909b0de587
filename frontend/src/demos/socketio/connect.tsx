// The form that connects a Socket.IO client: transport, namespace and auth payload.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { asObject } from "../json";
import { TextField } from "../text-field";
import type { Client, TransportChoice } from "./client";

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

export function ConnectForm({ client }: { client: Client }) {
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
      <TextField label="Auth payload" id="sio-auth" value={auth} />
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
