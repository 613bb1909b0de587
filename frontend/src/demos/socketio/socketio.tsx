// The Socket.IO demo: one client, or two side by side, so that rooms can be tried.

import style from "style:./socketio.css";
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { Stage } from "../stage";
import { Client } from "./client";
import { Panel } from "./panel";

export { style };

export function Demo() {
  const [first] = useState(() => new Client());
  const [second] = useState(() => new Client());
  const both = useSignal(false);
  useEffect(
    () => () => {
      first.disconnect();
      second.disconnect();
    },
    [],
  );
  const toggle = () => {
    both.value = !both.value;
    if (!both.value) second.disconnect();
  };
  const { origin } = location;
  return (
    <Stage
      marks={both.value ? [first.mark.value, second.mark.value] : [first.mark.value]}
      frames="Each packet is one frame over WebSocket; attachments are binary frames. Polling is plain HTTP, which is not captured: with the upgrade you see the WebSocket from its first probe."
      url={`${origin}/socket.io/`}
      commands={[
        {
          says: 'With python-socketio (pip install "python-socketio[client]"):',
          command: `python3 -c '
import socketio
sio = socketio.Client()
sio.on("message-back", lambda *args: (print(args), sio.disconnect()))
sio.connect("${origin}", auth={"name": "ann"})
sio.emit("message", ("hello", 1))
sio.wait()'`,
        },
        {
          says: "With npm's socket.io-client (npm install socket.io-client):",
          command: `node -e '
const socket = require("socket.io-client")("${origin}");
socket.on("message-back", (...args) => { console.log(args); socket.close() });
socket.emit("message", "hello", 1);'`,
        },
      ]}
    >
      <div class="sio-panels">
        <Panel client={first} number={1} />
        {both.value && <Panel client={second} number={2} />}
      </div>
      <button type="button" class="more" data-testid="sio-second" aria-pressed={both.value} onClick={toggle}>
        {both.value ? "Close the second client" : "Open a second client beside it"}
      </button>
    </Stage>
  );
}
