// The help dialog: keys, filter terms, how to read the list.

import "./help.css";
import { useEffect, useRef } from "preact/hooks";
import { helpOpen, keyTexts, setShortcuts, shortcuts } from "./keys";

const filterTexts: readonly [string, string][] = [
  ["opcode:text,ping", "frames with these opcodes"],
  ["dir:in", "frames from the client to the server; dir:out for the other direction"],
  ["conn:3", "frames of connection #3"],
  ["rule:any", "frames that break any rule; rule:ID for one rule"],
  ["-opcode:pong", "a - before a term excludes its frames"],
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
        The server copies every WebSocket frame that it sends or receives, byte for byte. This page decodes
        the copies with the same Go code that the server runs, compiled to WebAssembly. What the server
        refuses is marked here, and the decoder continues.
      </p>
      <h3>Keys</h3>
      <Table rows={keyTexts} />
      <label class="shortcuts">
        <input
          type="checkbox"
          checked={shortcuts.value}
          onChange={(e) => setShortcuts(e.currentTarget.checked)}
        />
        Use single characters as shortcuts
      </label>
      <h3>Filter</h3>
      <p>Put spaces between terms. A frame is shown if it matches all of them.</p>
      <Table rows={filterTexts} />
      <h3>Bits of a row</h3>
      <p>
        <code>F···M</code> is FIN, RSV1, RSV2, RSV3 and MASK, in the order in which they are sent; a dot is a
        bit that is not set. <code>┌ ├ └</code> mark the first, the middle and the last fragments of a
        message.
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
