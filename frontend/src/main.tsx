// The page's entry: starts the worker and draws the views.

import { render } from "preact";
import { start } from "./store";
import { App } from "./views/app";

const root = document.getElementById("app");
if (root) {
  render(<App />, root);
  start();
}
