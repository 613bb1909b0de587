// Opens a WebSocket, sends a text and returns what came back, or that the server refused.
export function talk(url, text) {
  return new Promise((done) => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send(text);
    socket.onmessage = (event) => {
      socket.close(1000);
      done(event.data);
    };
    socket.onerror = () => done("refused"); // a script is not told why
  });
}
