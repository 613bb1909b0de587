// Keeps a scrolling list at its newest entry, unless it was scrolled up.

import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** So close to the end counts as the end, in pixels. */
const near = 24;

/** Follows the entries in the element. The result is for the element's onScroll. */
export function useFollow(element: RefObject<HTMLElement | null>, entries: unknown): () => void {
  const following = useRef(true);
  const follow = () => {
    const list = element.current;
    if (list && following.current) list.scrollTop = list.scrollHeight;
  };
  // In the same task as the change, so that no scroll event comes in between.
  useLayoutEffect(follow, [entries]);
  // A list that was hidden begins at its top when it is shown again.
  useLayoutEffect(() => {
    if (!element.current) return;
    const resized = new ResizeObserver(follow);
    resized.observe(element.current);
    return () => resized.disconnect();
  }, []);
  return () => {
    const list = element.current;
    if (list) following.current = list.scrollHeight - list.scrollTop - list.clientHeight < near;
  };
}
