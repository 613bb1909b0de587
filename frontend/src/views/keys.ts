// Keys that work wherever the focus is, but for where one types.

import { signal } from "@preact/signals";
import { keep, kept } from "../kept";
import { clear, follow, paused, setFollow, setPaused } from "../store";

/** Whether the help dialog is shown. */
export const helpOpen = signal(false);

const name = "shortcuts";

/** Whether single characters are shortcuts: who speaks to the machine may press them unawares (WCAG 2.1.4). */
export const shortcuts = signal(kept(name) !== "off");

export function setShortcuts(on: boolean): void {
  shortcuts.value = on;
  keep(name, on ? "on" : "off");
}

/** What the help dialog lists. */
export const keyTexts: readonly [string, string][] = [
  ["↑ ↓", "the frame before, the frame after"],
  ["PgUp PgDn", "a page of frames up or down"],
  ["Home End", "the oldest frame, the newest"],
  ["Enter", "from the list to the frame's details; Esc leads back"],
  ["/", "to the filter"],
  ["f", "follow the newest, or stop following"],
  ["p", "pause, or go on"],
  ["c", "clear the list"],
  ["?", "this help"],
];

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, dialog") !== null;
}

const actions: Record<string, () => void> = {
  "/": () => document.querySelector<HTMLElement>("#filter")?.focus(),
  f: () => setFollow(!follow.value),
  p: () => setPaused(!paused.value),
  c: clear,
  "?": () => {
    helpOpen.value = true;
  },
};

function pressed(e: KeyboardEvent): void {
  if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target)) return;
  if (e.key === "Escape" && e.target instanceof HTMLElement && e.target.closest("#detail")) {
    document.querySelector<HTMLElement>(".frame-list")?.focus();
    return;
  }
  const action = actions[e.key];
  if (!action || !shortcuts.value) return;
  e.preventDefault();
  action();
}

/** Begins to listen; the function that it returns ends that. */
export function listenForKeys(): () => void {
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}
