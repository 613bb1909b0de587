// The opening handshake of a connection: both heads as they were sent, and the checks of them.

import "./handshake-view.css";
import type { HandshakeDetail, HandshakeHead } from "../../generated/layout";
import { Section } from "../section";

export function HandshakeView({ handshake }: { handshake: HandshakeDetail }) {
  const { remote, request, response, checks } = handshake;
  const failed = checks.filter((check) => !check.ok).length;
  return (
    <div class="handshake" data-testid="handshake-view" data-conn={handshake.conn}>
      {remote !== "" && <p class="aside">The client is {remote}.</p>}
      <Head title="→ Request, from the client" head={request} absent="The request was not captured." />
      <Head title="← Response, from the server" head={response} absent="The server has not answered yet." />
      {handshake.compression.length > 0 && (
        <section class="accept">
          <h4>
            Agreed: permessage-deflate <Section name="RFC 7692 7.1" />
          </h4>
          {handshake.compression.map((line) => (
            <p key={line}>{line}</p>
          ))}
        </section>
      )}
      {handshake.key !== "" && <Accept handshake={handshake} />}
      {checks.length > 0 && (
        <details open={failed > 0}>
          <summary>
            {failed === 0
              ? `All ${checks.length} checks of the handshake passed`
              : `${failed} of ${checks.length} checks of the handshake failed`}
          </summary>
          <ul class="checks">
            {checks.map((check) => (
              <li key={`${check.of} ${check.what}`} class={check.ok ? "passed" : "failed"}>
                <span class="check-sign" role="img" aria-label={check.ok ? "passed" : "failed"}>
                  {check.ok ? "✓" : "✗"}
                </span>
                <span>
                  <span class="check-of">{check.of}:</span> {check.ok ? check.what : check.reason}
                  {check.seen !== "" && <code>{check.seen}</code>}
                </span>
                <Section name={check.section} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function Head({ title, head, absent }: { title: string; head: HandshakeHead | null; absent: string }) {
  return (
    <section class="head">
      <h4>{title}</h4>
      {head === null ? (
        <p class="aside">{absent}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
        <pre tabIndex={0}>
          <b>{head.line}</b>
          {head.fields.map(([name, value], i) => (
            <span key={i} class={name?.toLowerCase().match(/^(sec-websocket-|:protocol)/) ? "own" : ""}>
              {"\n"}
              {name}: {value}
            </span>
          ))}
        </pre>
      )}
    </section>
  );
}

/** The digest in a base64 text, in hex. */
function digest(base64: string): string {
  return [...atob(base64)].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
}

function Accept({
  handshake: { key, guid, accept, acceptComputed, acceptOK, response },
}: {
  handshake: HandshakeDetail;
}) {
  return (
    <section class="accept">
      <h4>
        The accept key <Section name="RFC 6455 4.2.2" />
      </h4>
      <dl>
        <dt>Sec-WebSocket-Key</dt>
        <dd class="key">{key}</dd>
        <dt>+ GUID</dt>
        <dd>{guid}</dd>
        <dt>= SHA-1</dt>
        <dd>{acceptComputed === "" ? "" : digest(acceptComputed)}</dd>
        <dt>in base64</dt>
        <dd>{acceptComputed}</dd>
        <dt>server's answer</dt>
        <dd>{accept === "" ? <span class="aside">{response ? "none" : "none yet"}</span> : accept}</dd>
      </dl>
      {response !== null && (
        <p class={acceptOK ? "verdict passed" : "verdict failed"}>
          {acceptOK
            ? "✓ They are equal: the server understood this request as a WebSocket handshake."
            : "✗ They differ: the client must fail the connection."}
        </p>
      )}
    </section>
  );
}
