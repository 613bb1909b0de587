// The page's entry point: draws the views and starts the worker.

import { render } from "preact";
import { start } from "./store";
import { App } from "./views/app";

const root = document.getElementById("app");
if (root) {
  render(<App />, root);
  start();
}
