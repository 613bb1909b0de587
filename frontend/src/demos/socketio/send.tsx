// What a Socket.IO client can send: events with arguments, and words to a room.

import { useSignal } from "@preact/signals";
import { TextField } from "../text-field";
import type { Client } from "./client";

export function Events({ client }: { client: Client }) {
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
      <TextField label="Arguments of an event" id="sio-args" value={text} />
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

export function Rooms({ client }: { client: Client }) {
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
      <TextField label="Room, or a client's id" id="sio-room" value={room} />
      <TextField label="Say" id="sio-text" value={text} />
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
