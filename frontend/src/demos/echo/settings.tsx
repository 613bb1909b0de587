// The echo's settings: what is sent, how often, and what the handshake offers.

import type { Rhythm, Session } from "./session";

const rhythms: readonly [Rhythm, string][] = [
  [1, "1 a second"],
  [10, "10 a second"],
  [100, "100 a second"],
  [0, "as soon as the last is back"],
];

export function Settings({ session }: { session: Session }) {
  const { rhythm, size, running, agreed } = session;
  return (
    <form
      class="settings"
      onSubmit={(e) => {
        e.preventDefault();
        session.open();
      }}
    >
      <label>
        Rhythm
        <select
          value={String(rhythm.value)}
          onChange={(e) => session.setRhythm(Number(e.currentTarget.value) as Rhythm)}
        >
          {rhythms.map(([value, text]) => (
            <option key={value} value={String(value)}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <label>
        Bytes
        <input
          type="number"
          min={0}
          max={1048576}
          value={size.value}
          data-testid="echo-size"
          onInput={(e) => session.setSize(e.currentTarget.valueAsNumber)}
        />
      </label>
      <Offer session={session} />
      <div class="buttons">
        <button
          type="button"
          class="main-button"
          data-testid="echo-run"
          onClick={() => session.setRunning(!running.value)}
        >
          {running.value ? "Stop sending" : "Send"}
        </button>
        <button type="button" onClick={() => session.clear()}>
          Start over
        </button>
      </div>
      <p class="aside" data-testid="echo-agreed">
        {agreed.value === "" ? "Agreed: no subprotocol, no extension." : `Agreed: ${agreed.value}.`}
      </p>
    </form>
  );
}

/** What the handshake offers. A change connects again. */
function Offer({ session }: { session: Session }) {
  const { compress, subprotocols } = session;
  return (
    <>
      <label>
        Subprotocols to offer
        <select
          value={subprotocols.value}
          data-testid="echo-subprotocol"
          onChange={(e) => {
            subprotocols.value = e.currentTarget.value;
            session.open();
          }}
        >
          <option value="">none</option>
          <option value="chat, superchat">chat, superchat</option>
          <option value="superchat">superchat</option>
          <option value="framescope.play.v1">framescope.play.v1</option>
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          data-testid="echo-compress"
          checked={compress.value}
          onChange={(e) => {
            compress.value = e.currentTarget.checked;
            session.open();
          }}
        />
        Compress
      </label>
    </>
  );
}
