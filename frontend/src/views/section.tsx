// A section of an RFC, as a link to its text.

/** "RFC 6455 5.2" leads to that section; short leaves the RFC out, where it is plain which. */
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
