// One chat: the form to join, who is here, what was said, and the line to write on.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { count } from "../../format";
import { savePreference } from "../../preferences";
import { ConnectionState } from "../stage";
import { Visible } from "../visible";
import { Lines, News } from "./lines";
import type { Room } from "./room";

interface ConversationProps {
  id: string;
  room: Room;
  /** Whether the name is remembered for the next visit. */
  remembers: boolean;
  close: (() => void) | undefined;
}

export function Conversation({ id, room, remembers, close }: ConversationProps) {
  const to = useSignal("");
  const input = useRef<HTMLInputElement>(null);
  const choose = (name: string) => {
    to.value = name === room.me.value ? "" : name;
    input.current?.focus();
  };
  return (
    <section class="chat" data-testid="chat" data-me={room.me.value} aria-label={`Chat as ${room.me.value}`}>
      <JoinForm id={id} room={room} remembers={remembers} close={close} />
      <ConnectionState state={room.socket.state} problem={room.socket.problem} />
      <div class="chat-body">
        <Lines room={room} />
        <Members room={room} choose={choose} to={to.value} />
      </div>
      <Typing room={room} />
      <Composer id={id} room={room} to={to.value} everyone={() => choose("")} input={input} />
      <News room={room} />
    </section>
  );
}

function JoinForm({ id, room, remembers, close }: ConversationProps) {
  const wish = useSignal(room.wish.value);
  const name = useComputed(
    () => wish.value.name || (room.socket.state.value === "open" ? room.me.value : ""),
  );
  const field = (label: string, key: "room" | "name" | "token", value: string) => (
    <label>
      {label}
      <input
        id={`${id}-${key}`}
        data-testid={`chat-${key}`}
        type="text"
        autocomplete="off"
        spellcheck={false}
        value={value}
        onInput={(e) => {
          wish.value = { ...wish.value, [key]: e.currentTarget.value };
        }}
      />
    </label>
  );
  return (
    <form
      class="settings chat-join"
      onSubmit={(e) => {
        e.preventDefault();
        const wanted = { ...wish.value, name: name.value };
        if (remembers) savePreference("chat-name", wanted.name);
        room.join(wanted);
      }}
    >
      {field("Name", "name", name.value)}
      {field("Room", "room", wish.value.room)}
      {room.needsToken.value && field("Token", "token", wish.value.token)}
      <div class="buttons">
        <button type="submit" data-testid="chat-join">
          Join
        </button>
        {close && (
          <button type="button" onClick={close}>
            Close
          </button>
        )}
      </div>
    </form>
  );
}

/** So many members are listed by name. */
const maxListed = 200;

function Members({ room, choose, to }: { room: Room; choose: (name: string) => void; to: string }) {
  const members = room.members.value;
  const more = members.length - maxListed;
  return (
    <div class="chat-members">
      <h3>
        Here <span class="tally">{members.length}</span>
      </h3>
      <ul data-testid="chat-members">
        {members.slice(0, maxListed).map((name) => (
          <li key={name}>
            <button
              type="button"
              class="link"
              aria-pressed={to === name}
              disabled={name === room.me.value}
              title={name === room.me.value ? "You" : `Write to ${name} alone`}
              onClick={() => choose(name)}
            >
              <span>
                <Visible text={name} />
              </span>
              {name === room.me.value && <span>(you)</span>}
            </button>
          </li>
        ))}
        {more > 0 && <li class="aside">and {count(more, "other")}</li>}
      </ul>
    </div>
  );
}

function Typing({ room }: { room: Room }) {
  const names = room.typing.value;
  const first = names.slice(0, 3);
  return (
    <p class="chat-typing aside" data-testid="chat-typing">
      {first.map((name, i) => (
        <span key={name}>
          {i > 0 && ", "}
          <Visible text={name} />
        </span>
      ))}
      {names.length > 3 && ` and ${count(names.length - 3, "other")}`}
      {names.length > 0 && (names.length === 1 ? " is typing…" : " are typing…")}
    </p>
  );
}

interface ComposerProps {
  id: string;
  room: Room;
  to: string;
  everyone: () => void;
  input: { current: HTMLInputElement | null };
}

function Composer({ id, room, to, everyone, input }: ComposerProps) {
  const text = useSignal("");
  const problem = useSignal("");
  useEffect(() => {
    if (to !== "" && room.socket.state.value === "open" && !room.members.value.includes(to)) everyone();
  }, [room.members.value]);
  const send = (e: Event) => {
    e.preventDefault();
    if (text.value.trim() === "") return;
    problem.value = room.say(text.value, to);
    if (problem.value === "") text.value = "";
  };
  return (
    <form class="chat-composer" onSubmit={send}>
      <label for={`${id}-text`}>
        {to === "" ? (
          "To everyone"
        ) : (
          <>
            To <Visible text={to} /> alone
          </>
        )}
      </label>
      {to !== "" && (
        <button type="button" class="link" onClick={everyone}>
          to everyone
        </button>
      )}
      <div class="chat-line">
        <input
          ref={input}
          id={`${id}-text`}
          data-testid="chat-input"
          type="text"
          autocomplete="off"
          placeholder="A message, or / for commands"
          value={text.value}
          aria-describedby={`${id}-problem`}
          onInput={(e) => {
            text.value = e.currentTarget.value;
            problem.value = "";
            room.types(text.value !== "" && !text.value.startsWith("/"));
          }}
        />
        <button
          type="submit"
          class="main-button"
          data-testid="chat-send"
          disabled={room.socket.state.value !== "open"}
        >
          Send
        </button>
      </div>
      <p class="problem" id={`${id}-problem`} role="status">
        {problem.value}
      </p>
    </form>
  );
}
