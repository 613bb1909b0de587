// The demos: a card for each, and those that were opened. They stay open until they are closed.

import "./demos.css";
import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type CatalogEntry, catalog } from "../demos/catalog";
import { demo, demoAddress, view } from "../route";

export function Demos() {
  const opened = useSignal<readonly string[]>([]);
  const current = catalog.find(({ id }) => id === demo.value)?.id ?? "";
  useEffect(() => {
    if (current && !opened.value.includes(current)) opened.value = [...opened.value, current];
  }, [current]);
  const close = (id: string) => {
    opened.value = opened.value.filter((other) => other !== id);
    location.hash = "#demos";
  };
  return (
    <main id="demos" class={current ? "demos with-demo" : "demos"} hidden={view.value !== "demos"}>
      <section class="demo-cards" aria-labelledby="demos-title">
        <h2 id="demos-title">What people build on WebSockets</h2>
        <ul>
          {catalog.map((entry) => (
            <Card
              key={entry.id}
              entry={entry}
              current={entry.id === current}
              open={opened.value.includes(entry.id)}
            />
          ))}
        </ul>
      </section>
      {catalog.map(
        (entry) =>
          opened.value.includes(entry.id) && (
            <Opened
              key={entry.id}
              entry={entry}
              current={entry.id === current}
              close={() => close(entry.id)}
            />
          ),
      )}
    </main>
  );
}

function Card({ entry, current, open }: { entry: CatalogEntry; current: boolean; open: boolean }) {
  const { id, title, teaches } = entry;
  return (
    <li class="card" data-testid={`demo-${id}`} data-open={open ? "1" : "0"}>
      <h3 id={`card-${id}`}>{title}</h3>
      <p>{teaches}</p>
      {open && <span class="card-state">open</span>}
      <a
        class="main-button"
        data-testid="demo-open"
        href={demoAddress(id)}
        aria-current={current ? "true" : undefined}
        aria-describedby={`card-${id}`}
        onClick={() => {
          if (current) document.getElementById(`demo-title-${id}`)?.focus();
        }}
      >
        {open ? "Show" : "Open"}
      </a>
    </li>
  );
}

interface OpenedProps {
  entry: CatalogEntry;
  current: boolean;
  close: () => void;
}

function Opened({ entry, current, close }: OpenedProps) {
  const { id, title, load } = entry;
  const Loaded = useSignal<ComponentType | null>(null);
  const problem = useSignal("");
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    load().then(
      async ({ Demo, style }) => {
        await addStyle(style);
        Loaded.value = Demo;
      },
      () => {
        problem.value = "This demo could not be loaded. Reload the page.";
      },
    );
  }, []);
  useEffect(() => {
    if (current && view.value === "demos") heading.current?.focus();
  }, [current]);
  return (
    <section class="demo" hidden={!current} aria-labelledby={`demo-title-${id}`} data-testid={`opened-${id}`}>
      <div class="demo-head">
        <h2 id={`demo-title-${id}`} ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
      {problem.value !== "" && <p role="alert">{problem.value}</p>}
      {Loaded.value && <Loaded.value />}
    </section>
  );
}

/** Adds a style sheet to the page, once. Resolves when it is there, or cannot be had. */
function addStyle(url: string): Promise<void> {
  const href = new URL(url, location.href).href;
  if ([...document.querySelectorAll("link")].some((link) => link.href === href)) return Promise.resolve();
  return new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.onload = link.onerror = () => resolve();
    document.head.append(link);
  });
}
