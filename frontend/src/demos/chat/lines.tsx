// What was said in a room, and the news of it for screen readers.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { count } from "../../format";
import { Announcement } from "../announcement";
import { useFollow } from "../follow";
import { Visible } from "../visible";
import { type Line, maxNames } from "./line";
import type { Room } from "./room";

export function Lines({ room }: { room: Room }) {
  const list = useRef<HTMLDivElement>(null);
  const lines = room.lines.value;
  const scrolled = useFollow(list, lines);
  return (
    <div
      class="chat-lines"
      data-testid="chat-lines"
      ref={list}
      role="group"
      aria-label="What was said"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
      tabIndex={0}
      onScroll={scrolled}
    >
      {lines.length === 0 && <p class="aside chat-empty">Nothing has been said here yet.</p>}
      <ol>
        {lines.map((line) => (
          <Item key={line.id} line={line} />
        ))}
      </ol>
    </div>
  );
}

/** A line is drawn once: those above it stay as they are when another one comes. */
function Item({ line }: { line: Line }) {
  return useMemo(
    () => (
      <li class={`chat-${line.kind}${"own" in line && line.own ? " own" : ""}`}>
        <LineContent line={line} />
      </li>
    ),
    [line],
  );
}

function LineContent({ line }: { line: Line }) {
  switch (line.kind) {
    case "said":
      return (
        <>
          <b>
            <Visible text={line.name} />
            {line.own && <span class="visually-hidden"> (you)</span>}
          </b>
          <Time time={line.time} />
          <Text text={line.text} />
        </>
      );
    case "private":
      return (
        <>
          <b>
            <Visible text={line.from} /> → <Visible text={line.to} />
          </b>
          <span class="tag">private</span>
          <Time time={line.time} />
          <Text text={line.text} />
        </>
      );
    case "operator":
      return (
        <>
          <b>Operator</b>
          <Time time={line.time} />
          <Text text={line.text} />
        </>
      );
    case "moves":
      return <Moves joined={line.joined} left={line.left} why={line.why} />;
    default:
      return <Visible text={line.text} />;
  }
}

function Text({ text }: { text: string }) {
  return (
    <p class="chat-text">
      <Visible text={text} />
    </p>
  );
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

function Time({ time }: { time: string }) {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return null;
  return (
    <time dateTime={time} title={at.toLocaleString()}>
      {clock.format(at)}
    </time>
  );
}

function Moves({ joined, left, why }: { joined: readonly string[]; left: readonly string[]; why: string }) {
  const usual = /^(1000|1001|1005)\b/.test(why);
  return (
    <>
      {joined.length > 0 && (
        <>
          <Names names={joined} /> joined{left.length > 0 && "; "}
        </>
      )}
      {left.length > 0 && (
        <>
          <Names names={left} /> left{why !== "" && !usual && ` (${why})`}
        </>
      )}
      {joined.length + left.length === 0 && "Somebody came and went"}
    </>
  );
}

function Names({ names }: { names: readonly string[] }) {
  const first = names.slice(0, 5);
  return (
    <>
      {first.map((name, i) => (
        <span key={name}>
          {i > 0 && ", "}
          <Visible text={name} />
        </span>
      ))}
      {names.length > first.length &&
        (names.length < maxNames
          ? ` and ${count(names.length - first.length, "other")}`
          : " and many others")}
    </>
  );
}

/** Tells screen readers the newest line of others. */
export function News({ room }: { room: Room }) {
  const told = useRef<number | null>(null);
  const lines = room.lines.value;
  const last = lines.findLast((line) => line.kind !== "moves" && !("own" in line && line.own));
  useEffect(() => {
    // What was said before this member came is no news.
    if (told.current === null && room.me.value !== "") told.current = lines.at(-1)?.id ?? 0;
  }, [lines]);
  const news = told.current !== null && last && last.id > told.current;
  return <Announcement text={news ? spoken(last) : ""} />;
}

function spoken(line: Line): string {
  switch (line.kind) {
    case "said":
      return `${line.name}: ${line.text}`;
    case "private":
      return `${line.from} to you alone: ${line.text}`;
    case "operator":
      return `Operator: ${line.text}`;
    case "moves":
      return "";
    default:
      return line.text;
  }
}
