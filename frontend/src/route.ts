// The view that the page's address names: #live or #demos, or #demos/chat for an opened demo.

import { signal } from "@preact/signals";

export type View = "live" | "demos";

export const view = signal<View>("live");
/** The demo that the address names, or "". */
export const demo = signal("");

/** The address of a demo. */
export function demoAddress(id: string): string {
  return `#demos/${id}`;
}

/** Every other name is a part of the live view, such as #frames. */
function read(): void {
  const [name, id = ""] = location.hash.slice(1).split("/");
  view.value = name === "demos" ? "demos" : "live";
  if (view.value === "demos") demo.value = id;
  document.title = view.value === "demos" ? "Demos – Framescope" : "Framescope";
}

read();

/** Keeps the view as the address says. The function that it returns stops that. */
export function listenForAddress(): () => void {
  addEventListener("hashchange", read);
  return () => removeEventListener("hashchange", read);
}
