// The events of the subprotocol framescope.chat.v1, as the server sends them.

import {
  asObject,
  booleanIn,
  type JSONObject,
  listIn,
  numberIn,
  parseObject,
  textIn,
  textsIn,
} from "../json";

export const subprotocol = "framescope.chat.v1";

export interface Said {
  type: "message";
  name: string;
  text: string;
  time: string;
}

export type ChatEvent =
  /** A long list of members or messages follows in pieces; in the last one "more" is false. */
  | { type: "welcome"; room: string; name: string; members: string[]; history: Said[]; more: boolean }
  | { type: "members"; members: string[]; more: boolean }
  | { type: "history"; history: Said[]; more: boolean }
  | { type: "join"; names: string[] }
  | { type: "leave"; names: string[]; reasons: string[] }
  | Said
  | { type: "private"; from: string; to: string; text: string; time: string }
  | { type: "typing"; name: string; on: boolean }
  | { type: "operator"; text: string; time: string }
  | { type: "error"; code: string; text: string; refers: string }
  | { type: "who"; members: string[]; count: number }
  | { type: "pong" };

/** What a client sends. */
export type ChatRequest =
  | { type: "message"; text: string; to?: string }
  | { type: "typing"; on: boolean }
  | { type: "who" }
  | { type: "ping" }
  | { type: "quit" };

/** Reads an event. null is one that this page does not know. */
export function parseEvent(text: string): ChatEvent | null {
  const o = parseObject(text);
  return o && eventOf(o);
}

function eventOf(o: JSONObject): ChatEvent | null {
  const type = textIn(o, "type");
  const text = textIn(o, "text");
  const time = textIn(o, "time");
  const more = booleanIn(o, "more");
  switch (type) {
    case "welcome": {
      const [room, name] = [textIn(o, "room"), textIn(o, "name")];
      return { type, room, name, members: textsIn(o, "members"), history: historyIn(o), more };
    }
    case "members":
      return { type, members: textsIn(o, "members"), more };
    case "history":
      return { type, history: historyIn(o), more };
    case "join":
      return { type, names: namesIn(o) };
    case "leave":
      return { type, names: namesIn(o), reasons: reasonsIn(o) };
    case "message":
      return { type, name: textIn(o, "name"), text, time };
    case "private":
      return { type, from: textIn(o, "from"), to: textIn(o, "to"), text, time };
    case "typing":
      return { type, name: textIn(o, "name"), on: booleanIn(o, "on") };
    case "operator":
      return { type, text, time };
    case "error":
      return { type, code: textIn(o, "code"), text, refers: textIn(o, "refers") };
    case "who":
      return { type, members: textsIn(o, "members"), count: numberIn(o, "count") };
    case "pong":
      return { type };
    default:
      return null;
  }
}

/** A join or leave has one name, or several when many come and go. */
function namesIn(o: JSONObject): string[] {
  const name = textIn(o, "name");
  return name === "" ? textsIn(o, "names") : [name];
}

function reasonsIn(o: JSONObject): string[] {
  const reason = textIn(o, "reason");
  return reason === "" ? textsIn(o, "reasons") : [reason];
}

function historyIn(o: JSONObject): Said[] {
  const said: Said[] = [];
  for (const value of listIn(o, "history")) {
    const item = asObject(value);
    const event = item && eventOf(item);
    if (event?.type === "message") said.push(event);
  }
  return said;
}
