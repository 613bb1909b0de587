// Keys that work wherever the focus is, except in inputs and dialogs.

import { signal } from "@preact/signals";
import { loadPreference, savePreference } from "../preferences";
import { view } from "../route";
import { clear, follow, paused, setFollow, setPaused } from "../store";

/** Whether the help dialog is shown. */
export const helpOpen = signal(false);

const name = "shortcuts";

/** Whether single characters are shortcuts. Users of speech input may trigger them by accident (WCAG 2.1.4). */
export const shortcuts = signal(loadPreference(name) !== "off");

export function setShortcuts(on: boolean): void {
  shortcuts.value = on;
  savePreference(name, on ? "on" : "off");
}

/** The keys, for the help dialog. */
export const keyTexts: readonly [string, string][] = [
  ["↑ ↓", "previous or next frame"],
  ["PgUp PgDn", "one page of frames up or down"],
  ["Home End", "oldest or newest frame"],
  ["Enter", "from the list to the frame's details; Esc goes back"],
  ["/", "go to the filter"],
  ["f", "follow the newest frame, or stop following"],
  ["p", "pause or resume"],
  ["c", "clear the list"],
  ["?", "open this help"],
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
  if (!action || !shortcuts.value || (view.value !== "live" && e.key !== "?")) return;
  e.preventDefault();
  action();
}

/** Starts listening for keys. The function that it returns stops it. */
export function listenForKeys(): () => void {
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}
