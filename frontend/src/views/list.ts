// The frame list: a few recycled row elements that show any part of a list of any length.

import { effect } from "@preact/signals";
import * as store from "../store";
import { Row } from "./row";
import { type Extent, lastTop, rowHeight, scaled, scrollTopOf, sizerHeight, topOf } from "./scroll";

const overscan = 24;
const maxRows = 200;

/** The list inside a scrolling element. It is drawn at most once per animation frame. */
export class FrameList {
  private readonly sizer = document.createElement("div");
  private readonly layer = document.createElement("div");
  private readonly pool: Row[] = [];
  private readonly extent: Extent = { total: 0, height: 0 };
  private top = 0; // position of the row at the top, with its fraction
  private placed = -1; // the scroll position that we have set
  private requested = false;
  private moved = 0;
  private readonly stops: (() => void)[] = [];

  constructor(private readonly scroller: HTMLElement) {
    this.sizer.className = "sizer";
    this.layer.className = "layer";
    scroller.append(this.layer, this.sizer);
    const resized = new ResizeObserver(() => this.request());
    resized.observe(scroller);
    this.stops.push(() => resized.disconnect());
    this.listen("scroll", () => this.scrolled());
    this.listen("wheel", (e) => this.wheel(e), { passive: false });
    this.listen("keydown", (e) => this.key(e));
    this.listen("click", (e) => this.click(e));
    this.stops.push(
      effect(() => {
        store.rows.value;
        store.selected.value;
        store.follow.value;
        store.spans.value;
        this.request();
      }),
      effect(() => {
        const position = store.reveal.value;
        if (position === null) return;
        this.reveal(position);
        store.reveal.value = null;
      }),
    );
  }

  stop(): void {
    for (const stop of this.stops) stop();
  }

  private listen<K extends keyof HTMLElementEventMap>(
    name: K,
    handle: (e: HTMLElementEventMap[K]) => void,
    options?: AddEventListenerOptions,
  ): void {
    this.scroller.addEventListener(name, handle, options);
    this.stops.push(() => this.scroller.removeEventListener(name, handle));
  }

  private request(): void {
    if (this.requested) return;
    this.requested = true;
    requestAnimationFrame(() => {
      this.requested = false;
      this.draw();
    });
  }

  private draw(): void {
    const view = store.rows.peek();
    const { extent } = this;
    extent.total = store.counts.peek().matched;
    extent.height = this.scroller.clientHeight;
    this.top += store.moved.peek() - this.moved;
    this.moved = store.moved.peek();
    this.top = store.follow.peek() ? lastTop(extent) : Math.min(Math.max(0, this.top), lastTop(extent));
    this.place();
    const first = Math.floor(this.top);
    const visible = Math.min(Math.ceil(extent.height / rowHeight) + 1, maxRows);
    store.show(Math.max(0, first - overscan), visible + 2 * overscan);
    while (this.pool.length < visible) this.addRow();
    const selected = store.selected.peek();
    const spans = store.spans.peek();
    let active = "";
    this.pool.forEach((row, k) => {
      const index = first + k;
      const i = view ? index - view.first : -1;
      if (!view || k >= visible || i < 0 || i >= view.count) {
        row.hide();
        return;
      }
      const chosen = view.columns.seq[i] === selected;
      if (chosen) active = row.element.id;
      row.show(view.columns, i, Math.round((index - this.top) * rowHeight), index, chosen, spans);
    });
    store.setTop(view?.columns.seq[first - view.first] ?? null);
    if (active === "") this.scroller.removeAttribute("aria-activedescendant");
    else this.scroller.setAttribute("aria-activedescendant", active);
    store.below.value = Math.max(0, Math.round(lastTop(extent) - this.top));
    const rowCount = String(extent.total + 1);
    if (this.scroller.ariaRowCount !== rowCount) this.scroller.ariaRowCount = rowCount;
  }

  private addRow(): void {
    const row = new Row(`frame-row-${this.pool.length}`);
    this.pool.push(row);
    this.layer.append(row.element);
  }

  /** Sets the scroll bar to the position of the list. */
  private place(): void {
    this.sizer.style.height = `${sizerHeight(this.extent)}px`;
    const want = Math.round(scrollTopOf(this.top, this.extent));
    if (Math.abs(this.scroller.scrollTop - want) >= 1) this.scroller.scrollTop = want;
    this.placed = this.scroller.scrollTop;
  }

  private scrolled(): void {
    const at = this.scroller.scrollTop;
    if (Math.abs(at - this.placed) < 1) return;
    this.moveTo(topOf(at, this.extent));
  }

  /** Scrolls to a position. At the end the list follows the newest frame again. */
  private moveTo(top: number): void {
    const last = lastTop(this.extent);
    this.top = Math.min(Math.max(0, top), last);
    store.setFollow(this.top >= last - 0.5);
    this.request();
  }

  private wheel(e: WheelEvent): void {
    if (!scaled(this.extent) || e.ctrlKey) return;
    e.preventDefault();
    const rows = e.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? e.deltaY / rowHeight : e.deltaY * 3;
    this.moveTo(this.top + rows);
  }

  /** Brings a position into view. */
  private reveal(position: number): void {
    const visible = this.extent.height / rowHeight;
    this.extent.total = store.counts.peek().matched;
    if (position < this.top) this.top = position;
    else if (position > this.top + visible - 1) this.top = position - visible + 1;
    this.request();
  }

  private key(e: KeyboardEvent): void {
    if (e.key === "Enter") {
      document.getElementById("detail")?.focus();
      return;
    }
    const page = Math.max(1, Math.floor(this.extent.height / rowHeight) - 1);
    const steps: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page };
    const step = steps[e.key];
    const ends: Record<string, number> = { Home: 0, End: this.extent.total - 1 };
    const position = step === undefined ? ends[e.key] : this.position() + step;
    if (position === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    store.setFollow(false);
    this.choose(Math.min(Math.max(0, position), this.extent.total - 1));
  }

  /** The position of the selected row if it is known, otherwise one just outside the visible rows. */
  private position(): number {
    const view = store.rows.peek();
    const selected = store.selected.peek();
    if (view && selected !== null) {
      const i = view.columns.seq.subarray(0, view.count).indexOf(selected);
      if (i >= 0) return view.first + i;
    }
    return store.follow.peek() ? this.extent.total : Math.ceil(this.top) - 1;
  }

  /** Selects the row at a position, as soon as its frame is known. */
  private choose(position: number): void {
    if (position < 0) return;
    store.setFollow(false);
    this.reveal(position);
    const view = store.rows.peek();
    const seq =
      view && position - view.first < view.count ? view.columns.seq[position - view.first] : undefined;
    if (seq !== undefined) {
      store.select(seq);
      return;
    }
    this.draw();
    const stop = effect(() => {
      const view = store.rows.value;
      const i = view ? position - view.first : -1;
      const seq = view && i >= 0 && i < view.count ? view.columns.seq[i] : undefined;
      if (seq === undefined) return;
      queueMicrotask(() => stop());
      store.select(seq);
    });
  }

  private click(e: MouseEvent): void {
    const element = (e.target as Element).closest<HTMLElement>(".frame-row");
    const row = this.pool.find((r) => r.element === element);
    if (row?.seq !== null && row?.seq !== undefined) {
      store.setFollow(false);
      store.select(row.seq);
      // On a narrow page the details are below the list.
      if (matchMedia("(max-width: 1179px)").matches) document.getElementById("detail")?.scrollIntoView();
    }
  }
}
