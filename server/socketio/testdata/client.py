# python-socketio against the application of clients_test.go, which starts this with the URL and
# with polling, websocket or upgrade. It ends with 0 if all is as it should be.

import queue
import sys

import socketio

url, mode = sys.argv[1:]
transports = {"upgrade": ["polling", "websocket"]}.get(mode, [mode])


class Client:
    """A client whose events wait in a queue."""

    def __init__(self, name, namespaces=("/",)):
        self.events = queue.Queue()
        self.sio = socketio.Client(reconnection=False)
        for namespace in namespaces:
            for event in ("back", "said", "answered", "unanswered", "disconnect"):
                self.sio.on(event, self.put(event), namespace=namespace)
        self.sio.on("question", lambda n, file: (n + 1, file))
        self.sio.connect(url, auth={"name": name}, transports=transports, namespaces=list(namespaces), wait_timeout=5)

    def put(self, event):
        return lambda *args: self.events.put((event, *args))

    def call(self, event, *args, namespace="/"):
        return self.sio.call(event, args if len(args) != 1 else args[0], namespace=namespace, timeout=5)

    def next(self):
        return self.events.get(timeout=5)


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


ann = Client("ann", ("/", "/methods"))
data = bytes([0, 1, 2, 255])
ann.sio.emit("back", (1, "two", {"three": [True, None], "file": data}, data, "\U0001f600 é"))
equal(ann.next(), ("back", 1, "two", {"three": [True, None], "file": data}, data, "\U0001f600 é"))
for i in range(7):  # the client takes at most 16 packets of one poll
    ann.sio.emit("back", (i, bytes([i])))
for i in range(7):
    equal(ann.next(), ("back", i, bytes([i])))

equal(ann.call("sum", 1, 2.5, 3), 6.5)
equal(ann.call("store", "a.txt", data), 4)
equal(ann.call("back with ack", {"b": data}), {"b": data})
try:
    ann.sio.call("never acknowledged", timeout=0.2)
    raise AssertionError("acknowledged")
except socketio.exceptions.TimeoutError:
    pass
ann.sio.emit("ask me", 41)
equal(ann.next(), ("answered", 42, data))

bob = Client("bob")
equal(ann.call("join", "room"), [ann.sio.get_sid(), "room"])
bob.call("join", "room")
ann.call("say", "room", "hi")
equal(bob.next(), ("said", "hi"))
bob.call("leave", "room")
ann.call("say", "room", "nobody")
ann.call("say", bob.sio.get_sid(), "psst")
equal(bob.next(), ("said", "psst"))
equal(ann.call("my event", "x", namespace="/methods"), "my event x")
equal(ann.events.qsize(), 0)

for name, namespace, want in (
    ("eve", "/", {"message": "not welcome", "data": {"code": 42}}),
    ("ann", "/nowhere", {"message": "Invalid namespace"}),
):
    refused = socketio.Client(reconnection=False)
    errors = queue.Queue()
    refused.on("connect_error", errors.put, namespace=namespace)
    try:
        refused.connect(url, auth={"name": name}, transports=transports, namespaces=[namespace], wait_timeout=0.5)
        raise AssertionError("connected")
    except socketio.exceptions.ConnectionError:
        equal(errors.get(timeout=5), want)

ann.sio.emit("kick me", namespace="/methods")
equal(ann.next(), ("disconnect",))
equal(ann.call("sum", 2, 2), 4)
bob.sio.disconnect()
ann.sio.disconnect()
print("done")
