// Tells screen readers the newest of what comes, at most every 1.5 s.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

const interval = 1500;

export function Announcement({ text }: { text: string }) {
  const said = useSignal("");
  const newest = useRef(text);
  const timer = useRef(0);
  useEffect(() => {
    newest.current = text;
    if (text === "" || timer.current !== 0) return;
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      said.value = newest.current;
    }, interval);
  }, [text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <p class="visually-hidden" role="status">
      {said.value}
    </p>
  );
}
