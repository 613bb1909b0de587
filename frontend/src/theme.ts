// The theme: light, dark, or the system's. The choice is saved.

import { effect, signal } from "@preact/signals";
import { loadPreference, savePreference } from "./preferences";

export type Theme = "auto" | "light" | "dark";

const name = "theme";
const themes: readonly Theme[] = ["auto", "light", "dark"];

export const theme = signal<Theme>(themes.find((t) => t === loadPreference(name)) ?? "auto");

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "auto";
  savePreference(name, theme.value);
}

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
