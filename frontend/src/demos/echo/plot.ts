// The plot of the newest times: a dot a message, and lines for median and 99th percentile.

import uPlot from "uplot";
import type { Shown } from "./session";

const height = 200;
/** Steps between the numbers of messages. */
const wholeSteps = [1, 2, 5, 10, 20, 50, 100];
const axisFont = "12px system-ui, sans-serif";

/** A plot in an element, whose width it takes. */
export class Plot {
  private readonly plot: uPlot;
  private readonly resized: ResizeObserver;
  private readonly dark = matchMedia("(prefers-color-scheme: dark)");
  private readonly redraw = () => this.plot.redraw(false, true);

  constructor(element: HTMLElement) {
    const colour = (name: string) => () => resolved(element, name);
    const axis = { stroke: colour("--ink-2"), grid: { stroke: colour("--line"), width: 1 }, font: axisFont };
    this.plot = new uPlot(
      {
        width: Math.max(200, element.clientWidth),
        height,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
        axes: [
          { ...axis, ticks: { show: false }, incrs: wholeSteps },
          { ...axis, ticks: { show: false }, size: 56, values: (_, ticks) => ticks.map((ms) => `${ms} ms`) },
        ],
        series: [
          {},
          { paths: () => null, points: { show: true, size: 5, fill: colour("--opcode"), width: 0 } },
          { stroke: colour("--length"), width: 2, points: { show: false } },
          { stroke: colour("--key"), width: 2, dash: [6, 4], points: { show: false } },
        ],
      },
      [[], [], [], []],
      element,
    );
    this.resized = new ResizeObserver(() => {
      const width = element.clientWidth;
      if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height });
    });
    this.resized.observe(element);
    this.dark.addEventListener("change", this.redraw);
  }

  show({ first, newest, median, p99 }: Shown): void {
    const numbers = newest.map((_, i) => first + i);
    const level = (value: number) => newest.map(() => value);
    this.plot.setData([numbers, [...newest], level(median), level(p99)]);
  }

  /** Draws it again, in the colours of the theme of now. */
  recolour(): void {
    this.redraw();
  }

  stop(): void {
    this.dark.removeEventListener("change", this.redraw);
    this.resized.disconnect();
    this.plot.destroy();
  }
}

/** The colour that a custom property stands for in the theme of now. */
function resolved(element: HTMLElement, name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
