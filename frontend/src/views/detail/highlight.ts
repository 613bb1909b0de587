// Hover and focus on a field highlight everything that belongs to the field.

/** Handlers for an element: hover or focus on one of its data-link elements highlights those with the same value. */
export const highlightHandlers = {
  onMouseOver: (e: Event) => highlight(e),
  onFocusIn: (e: Event) => highlight(e),
  onMouseLeave: (e: Event) => unhighlight(e),
  onFocusOut: (e: Event) => unhighlight(e),
};

function highlight(e: Event): void {
  const root = e.currentTarget as HTMLElement;
  const link = (e.target as Element).closest<HTMLElement>("[data-link]")?.dataset.link;
  if (link === undefined) unhighlight(e);
  else if (root.dataset.highlighted !== link) mark(root, link);
}

function unhighlight(e: Event): void {
  const root = e.currentTarget as HTMLElement;
  if (root.dataset.highlighted !== undefined) mark(root, "");
}

/** Marks the elements of a link. A byte may belong to several fields: its data-link then lists them all. */
function mark(root: HTMLElement, link: string): void {
  const wanted = new Set(link.split(" "));
  if (link === "") delete root.dataset.highlighted;
  else root.dataset.highlighted = link;
  for (const element of root.querySelectorAll<HTMLElement>("[data-link]")) {
    const own = element.dataset.link?.split(" ") ?? [];
    element.classList.toggle(
      "highlighted",
      own.some((name) => wanted.has(name)),
    );
  }
}
