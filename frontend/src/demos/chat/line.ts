// The lines of a conversation, and lines that a member types.

import type { ChatRequest, Said } from "./events";

/** A line of joins and leaves knows this many names of either. */
export const maxNames = 50;

/** A line of the conversation. */
export type Line =
  | { id: number; kind: "said"; name: string; text: string; time: string; own: boolean }
  | { id: number; kind: "private"; from: string; to: string; text: string; time: string; own: boolean }
  | { id: number; kind: "operator"; text: string; time: string }
  | { id: number; kind: "moves"; joined: readonly string[]; left: readonly string[]; why: string }
  | { id: number; kind: "note" | "error"; text: string };

/** A line that has no number yet. */
export type NewLine = Line extends infer L ? (L extends Line ? Omit<L, "id"> : never) : never;

/** What a line of joins and leaves says once more of them have come. */
export function moved(
  last: { joined: readonly string[]; left: readonly string[] },
  joined: readonly string[],
  left: readonly string[],
  why: string,
): { joined: string[]; left: string[]; why: string } {
  // A member that left again has no part in the line of those who came, and the other way round.
  const stays = last.joined.filter((name) => !left.includes(name));
  const gone = left.filter((name) => !last.joined.includes(name));
  const back = joined.filter((name) => !last.left.includes(name));
  return {
    joined: [...stays, ...back].slice(-maxNames),
    left: [...last.left.filter((name) => !joined.includes(name)), ...gone].slice(-maxNames),
    why: last.left.length === 0 ? why : "",
  };
}

export function saidLine({ name, text, time }: Said): {
  kind: "said";
  name: string;
  text: string;
  time: string;
} {
  return { kind: "said", name, text, time };
}

/** What a typed line asks the server for: a command, or a message to all or to one member. A text says what is wrong. */
export function requestIn(text: string, to: string, members: readonly string[]): ChatRequest | string {
  if (text.startsWith("//") || !text.startsWith("/")) {
    const said = text.startsWith("//") ? text.slice(1) : text;
    return to === "" ? { type: "message", text: said } : { type: "message", text: said, to };
  }
  const command = text.split(/\s/, 1)[0] ?? "";
  switch (command.toLowerCase()) {
    case "/quit":
      return { type: "quit" };
    case "/who":
      return { type: "who" };
    case "/msg": {
      const private_ = privateIn(text.slice(command.length).trimStart(), members);
      return private_
        ? { type: "message", ...private_ }
        : "Nobody of that name is here. Write /msg NAME and the text.";
    }
    default:
      return "Commands are /msg NAME and a text, /who and /quit. Write // to say a line that begins with /.";
  }
}

/** Reads "NAME text". Names may have spaces, so the longest that fits is taken. */
function privateIn(rest: string, members: readonly string[]): { to: string; text: string } | null {
  const fitting = members.filter((name) => rest.startsWith(`${name} `)).sort((a, b) => b.length - a.length);
  const to = fitting[0];
  return to === undefined ? null : { to, text: rest.slice(to.length + 1) };
}
