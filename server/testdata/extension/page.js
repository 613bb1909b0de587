// The page: it opens a WebSocket to the URL behind its #, and has the service worker open one, too.
import { talk } from "./talk.js";

const url = decodeURIComponent(location.hash.slice(1));
document.querySelector("#page").textContent = await talk(url, `page of ${location.origin}`);
document.querySelector("#worker").textContent = await chrome.runtime.sendMessage({ url, text: "service worker" });
