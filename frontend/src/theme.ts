// Light, dark, or as the system has it; the choice is kept.

import { effect, signal } from "@preact/signals";
import { keep, kept } from "./kept";

export type Theme = "auto" | "light" | "dark";

const name = "theme";
const themes: readonly Theme[] = ["auto", "light", "dark"];

export const theme = signal<Theme>(themes.find((t) => t === kept(name)) ?? "auto");

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "auto";
  keep(name, theme.value);
}

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
