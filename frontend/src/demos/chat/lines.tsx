// What was said in a room, and the news of it for screen readers.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { count } from "../../format";
import { Visible } from "../visible";
import { type Line, maxNames } from "./line";
import type { Room } from "./room";

/** The list follows the newest line, unless it was scrolled up. */
export function Lines({ room }: { room: Room }) {
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const lines = room.lines.value;
  useEffect(() => {
    if (list.current && atEnd.current) list.current.scrollTop = list.current.scrollHeight;
  }, [lines]);
  return (
    <div
      class="chat-lines"
      data-testid="chat-lines"
      ref={list}
      role="group"
      aria-label="What was said"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
      tabIndex={0}
      onScroll={(e) => {
        const { scrollTop, scrollHeight, clientHeight } = e.currentTarget;
        atEnd.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
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

const newsInterval = 1500;

/** Says what others have said since the last time, at most every 1.5 s: one message, or how many. */
export function News({ room }: { room: Room }) {
  const text = useSignal("");
  const told = useRef(0);
  const timer = useRef(0);
  const lines = room.lines.value;
  const tell = () => {
    timer.current = 0;
    const all = room.lines.peek();
    const fresh = all.filter(
      (line) => line.id > told.current && line.kind !== "moves" && !("own" in line && line.own),
    );
    told.current = all.at(-1)?.id ?? told.current;
    const last = fresh.at(-1);
    if (last)
      text.value = `${fresh.length > 1 ? `${fresh.length} new messages, the last: ` : ""}${spoken(last)}`;
  };
  useEffect(() => {
    if (told.current === 0) told.current = lines.at(-1)?.id ?? 0;
    else if (timer.current === 0) timer.current = window.setTimeout(tell, newsInterval);
  }, [lines]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <p class="visually-hidden" role="status">
      {text.value}
    </p>
  );
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
