// The push demo: what the server pushed, and a form that has it push.

import style from "style:./push.css";
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { count } from "../../format";
import { Announcement } from "../announcement";
import { socketURL } from "../captured";
import { ConnectionState, Stage } from "../stage";
import { TextField } from "../text-field";
import { Visible } from "../visible";
import { broadcast, Pushes } from "./pushes";

export { style };

export function Demo() {
  const [pushes] = useState(() => new Pushes());
  useEffect(() => {
    pushes.socket.open();
    return () => pushes.close();
  }, []);
  const url = socketURL("/ws/push");
  const api = new URL("/api/broadcast", location.href).href;
  return (
    <Stage
      marks={[pushes.socket.mark.value]}
      frames="All frames but pongs come from the server: each push is one text frame, made once for all connections. When nothing is pushed, pings find out who is gone."
      url={url}
      commands={[
        { says: "Receive pushes in a terminal:", command: `bin/framescope connect ${url}` },
        {
          says: 'Push from a script on the server\'s machine; with "room" to one chat room only:',
          command: `curl -H 'Content-Type: application/json' -d '{"text":"lunch is ready"}' ${api}`,
        },
        {
          says: "Push by typing: stop the server and start it with this. Each line at its terminal then goes to every push connection and every chat room:",
          command: "bin/framescope serve --operator",
        },
      ]}
    >
      <ConnectionState state={pushes.socket.state} problem={pushes.socket.problem} />
      <Form />
      <Received pushes={pushes} />
    </Stage>
  );
}

function Form() {
  const text = useSignal("Lunch is ready");
  const room = useSignal("");
  const result = useSignal("");
  const failed = useSignal(false);
  const send = async (e: Event) => {
    e.preventDefault();
    const { receivers, problem } = await broadcast(text.value, room.value.trim());
    failed.value = problem !== "";
    result.value = problem || `Queued for ${count(receivers, "receiver")}.`;
  };
  return (
    <form class="settings" onSubmit={(e) => void send(e)}>
      <TextField label="Text" id="push-text" value={text} class="push-text" />
      <TextField label="Only to the chat room" id="push-room" value={room} placeholder="to all" />
      <div class="buttons">
        <button type="submit" class="main-button" data-testid="push-send">
          Push
        </button>
      </div>
      <p class={failed.value ? "problem" : "aside"} data-testid="push-result" role="status">
        {result.value}
      </p>
    </form>
  );
}

function Received({ pushes }: { pushes: Pushes }) {
  const all = pushes.received.value;
  return (
    <section class="pushed" aria-labelledby="pushed-title">
      <h3 id="pushed-title">
        Received <span class="tally">{pushes.total.value}</span>
      </h3>
      {all.length === 0 && <p class="aside">Nothing has been pushed since this demo was opened.</p>}
      <Announcement text={all[0]?.text ?? ""} />
      <ol data-testid="push-list">
        {all.map(({ id, time, text }) => (
          <li key={id}>
            <time dateTime={time.toISOString()}>{time.toLocaleTimeString()}</time>
            <Visible text={text} />
          </li>
        ))}
      </ol>
    </section>
  );
}
