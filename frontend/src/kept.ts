// Choices that outlast the page. Storage may be forbidden: then they last as long as it does.

export function kept(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // not kept, see above
  }
}
