// What the page knows, and what it does about it. Views only read `state` and call these methods.
import { Refused, call, get } from "./calls.mjs";
import { Stream } from "./stream.mjs";

export const TABS = ["pending", "ongoing", "failed", "closed", "cancelled"];
const PAGE = 50;
const MOST = 200;
const GATHER_MS = 150;
const LOOK_MS = 2000;
const CHART_MS = 5000;
const FLASH_MS = 1600;

const started = () => ({
  session: undefined, tab: "pending", rows: [], total: 0, counts: {}, filters: { reason: "", from: "", to: "" },
  limit: PAGE, open: null, story: null, busy: {}, faults: {}, flash: {}, ask: null, link: "opening", linkNote: "",
  overview: null, health: null, chart: null, chartSymbol: "", isLoaded: false, notice: "", focus: null,
});

export class Desk {
  constructor() {
    this.state = started();
    this.listeners = new Set();
    this.changed = new Set();
  }

  set(patch) {
    this.state = { ...this.state, ...patch };
    for (const listener of this.listeners) listener(this.state);
  }

  async begin() {
    try {
      this.set({ session: await get("/session") });
    } catch {
      this.set({ link: "lost" });
      setTimeout(() => this.begin(), 1000);
      return;
    }
    const account = this.state.session.account_ids[0];
    if (!account) return;
    this.reload();
    this.look();
    this.lookAtChart();
    setInterval(() => this.look(), LOOK_MS);
    setInterval(() => this.lookAtChart(), CHART_MS);
    document.addEventListener("visibilitychange", () => this.look());
    this.stream = new Stream(account, {
      state: (link, linkNote = "") => this.linked(link, linkNote),
      snapshot: () => this.reload(),
      update: (data) => this.updated(data.order_id),
      alert: () => this.look(),
    });
  }

  async login(token) {
    this.set({ session: await call("POST", "/login", { token }) });
    this.begin();
  }

  linked(link, linkNote) {
    const wasLost = this.state.link === "lost";
    this.set({ link, linkNote });
    if (link === "live" && wasLost) {
      this.reload();
      this.look();
    }
  }

  // Changes of a burst are gathered: the list is read once for all of them.
  updated(id) {
    this.changed.add(id);
    if (this.gathering) return;
    this.gathering = setTimeout(async () => {
      this.gathering = null;
      const ids = [...this.changed];
      this.changed.clear();
      await this.reload();
      this.flash(ids);
      if (ids.includes(this.state.open)) this.readStory(this.state.open);
    }, GATHER_MS);
  }

  flash(ids) {
    const flash = { ...this.state.flash };
    for (const id of ids) flash[id] = (flash[id] ?? 0) + 1;
    this.set({ flash });
    setTimeout(() => {
      const left = { ...this.state.flash };
      for (const id of ids) delete left[id];
      this.set({ flash: left });
    }, FLASH_MS);
  }

  async reload() {
    const { tab, filters, limit } = this.state;
    const words = new URLSearchParams({ status: tab, limit });
    if (filters.reason) words.set("reason", filters.reason);
    if (filters.from) words.set("from_date", filters.from);
    if (filters.to) words.set("to_date", filters.to);
    try {
      const [page, figures] = await Promise.all([
        get(`/api/v1/user/orders?${words}`), get("/api/v1/user/orders/statistics"),
      ]);
      const isStale = this.state.tab !== tab || this.state.filters !== filters || this.state.limit !== limit;
      this.set({ counts: figures.distribution, ...(isStale ? {} : { rows: page.orders, total: page.total, isLoaded: true, notice: "" }) });
    } catch (fault) {
      if (fault.status) this.set({ notice: fault.message, isLoaded: true });
    }
  }

  async look() {
    if (document.hidden || this.state.link === "lost") return;
    try {
      const [overview, health] = await Promise.all([get("/api/v1/overview"), this.healthNow()]);
      this.set({ overview, health, seenAt: performance.now() });
    } catch (fault) {
      if (!(fault instanceof Refused)) throw fault;
    }
  }

  // 503 is an answer here: it says which part is down.
  async healthNow() {
    const answer = await fetch("/health").catch(() => null);
    return answer ? answer.json() : null;
  }

  async lookAtChart() {
    if (document.hidden || this.state.link === "lost") return;
    try {
      this.set({ chart: await get(`/api/v1/chart?symbol=${encodeURIComponent(this.state.chartSymbol)}`) });
    } catch (fault) {
      if (!(fault instanceof Refused)) throw fault;
    }
  }

  showChart(chartSymbol) {
    this.set({ chartSymbol });
    this.lookAtChart();
  }

  show(tab) {
    this.set({ tab, limit: PAGE, open: null, story: null, isLoaded: false, rows: [], total: 0, focus: null });
    this.reload();
  }

  filter(patch) {
    this.set({ filters: { ...this.state.filters, ...patch }, limit: PAGE });
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.reload(), GATHER_MS);
  }

  more() {
    this.set({ limit: Math.min(MOST, this.state.limit + PAGE) });
    this.reload();
  }

  toggle(id) {
    if (this.state.open === id) {
      this.set({ open: null, story: null });
      return;
    }
    this.set({ open: id, story: null });
    this.readStory(id);
  }

  async readStory(id) {
    try {
      const story = await get(`/api/v1/user/orders/${encodeURIComponent(id)}`);
      if (this.state.open === id) this.set({ story });
    } catch (fault) {
      this.fail(id, fault);
    }
  }

  ask(action, order) {
    if (!this.state.busy[order?.id ?? action]) this.set({ ask: { action, order } });
  }

  // Once it is confirmed. The row is disabled until the answer is there; why it failed stands in the row.
  async act(action, order, body) {
    const key = order?.id ?? action;
    this.set({ ask: null, busy: { ...this.state.busy, [key]: action }, faults: { ...this.state.faults, [key]: null } });
    try {
      await this.send(action, order, body);
    } catch (fault) {
      this.fail(key, fault);
    }
    const busy = { ...this.state.busy };
    delete busy[key];
    this.set({ busy });
    this.reload();
    this.look();
  }

  send(action, order, body) {
    const path = order && `/api/v1/user/orders/${encodeURIComponent(order.id)}`;
    if (action === "retry") return call("POST", `${path}/retry`);
    if (action === "cancel" || action === "drop") return call("DELETE", path);
    if (action === "kill") return call("POST", "/control/kill", body);
    if (action.startsWith("alerts/")) return call("POST", `/api/v1/${action}/acknowledge`);
    return call("POST", `/control/${action}`);
  }

  fail(key, fault) {
    this.set({ faults: { ...this.state.faults, [key]: fault.message } });
  }

  forgive(key) {
    this.set({ faults: { ...this.state.faults, [key]: null } });
  }

  may(scope) {
    return this.state.session?.scopes.includes(scope) ?? false;
  }
}
