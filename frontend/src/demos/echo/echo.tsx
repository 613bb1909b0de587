// The echo: settings, the times of the session as numbers and as a plot.

import style from "style:./echo.css";
import { useEffect, useRef, useState } from "preact/hooks";
import { grouped } from "../../format";
import { theme } from "../../theme";
import { socketURL } from "../captured";
import { ConnectionState, Stage } from "../stage";
import { Plot } from "./plot";
import { Session, type Shown } from "./session";
import { Settings } from "./settings";

export { style };

export function Demo() {
  const [session] = useState(() => new Session());
  useEffect(() => {
    session.open();
    return () => session.close();
  }, []);
  const url = socketURL("/ws/echo");
  return (
    <Stage
      marks={[session.socket.mark.value]}
      frames="Each message is two frames: the client's is masked, the server's is not. With compression on, RSV1 marks the compressed ones, whose payload is shorter than their text; the server leaves short messages as they are."
      url={url}
      commands={[
        {
          says: "Framescope's own client; each line that you type is a message:",
          command: `bin/framescope connect ${url}`,
        },
        {
          says: "With Python's websocket-client (pip install websocket-client):",
          command: `python3 -c '
import websocket
s = websocket.create_connection("${url}")
s.send("Hello")
print(s.recv())
s.close()'`,
        },
        {
          says: "With Node.js 22 or newer:",
          command: `node -e '
const s = new WebSocket("${url}");
s.onopen = () => s.send("Hello");
s.onmessage = (e) => { console.log(e.data); s.close(); };'`,
        },
      ]}
    >
      <ConnectionState state={session.socket.state} problem={session.socket.problem} />
      <Settings session={session} />
      <Figures shown={session.shown.value} />
      <Picture session={session} />
      <p class="aside">
        The time runs from send() to the message event, so it includes the browser. A browser's clock moves in
        steps of 0.1 ms.
      </p>
    </Stage>
  );
}

function milliseconds(ms: number): string {
  return Number.isNaN(ms) ? "–" : `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

function Figures({ shown }: { shown: Shown }) {
  const figures: readonly [name: string, text: string, id: string][] = [
    ["Last", milliseconds(shown.last), "last"],
    ["Min", milliseconds(shown.min), "min"],
    ["Median", milliseconds(shown.median), "median"],
    ["p99", milliseconds(shown.p99), "p99"],
    ["Messages", grouped(shown.received), "count"],
  ];
  return (
    <dl class="figures">
      {figures.map(([name, text, id]) => (
        <div key={id} class={id}>
          <dt>{name}</dt>
          <dd data-testid={`echo-${id}`}>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function Picture({ session }: { session: Session }) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  useEffect(() => {
    if (!element.current) return;
    plot.current = new Plot(element.current);
    return () => plot.current?.stop();
  }, []);
  const shown = session.shown.value;
  useEffect(() => plot.current?.show(shown), [shown]);
  useEffect(() => plot.current?.recolour(), [theme.value]);
  const last = shown.first + shown.newest.length - 1;
  return (
    <figure class="times">
      <figcaption>
        Time from send to receipt of messages {grouped(shown.first)} to {grouped(Math.max(1, last))}
        <span class="keys" aria-hidden="true">
          <span class="dot">each message</span> <span class="line">median</span>{" "}
          <span class="dashes">p99</span>
        </span>
      </figcaption>
      <div
        ref={element}
        class="plot"
        role="img"
        aria-label={`Plot of the last ${shown.newest.length} times: median ${milliseconds(shown.median)}, 99 of 100 at most ${milliseconds(shown.p99)}.`}
      />
    </figure>
  );
}
