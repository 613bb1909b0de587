# A client of Debian's python3-engineio: it sends texts and bytes, checks that they come back in
# order, and prints the transport that it ends with. The text is ASCII: while polling, this version
# of the client cannot send other text.
import sys
import threading

import engineio

url, transports = sys.argv[1], sys.argv[2].split(",")
messages = 300
received = 0
done = threading.Event()
client = engineio.Client()


def message(n):
    return bytes([n & 255, n >> 8, 0, 30]) if n % 3 == 2 else f"message {n}\n"


@client.on("message")
def on_message(data):
    global received
    if data != message(received):
        print(f"failed: message {received} is {data!r}")
        done.set()
        return
    received += 1
    if received == messages:
        print(f"received {received} over {client.transport()}")
        done.set()


@client.on("disconnect")
def on_disconnect():
    done.set()


client.connect(url, transports=transports)
for n in range(messages):
    client.send(message(n))
done.wait(30)
client.disconnect()
