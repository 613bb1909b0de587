// One member's view of a room: its connection, who is here, and what was said.

import { batch, signal } from "@preact/signals";
import { socketURL } from "../captured";
import { reasonIn } from "../refusal";
import { Socket } from "../socket";
import { type ChatEvent, type ChatRequest, parseEvent, type Said, subprotocol } from "./events";
import { type Line, moved, type NewLine, requestIn, saidLine } from "./line";

const maxLines = 200;
const showDelay = 100;
/** Typing is reported this often while somebody types, and forgotten after twice that. */
const typingInterval = 3000;

export interface Wish {
  room: string;
  name: string;
  token: string;
}

export class Room {
  readonly wish = signal<Wish>({ room: "lobby", name: "", token: "" });
  readonly room = signal("");
  readonly me = signal("");
  readonly members = signal<readonly string[]>([]);
  readonly lines = signal<readonly Line[]>([]);
  readonly typing = signal<readonly string[]>([]);
  /** Whether the server asks for a token. */
  readonly needsToken = signal(false);

  private readonly here = new Set<string>();
  /** Whether this connection was welcomed. */
  private welcome = false;
  /** Whether the shown list of members is no longer right. */
  private membersMoved = false;
  private readonly typingUntil = new Map<string, number>();
  private all: Line[] = [];
  private lastID = 0;
  private showTimer = 0;
  private typingTimer = 0;
  /** When typing was reported last; null if nobody is to think that this member types. */
  private typedAt: number | null = null;

  readonly socket = new Socket({
    url: (mark) => socketURL("/ws/chat", { ...this.wish.value }, mark),
    protocols: () => [subprotocol],
    opened: () => {
      this.welcome = false;
    },
    received: (data) => {
      const event = typeof data === "string" ? parseEvent(data) : null;
      if (event) this.apply(event);
    },
    ended: (e, was) => {
      this.empty();
      this.typingUntil.clear();
      this.show();
      if (was === "connecting") return this.whyRefused();
      return e.code === 1000 ? "You have left the room." : undefined;
    },
  });

  join(wish: Wish): void {
    const moves = wish.room !== this.wish.value.room;
    this.wish.value = wish;
    if (moves) this.all = [];
    this.empty();
    this.show();
    this.socket.open();
  }

  close(): void {
    clearTimeout(this.showTimer);
    clearTimeout(this.typingTimer);
    this.socket.close();
  }

  /** Says a line to all, or to one member. Returns why it was not sent, or "". */
  say(text: string, to: string): string {
    const request = requestIn(text, to, this.members.value);
    if (typeof request === "string") return request;
    if (request.type === "message") this.typedAt = null;
    return this.send(request);
  }

  /** Tells the others that this member types, now and then. */
  types(on: boolean): void {
    const now = performance.now();
    if (on ? this.typedAt !== null && now - this.typedAt < typingInterval : this.typedAt === null) return;
    this.typedAt = on ? now : null;
    this.send({ type: "typing", on });
  }

  private send(request: ChatRequest): string {
    return this.socket.send(JSON.stringify(request)) ? "" : "Not sent: there is no connection.";
  }

  private apply(event: ChatEvent): void {
    switch (event.type) {
      case "welcome":
        this.welcomed(event.room, event.name);
        this.arrive(event.members);
        this.remember(event.history);
        this.show();
        return;
      case "members":
        this.arrive(event.members);
        break;
      case "history":
        this.remember(event.history);
        break;
      case "join":
        this.arrive(event.names);
        this.move(event.names, [], "");
        break;
      case "leave":
        for (const name of event.names) {
          this.here.delete(name);
          this.typingUntil.delete(name);
        }
        this.membersMoved = true;
        this.move([], event.names, event.reasons.length === 1 ? (event.reasons[0] ?? "") : "");
        break;
      case "message":
        this.typingUntil.delete(event.name);
        this.add({ ...saidLine(event), own: event.name === this.me.value });
        break;
      case "private": {
        this.typingUntil.delete(event.from);
        const { from, to, text, time } = event;
        this.add({ kind: "private", from, to, text, time, own: from === this.me.value });
        break;
      }
      case "typing":
        if (event.on) this.typingUntil.set(event.name, performance.now() + 2 * typingInterval);
        else this.typingUntil.delete(event.name);
        break;
      case "operator":
        this.add({ kind: "operator", text: event.text, time: event.time });
        break;
      case "error":
        this.add({ kind: "error", text: event.text });
        break;
      case "who":
        this.add({ kind: "note", text: `${event.count} here: ${event.members.slice(0, 20).join(", ")}` });
        break;
      case "pong":
        break;
    }
    this.showTimer ||= window.setTimeout(() => this.show(), showDelay);
  }

  private welcomed(room: string, name: string): void {
    const note = this.welcomeNote(room, name);
    batch(() => {
      this.room.value = room;
      this.me.value = name;
      this.needsToken.value = false;
    });
    this.welcome = true;
    this.empty();
    if (note !== "") this.add({ kind: "note", text: note });
  }

  /** What is to be said of a welcome: a name may differ from the one wished for, also later, when servers join. */
  private welcomeNote(room: string, name: string): string {
    const [wished, before] = [this.wish.value.name, this.me.value];
    if (this.welcome) {
      return name === before ? "" : `Somebody else had the name ${before} first: you are ${name} now.`;
    }
    if (wished !== "" && name !== wished) return `The name ${wished} is in use: you are ${name}.`;
    return this.room.value === room && this.all.length > 0 ? `Connected again as ${name}.` : "";
  }

  private arrive(names: readonly string[]): void {
    for (const name of names) this.here.add(name);
    this.membersMoved = true;
  }

  private empty(): void {
    this.here.clear();
    this.membersMoved = true;
  }

  /** Adds what was said before, but not what is shown already. */
  private remember(history: readonly Said[]): void {
    const key = ({ name, time, text }: { name: string; time: string; text: string }) =>
      `${time} ${name}: ${text}`;
    const shown = new Set(this.all.flatMap((line) => (line.kind === "said" ? [key(line)] : [])));
    for (const said of history) if (!shown.has(key(said))) this.add({ ...saidLine(said), own: false });
  }

  /** Notes joins and leaves, those in a row on one line. */
  private move(joined: readonly string[], left: readonly string[], why: string): void {
    const last = this.all.at(-1);
    if (last?.kind === "moves")
      this.all[this.all.length - 1] = { ...last, ...moved(last, joined, left, why) };
    else this.add({ kind: "moves", joined, left, why });
  }

  private add(line: NewLine): void {
    this.all.push({ ...line, id: ++this.lastID } as Line);
    if (this.all.length > 2 * maxLines) this.all = this.all.slice(-maxLines);
  }

  private show(): void {
    clearTimeout(this.showTimer);
    clearTimeout(this.typingTimer);
    this.showTimer = 0;
    const now = performance.now();
    for (const [name, until] of this.typingUntil) if (until <= now) this.typingUntil.delete(name);
    batch(() => {
      this.lines.value = this.all.slice(-maxLines);
      if (this.membersMoved) this.members.value = [...this.here].sort();
      if (this.typing.value.length + this.typingUntil.size > 0)
        this.typing.value = [...this.typingUntil.keys()].filter((name) => name !== this.me.value);
    });
    this.membersMoved = false;
    if (this.typingUntil.size > 0) this.typingTimer = window.setTimeout(() => this.show(), typingInterval);
  }

  /** A browser does not tell its page why a connection was refused; a plain request of the same URL does. */
  private async whyRefused(): Promise<string | undefined> {
    const url = socketURL("/ws/chat", { ...this.wish.value }).replace(/^ws/, "http");
    const response = await fetch(url).catch(() => null);
    if (!response || response.status === 426 || response.status >= 500) return undefined;
    if (response.status === 401) this.needsToken.value = true;
    return `The server refused: ${reasonIn(await response.text())}.`;
  }
}
