// The order stream: it comes back by itself, and asks for what was missed.
const WAIT_MS = [500, 1000, 2000, 4000, 5000];

export class Stream {
  constructor(account, on) {
    this.account = account;
    this.on = on;
    this.seq = null;
    this.tries = 0;
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const since = this.seq === null ? "" : `?since=${this.seq}`;
    this.socket = new WebSocket(`${scheme}://${location.host}/ws/orders/${encodeURIComponent(this.account)}${since}`);
    this.socket.onmessage = (event) => this.heard(event.data);
    this.socket.onclose = (event) => this.again(event);
  }

  heard(data) {
    if (data === "pong") return;
    const message = JSON.parse(data);
    if (message.type === "connection_established") {
      this.tries = 0;
      this.socket.send("subscribe:alerts");
      this.on.state("live");
    }
    if (message.type === "snapshot") {
      this.seq = message.seq;
      this.on.snapshot();
    }
    if (message.type === "order_update") {
      this.seq = message.seq;
      this.on.update(message.data);
    }
    if (message.type === "alert") this.on.alert(message.data);
  }

  again(event) {
    this.on.state("lost", event.reason);
    const wait = WAIT_MS[Math.min(this.tries, WAIT_MS.length - 1)];
    this.tries += 1;
    setTimeout(() => this.open(), wait);
  }
}
