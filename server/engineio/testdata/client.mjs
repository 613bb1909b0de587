// A client of npm's engine.io-client: it sends texts and bytes, checks that they come back in order
// while it changes its transport, and prints the transport that it ends with.
import { createRequire } from "node:module"

const [frontend, url, transports] = process.argv.slice(2)
const { Socket } = createRequire(frontend)("engine.io-client")
const socket = new Socket(url, { path: "/engine.io/", transports: transports.split(",") })
socket.binaryType = "arraybuffer"
const messages = 300
let received = 0
const upgrades = transports === "polling,websocket"
let upgraded = false

function fail(why) {
	console.log(`failed: ${why}`)
	process.exit(1)
}

function send(n) {
	socket.send(n % 3 === 2 ? Uint8Array.of(n & 255, n >> 8, 0, 30) : `message ${n} €\n"`)
}

function check(data, n) {
	if (n % 3 === 2) {
		const b = new Uint8Array(data)
		return b.length === 4 && b[0] === (n & 255) && b[1] === n >> 8 && b[3] === 30
	}
	return data === `message ${n} €\n"`
}

function end() {
	console.log(`received ${received} over ${socket.transport.name}`)
	socket.close()
}

socket.on("open", () => {
	for (let n = 0; n < messages; n++) send(n)
})
socket.on("upgrade", () => {
	upgraded = true
	for (let n = messages; n < 2 * messages; n++) send(n)
})
socket.on("message", (data) => {
	if (!check(data, received)) fail(`message ${received} is ${data}`)
	received++
	if (received === (upgrades ? 2 : 1) * messages) end()
})
socket.on("upgradeError", (e) => fail(`upgrade: ${e.message}`))
socket.on("close", (reason) => {
	if (reason !== "forced close") fail(`closed for ${reason}, upgraded: ${upgraded}`)
})
