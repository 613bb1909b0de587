// Reloads a page under development when it has changed: index.html names every other file with
// the hash of its content, so its ETag changes whenever any file does.
let seen = null;
setInterval(async () => {
  try {
    const { headers } = await fetch("/", { method: "HEAD", cache: "no-store" });
    const now = headers.get("ETag");
    if (seen !== null && now !== null && now !== seen) location.reload();
    seen = now ?? seen;
  } catch {
    // The server is being restarted: the next request may succeed.
  }
}, 300);
