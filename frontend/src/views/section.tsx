// A link to a section of an RFC.

/** Links "RFC 6455 5.2" to that section. short omits the RFC, where it is clear which one is meant. */
export function Section({ name, short = false }: { name: string; short?: boolean }) {
  const [, rfc, section] = /^RFC (\d+) ([\d.]+)$/.exec(name) ?? [];
  if (!rfc) return <span class="section">{name}</span>;
  return (
    <a
      class="section"
      href={`https://www.rfc-editor.org/rfc/rfc${rfc}#section-${section}`}
      target="_blank"
      rel="noreferrer"
      title={name}
    >
      {short ? `§ ${section}` : name}
    </a>
  );
}
