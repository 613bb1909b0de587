// Light, dark, or as the system has it; the choice is kept.

import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const name = "theme";
const themes: readonly Theme[] = ["auto", "light", "dark"];

export const theme = signal<Theme>(stored());

/** Storage may be forbidden; then the choice lasts as long as the page. */
function stored(): Theme {
  try {
    return themes.find((t) => t === localStorage.getItem(name)) ?? "auto";
  } catch {
    return "auto";
  }
}

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "auto";
  try {
    localStorage.setItem(name, theme.value);
  } catch {
    // not kept, see above
  }
}

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
