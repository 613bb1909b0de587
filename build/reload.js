// Reloads a page under development: index.html names every other file by its content's hash, so its
// ETag changes whenever anything does. No answer means that the server is being restarted.
let seen = null;
setInterval(async () => {
  try {
    const { headers } = await fetch("/", { method: "HEAD", cache: "no-store" });
    const now = headers.get("ETag");
    if (seen !== null && now !== null && now !== seen) location.reload();
    seen = now ?? seen;
  } catch {
    // asked again in a moment
  }
}, 300);
