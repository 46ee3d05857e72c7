// The WebSocket: sends wishes, hands on what comes, and comes back after it was lost.

const WAITS = [500, 1000, 2000, 4000];
const FULL = 1013;

export class Link {
  /** `told` holds a function for each kind of message, and `open`, `lost`. */
  constructor(told) {
    this.told = told;
    this.tries = 0;
    this.socket = null;
  }

  open() {
    const socket = new WebSocket(`ws://${location.host}/ws`);
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.tries = 0;
      this.told.open();
    });
    socket.addEventListener("message", (event) => {
      const message = JSON.parse(event.data);
      this.told[message.is]?.(message);
    });
    socket.addEventListener("close", (event) => {
      if (this.socket !== socket) return;
      this.told.lost(event.code === FULL ? "full" : "lost");
      setTimeout(() => this.open(), WAITS[Math.min(this.tries++, WAITS.length - 1)]);
    });
  }

  get ready() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  say(message) {
    if (this.ready) this.socket.send(JSON.stringify(message));
  }
}
