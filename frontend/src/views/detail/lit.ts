// Hover and focus on a field light up whatever else belongs to it.

/** Wires an element: anything inside with data-link lights its namesakes. Returns the handlers. */
export const linking = {
  onMouseOver: (e: Event) => light(e),
  onFocusIn: (e: Event) => light(e),
  onMouseLeave: (e: Event) => dark(e),
  onFocusOut: (e: Event) => dark(e),
};

function light(e: Event): void {
  const root = e.currentTarget as HTMLElement;
  const link = (e.target as Element).closest<HTMLElement>("[data-link]")?.dataset.link;
  if (link === undefined) dark(e);
  else if (root.dataset.lit !== link) mark(root, link);
}

function dark(e: Event): void {
  const root = e.currentTarget as HTMLElement;
  if (root.dataset.lit !== undefined) mark(root, "");
}

/** A byte can belong to several fields: data-link is then a list, and each of them lights up. */
function mark(root: HTMLElement, link: string): void {
  const wanted = new Set(link.split(" "));
  if (link === "") delete root.dataset.lit;
  else root.dataset.lit = link;
  for (const element of root.querySelectorAll<HTMLElement>("[data-link]")) {
    const own = element.dataset.link?.split(" ") ?? [];
    element.classList.toggle(
      "lit",
      own.some((name) => wanted.has(name)),
    );
  }
}
