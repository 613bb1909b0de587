// Preferences in the browser's storage. Where storage is forbidden they last until the page is closed.

export function loadPreference(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function savePreference(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Storage is forbidden.
  }
}
