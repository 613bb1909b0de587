// The service worker: it opens WebSockets for the extension's pages.
import { talk } from "./talk.js";

chrome.runtime.onMessage.addListener((request, _sender, answer) => {
  talk(request.url, request.text).then(answer);
  return true; // the answer comes later
});
