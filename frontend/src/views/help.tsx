// The help dialog: keys, the filter's words, how to read the list.

import "./help.css";
import { useEffect, useRef } from "preact/hooks";
import { helpOpen, keyTexts, setShortcuts, shortcuts } from "./keys";

const filterTexts: readonly [string, string][] = [
  ["opcode:text,ping", "frames of these opcodes"],
  ["dir:in", "from the client to the server; dir:out the other way"],
  ["conn:3", "of connection #3"],
  ["rule:any", "frames that break a rule; or a rule by its id"],
  ["-opcode:pong", "not these"],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (helpOpen.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [helpOpen.value]);
  const close = () => {
    helpOpen.value = false;
  };
  return (
    <dialog class="help" ref={dialog} onClose={close} aria-labelledby="help-title">
      <h2 id="help-title">Reading Framescope</h2>
      <p>
        Every WebSocket frame that crosses this server is copied as it came, byte for byte, and decoded in
        this page by the same Go code that the server runs, compiled to WebAssembly. What the server would
        refuse is marked here; the decoder reads on.
      </p>
      <h3>Keys</h3>
      <Table rows={keyTexts} />
      <label class="shortcuts">
        <input
          type="checkbox"
          checked={shortcuts.value}
          onChange={(e) => setShortcuts(e.currentTarget.checked)}
        />
        Single characters are shortcuts
      </label>
      <h3>Filter</h3>
      <p>Words with spaces between: all of them must hold.</p>
      <Table rows={filterTexts} />
      <h3>Bits of a row</h3>
      <p>
        <code>F···M</code> is FIN, RSV1, RSV2, RSV3 and MASK in the order of the wire; a dot is a bit that is
        not set. <code>┌ ├ └</code> mark the first fragment of a message, those that go on with it, and the
        last.
      </p>
      <form method="dialog">
        <button type="submit" class="main-button">
          Close
        </button>
      </form>
    </dialog>
  );
}

function Table({ rows }: { rows: readonly [string, string][] }) {
  return (
    <dl>
      {rows.map(([key, text]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}
