// The page as a whole: its parts, and the keys that work everywhere.

import "./tokens.css";
import "./app.css";
import { useEffect } from "preact/hooks";
import { Connections } from "./connections";
import { DetailPanel } from "./detail/frame-detail";
import { FramesPanel } from "./frames";
import { Header, Notices } from "./header";
import { Help } from "./help";
import { listenForKeys } from "./keys";
import { Playground } from "./playground";

export function App() {
  useEffect(listenForKeys, []);
  return (
    <>
      <a class="skip" href="#frames">
        Skip to the frames
      </a>
      <Header />
      <nav class="jump" aria-label="Parts of the page">
        <a href="#playground">1 Connect</a>
        <a href="#frames">2 Frames</a>
        <a href="#detail">3 One frame</a>
      </nav>
      <Notices />
      <main>
        <div class="side">
          <Playground />
          <Connections />
        </div>
        <FramesPanel />
        <DetailPanel />
      </main>
      <Help />
    </>
  );
}
