// Opens three WebSockets on one HTTP/2 connection (RFC 8441), sends Hello on each, and prints what
// came back. The argument is the server's URL.

import http2 from "node:http2";

const base = new URL(process.argv[2]);
const connection = http2.connect(base, { rejectUnauthorized: false });
const settings = await new Promise((resolve) => connection.once("remoteSettings", resolve));
if (settings.enableConnectProtocol !== true) throw new Error("no SETTINGS_ENABLE_CONNECT_PROTOCOL");

/** A masked frame; its key is 0. */
function frame(first, payload) {
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

function open() {
  const stream = connection.request({
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":scheme": "https",
    ":path": "/ws/echo",
    ":authority": base.host,
    "sec-websocket-version": "13",
  });
  return new Promise((resolve, reject) => {
    const got = { id: stream.id, status: 0, text: "", code: 0 };
    let bytes = Buffer.alloc(0);
    stream.on("response", (head) => {
      got.status = head[":status"];
      got.id = stream.id;
      stream.write(frame(0x81, Buffer.from("Hello")));
    });
    stream.on("data", (data) => {
      bytes = Buffer.concat([bytes, data]);
      while (bytes.length >= 2 && bytes.length >= 2 + bytes[1]) {
        const payload = bytes.subarray(2, 2 + bytes[1]);
        if (bytes[0] === 0x81) {
          got.text = payload.toString();
          stream.write(frame(0x88, Buffer.from([0x03, 0xe8])));
        } else if (bytes[0] === 0x88) {
          got.code = payload.readUInt16BE();
        }
        bytes = bytes.subarray(2 + bytes[1]);
      }
    });
    stream.on("error", reject);
    stream.on("end", () => resolve(got));
  });
}

const all = await Promise.all([open(), open(), open()]);
connection.destroy();
const answers = new Set(all.map((got) => `${got.status}, ${got.text}, closed with ${got.code}`));
console.log(`streams ${all.map((got) => got.id).join(" ")}: ${[...answers].join("; ")}`);
