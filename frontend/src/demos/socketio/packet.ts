// Packets of Engine.IO 4 and Socket.IO 5 in words.

/** A packet as socket.io-client's engine reports it. */
export interface EnginePacket {
  type: string;
  data?: unknown;
}

/** A packet as it is written, and what it says. */
export interface Described {
  raw: string;
  meaning: string;
}

const engineTypes = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];

const engineMeanings: Record<string, string> = {
  open: "OPEN: the server's session id, times and bounds",
  close: "CLOSE: the session ends",
  ping: "PING: is the client there? Sent by the server in this version",
  pong: "PONG: the client is there",
  upgrade: "UPGRADE: from now on over WebSocket",
  noop: "NOOP: nothing; it ends a waiting poll",
};

const maxRaw = 240;

export function described({ type, data }: EnginePacket): Described {
  const text = typeof data === "string" ? data : "";
  const code = engineTypes.indexOf(type);
  if (type === "message" && typeof data !== "string") {
    const bytes = data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? data.byteLength : 0;
    return { raw: `(${bytes} bytes)`, meaning: "the bytes of an attachment, a message of their own" };
  }
  const raw = clipped(`${code < 0 ? "?" : code}${text}`);
  return {
    raw,
    meaning: type === "message" ? messageMeaning(text) : (engineMeanings[type] ?? `unknown: ${type}`),
  };
}

function clipped(text: string): string {
  return text.length > maxRaw ? `${text.slice(0, maxRaw)}…` : text;
}

const packetTypes = [
  "CONNECT",
  "DISCONNECT",
  "EVENT",
  "ACK",
  "CONNECT_ERROR",
  "BINARY_EVENT",
  "BINARY_ACK",
] as const;

/** Says what a Socket.IO packet is: type, attachments, namespace, id of the acknowledgement, JSON. */
function messageMeaning(text: string): string {
  const [, digit = "", attachments, namespace = "/", id, json = ""] =
    /^(\d)(?:(\d+)-)?(?:(\/[^,]*),)?(\d+)?(.*)$/s.exec(text) ?? [];
  const name = packetTypes[Number(digit)];
  if (digit === "" || !name) return "no packet of Socket.IO";
  const parts: string[] = [name];
  if (name.endsWith("EVENT")) {
    const event = eventName(json);
    parts[0] = event === null ? name : `${name} “${clipped(event)}”`;
    if (id) parts.push(`asks for acknowledgement ${id}`);
  } else if (name.endsWith("ACK")) parts.push(`answers ${id ?? "nothing"}`);
  else if (name === "CONNECT") parts.push(json === "" ? "no data" : `data ${clipped(json)}`);
  else if (name === "CONNECT_ERROR") parts.push(`refused: ${clipped(json)}`);
  if (attachments)
    parts.push(`${attachments} ${attachments === "1" ? "attachment follows" : "attachments follow"}`);
  parts.push(`namespace ${namespace}`);
  return parts.join(", ");
}

function eventName(json: string): string | null {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) && typeof value[0] === "string" ? value[0] : null;
  } catch {
    return null;
  }
}
