// npm's socket.io server, for the benchmark beside ours. It prints its port.

import { createServer } from "node:http";
import { createRequire } from "node:module";

const { Server } = createRequire(process.env.PACKAGE_JSON)("socket.io");
const http = createServer();
new Server(http).on("connection", (socket) => {
  socket.emit("auth", socket.handshake.auth);
  socket.on("message", (...args) => socket.emit("message-back", ...args));
});
http.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${http.address().port}/`));
