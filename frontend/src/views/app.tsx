// The page as a whole: its parts, and the keys that work everywhere.

import "./tokens.css";
import "./app.css";
import { useEffect } from "preact/hooks";
import { listenForAddress, view } from "../route";
import { Connections } from "./connections";
import { Demos } from "./demos";
import { DetailPanel } from "./detail/frame-detail";
import { FramesPanel } from "./frames";
import { Header, Notices } from "./header";
import { Help } from "./help";
import { listenForKeys } from "./keys";
import { Playground } from "./playground";

export function App() {
  useEffect(listenForAddress, []);
  useEffect(listenForKeys, []);
  return (
    <>
      <a class="skip" href={view.value === "live" ? "#frames" : "#demos"} onClick={skip}>
        Skip to the {view.value === "live" ? "frames" : "demos"}
      </a>
      <Header />
      <Notices />
      <Live />
      <Demos />
      <Help />
    </>
  );
}

/** The frames as they cross the wire. The view stays when another one is shown, and so do its connections. */
function Live() {
  const hidden = view.value !== "live";
  return (
    <>
      <nav class="jump" aria-label="Parts of the page" hidden={hidden}>
        <a href="#playground">1 Connect</a>
        <a href="#frames">2 Frames</a>
        <a href="#detail">3 One frame</a>
      </nav>
      <main class="live" hidden={hidden}>
        <div class="side">
          <Playground />
          <Connections />
        </div>
        <FramesPanel />
        <DetailPanel />
      </main>
    </>
  );
}

/** Moves the focus to the first thing in the demos that can have it. */
function skip(e: Event): void {
  if (view.value !== "demos") return;
  e.preventDefault();
  document.querySelector<HTMLElement>("#demos a")?.focus();
}
