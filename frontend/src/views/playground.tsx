// The playground panel: a WebSocket of the browser, to try things with.

import "./playground.css";
import { useEffect, useRef } from "preact/hooks";
import { duration, grouped, timeOfDay } from "../format";
import * as play from "../playground";

/** Example messages: the three forms of the length, UTF-8, binary, many at once. */
const examples: readonly { name: string; title: string; send: () => void }[] = [
  {
    name: "JSON",
    title: "A JSON object as a text message",
    send: () => play.sendMessage('{"hello":"world","bits":[1,0,0,0],"big":9007199254740993}'),
  },
  {
    name: "Grüße 🌍",
    title: "Text with characters beyond ASCII",
    send: () => play.sendMessage("Grüße, 世界 🌍"),
  },
  {
    name: "200 B",
    title: "Payload len 126: the next 16 bits are the length",
    send: () => play.sendMessage("framescope ".repeat(19).slice(0, 200)),
  },
  {
    name: "70 kB",
    title: "Payload len 127: the next 64 bits are the length",
    send: () => play.sendMessage("x".repeat(70_000)),
  },
  {
    name: "binary",
    title: "Bytes 00 to 1f",
    send: () => play.sendMessage(Uint8Array.from({ length: 32 }, (_, i) => i)),
  },
  {
    name: "× 100",
    title: "A hundred messages at once",
    send: () => {
      for (let i = 1; i <= 100; i++) play.sendMessage(`message ${i}`);
    },
  },
];

export function Playground() {
  const state = play.playState.value;
  const open = state === "open";
  return (
    <section class="panel play" id="playground" aria-labelledby="play-title">
      <h2 id="play-title">
        <span class="number">1</span> Connect
      </h2>
      <form
        class="play-line"
        onSubmit={(e) => {
          e.preventDefault();
          play.connect();
        }}
      >
        <label class="visually-hidden" for="play-url">
          WebSocket URL
        </label>
        <input
          id="play-url"
          data-testid="play-url"
          type="text"
          inputMode="url"
          spellcheck={false}
          autocomplete="off"
          list="play-urls"
          value={play.playURL.value}
          disabled={state !== "closed"}
          onInput={(e) => {
            play.playURL.value = e.currentTarget.value;
          }}
        />
        <datalist id="play-urls">
          {play.suggestions.map((url) => (
            <option key={url} value={url} />
          ))}
        </datalist>
        <Offer disabled={state !== "closed"} />
        <div class="buttons">
          <button type="submit" class="main-button" data-testid="play-connect" disabled={state !== "closed"}>
            {state === "connecting" ? "Connecting…" : "Connect"}
          </button>
          <button
            type="button"
            data-testid="play-disconnect"
            disabled={state === "closed" || state === "closing"}
            onClick={play.disconnect}
          >
            Disconnect
          </button>
        </div>
      </form>
      <form
        class="play-line"
        onSubmit={(e) => {
          e.preventDefault();
          play.sendDraft();
        }}
      >
        <label class="visually-hidden" for="play-input">
          Message
        </label>
        <input
          id="play-input"
          data-testid="play-input"
          type="text"
          autocomplete="off"
          placeholder={play.asBytes.value ? "48 65 6c 6c 6f" : "Message"}
          value={play.draft.value}
          onInput={(e) => {
            play.draft.value = e.currentTarget.value;
          }}
        />
        <div class="buttons">
          <button type="submit" class="main-button" data-testid="play-send" disabled={!open}>
            Send
          </button>
          <button
            type="button"
            data-testid="play-ping"
            disabled={play.pingProblem.value !== ""}
            title={play.pingProblem.value}
            onClick={play.requestPing}
          >
            Ping
          </button>
          <label class="check">
            <input
              type="checkbox"
              checked={play.asBytes.value}
              onChange={(e) => {
                play.asBytes.value = e.currentTarget.checked;
              }}
            />
            as hex bytes
          </label>
        </div>
      </form>
      {open && play.pingProblem.value !== "" && <p class="aside">{play.pingProblem.value}</p>}
      {open && (
        <div class="chips examples" role="group" aria-label="Messages to try">
          {examples.map(({ name, title, send }) => (
            <button key={name} type="button" class="chip" title={title} onClick={send}>
              {name}
            </button>
          ))}
        </div>
      )}
      <Log />
    </section>
  );
}

/** What the handshake offers beside the URL. */
function Offer({ disabled }: { disabled: boolean }) {
  return (
    <div class="play-offer">
      <label for="play-subprotocol">Subprotocols</label>
      <input
        id="play-subprotocol"
        data-testid="play-subprotocol"
        type="text"
        spellcheck={false}
        autocomplete="off"
        placeholder={play.offered.value.join(", ") || "chat, superchat"}
        title="Names to offer, with commas between them. The server takes one of them, or none."
        value={play.subprotocols.value}
        disabled={disabled}
        onInput={(e) => {
          play.subprotocols.value = e.currentTarget.value;
        }}
      />
      <label
        class="check"
        title={
          play.canDecline.value
            ? "A browser always offers permessage-deflate. Off, the server is asked not to accept it, so that payloads can be read on the wire."
            : "A browser always offers permessage-deflate. Only /ws/echo and /ws/chat of this server can be asked not to accept it."
        }
      >
        <input
          type="checkbox"
          data-testid="play-compress"
          checked={play.compress.value || !play.canDecline.value}
          disabled={disabled || !play.canDecline.value}
          onChange={(e) => {
            play.compress.value = e.currentTarget.checked;
          }}
        />
        Compress
      </label>
    </div>
  );
}

/** The log shows at most this many characters of a message. */
const maxText = 120;

const signs: Record<play.Entry["kind"], [string, string]> = {
  note: ["·", "note"],
  sent: ["→", "sent"],
  received: ["←", "received"],
  fault: ["!", "error"],
};

function Log() {
  const list = useRef<HTMLDivElement>(null);
  const entries = play.playLog.value;
  useEffect(() => {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [entries]);
  return (
    <div class="play-log" data-testid="play-log" ref={list} role="log" aria-label="Log of this connection">
      <ol>
        {entries.map((entry) => {
          const [sign, name] = signs[entry.kind];
          return (
            <li key={entry.id} class={entry.kind} title={timeOfDay(BigInt(entry.time) * 1000000n)}>
              <span class="log-sign" role="img" aria-label={name}>
                {sign}
              </span>
              <span class="log-text">
                {entry.text.length > maxText
                  ? `${entry.text.slice(0, maxText)}… (${grouped(entry.text.length)} characters)`
                  : entry.text}
              </span>
              {entry.roundTrip !== undefined && (
                <span class="round-trip" title="Time from send() to the echo's message event">
                  {duration(entry.roundTrip)}
                </span>
              )}
            </li>
          );
        })}
      </ol>
    </div>
  );
}
