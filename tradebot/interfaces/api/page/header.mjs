// The head of the page: what runs, which phase the market is in, whether the page is live; and the money.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.mjs";
import { date, gain, hourMinute, money, percent, sentence, time, tone } from "./words.mjs";

const THEMES = { auto: "light", light: "dark", dark: "auto" };
const LINKS = { live: "Live", lost: "Reconnecting", opening: "Connecting" };

export function Header({ state, desk, onHelp }) {
  const { overview, link, linkNote } = state;
  const isPaused = overview?.is_paused ?? false;
  const pauseKey = isPaused ? "resume" : "pause";
  const scope = isPaused ? "admin" : "trade";
  return html`
    <header>
      <div class="brand"><img src="/page/icon.svg" alt="" width="26" height="26" /><strong>tradebot</strong>
        ${overview && html`<span class="chip mode-${overview.mode}">${overview.mode}${overview.mode === "replay" && overview.rate ? ` ×${overview.rate}` : ""}</span>`}
      </div>
      ${overview && html`<div class="market">
        <span class="phase phase-${overview.market.phase}">${sentence(overview.market.phase ?? "unknown")}</span>
        ${overview.market.changes_at && html`<span class="muted next">${sentence(overview.market.following)} at ${hourMinute(overview.market.changes_at)}</span>`}
      </div>`}
      <div class="spacer"></div>
      ${overview && html`<time class="clock" title="The daemon's clock, IST"><span class="muted">${date(overview.time)}</span> <b>${time(overview.time)}</b></time>`}
      <span class="link link-${link}" role="status" title=${linkNote}><i></i>${LINKS[link]}</span>
      ${overview && desk.may(scope) && html`<button class=${isPaused ? "primary" : ""} disabled=${Boolean(state.busy[pauseKey])}
        onClick=${() => desk.ask(pauseKey)}>${isPaused ? "Resume entries" : "Pause entries"}</button>`}
      ${overview && desk.may("admin") && html`<button class="danger" disabled=${Boolean(state.busy.kill || state.busy.release)}
        onClick=${() => desk.ask(overview.is_killed ? "release" : "kill")}>${overview.is_killed ? "Release kill switch" : "Kill switch"}</button>`}
      <${Theme} />
      <button class="icon" title="Keys (?)" aria-label="Keys" onClick=${onHelp}>?</button>
    </header>
    ${["pause", "resume", "kill", "release"].map((key) => state.faults[key] && html`<p class="banner bad" role="alert">${sentence(key)}: ${state.faults[key]}
      <button class="plain" onClick=${() => desk.forgive(key)}>Dismiss</button></p>`)}
  `;
}

function Theme() {
  const [theme, setTheme] = useState(localStorage.getItem("theme") ?? "auto");
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
  }, [theme]);
  const mark = { auto: "◐", light: "☀", dark: "☾" }[theme];
  return html`<button class="icon" title=${`Colours: ${theme}`} aria-label=${`Colours: ${theme}`} onClick=${() => setTheme(THEMES[theme])}>${mark}</button>`;
}

export function Tiles({ state }) {
  const { overview, counts } = state;
  if (!overview) return html`<section class="tiles" aria-hidden="true">${[1, 2, 3, 4, 5].map(() => html`<div class="tile skeleton"></div>`)}</section>`;
  const { invested, free, realised, open_gain } = overview.money;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const share = open_gain !== null && Number(invested) ? (Number(open_gain) * 100) / Number(invested) : null;
  return html`<section class="tiles" aria-label="Money">
    <${Tile} name="Realised today" value=${gain(realised)} tone=${tone(realised)} />
    <${Tile} name="Open gain" value=${gain(open_gain)} note=${percent(share)} tone=${tone(open_gain ?? 0)} />
    <${Tile} name="Invested" value=${money(invested)} note=${`${overview.positions_open} of ${overview.positions_max} positions`} />
    <${Tile} name="Free" value=${money(free)} />
    <${Tile} name="Orders" value=${total} note=${`${counts.failed ?? 0} failed`} />
  </section>`;
}

function Tile({ name, value, note = "", tone = "" }) {
  return html`<div class="tile"><span class="muted">${name}</span><b class=${tone}>${value}</b><small class="muted">${note}</small></div>`;
}

export function Login({ desk }) {
  const [fault, setFault] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await desk.login(new FormData(event.target).get("token").trim());
    } catch (cause) {
      setFault(cause.message);
      setBusy(false);
    }
  };
  return html`<form class="login card" onSubmit=${submit}>
    <img src="/page/icon.svg" alt="" width="44" height="44" />
    <h1>tradebot</h1>
    <label for="token">Token</label>
    <input id="token" name="token" type="password" autocomplete="current-password" required autofocus />
    ${fault && html`<p class="bad" role="alert">${sentence(fault)}</p>`}
    <button class="primary" disabled=${isBusy}>Open the desk</button>
    <p class="muted">Made with <code>main.py token create</code>. It is kept in a cookie that no script can read.</p>
  </form>`;
}
