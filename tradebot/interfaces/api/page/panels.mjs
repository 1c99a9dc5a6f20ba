// What stands beside the orders: positions, blocks of guards, health, schedule, the last events.
import { html } from "./html.mjs";
import { gain, moment, percent, price, sentence, time, tone } from "./words.mjs";

export function Alerts({ state, desk }) {
  const alerts = state.overview?.alerts ?? [];
  const isLost = state.link === "lost";
  return html`<div class="alerts" aria-live="polite">
    ${isLost && html`<p class="banner warn">tradebot does not answer. What is shown may be old; the page comes back by itself.</p>`}
    ${alerts.map((alert) => html`<p key=${alert.text} class=${`banner ${alert.level === "WARNING" ? "warn" : "bad"}`} role="alert"><span>${sentenceOf(alert.text)}</span>
      <${Seen} alert=${alert} state=${state} desk=${desk} /></p>`)}
  </div>`;
}

function Seen({ alert, state, desk }) {
  const key = `alerts/${alert.name}`;
  if (!alert.name || alert.is_seen || !desk.may("trade")) return null;
  return html`<span>${state.faults[key]} <button class="plain" disabled=${Boolean(state.busy[key])} onClick=${() => desk.act(key)}>Seen</button></span>`;
}

function sentenceOf(text) {
  const plain = text.replace("; P resumes them", "").replace(/^[a-z_]+:/, (name) => name.replaceAll("_", " "));
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}

export function Positions({ state, desk }) {
  const rows = state.overview?.positions ?? [];
  return html`<section class="card"><h2>Positions <span class="count">${state.overview?.positions_open ?? 0}</span></h2>
    ${rows.length ? html`<table class="positions"><thead><tr><th>Symbol</th><th class="number">Held</th><th class="number">Last</th><th class="number">Gain</th></tr></thead>
      <tbody>${rows.map((row) => html`<tr key=${row.symbol}><td><button class="plain symbol" title="Show its chart" onClick=${() => desk.showChart(row.symbol)}>${row.symbol}</button></td>
        <td class="number">${row.quantity}<small class="muted"> @ ${price(row.average_price)}</small></td>
        <td class="number">${price(row.last_price)}</td>
        <td class=${`number ${tone(row.gain ?? 0)}`}>${gain(row.gain)}<small>${percent(row.gain_pct)}</small></td></tr>`)}</tbody></table>`
    : html`<p class="muted">Nothing is held.</p>`}</section>`;
}

export function Blocks({ state }) {
  const blocks = state.overview?.blocks ?? [];
  const most = Math.max(1, ...blocks.map((block) => block.count));
  return html`<section class="card"><h2>Guard blocks today <span class="count">${blocks.reduce((sum, block) => sum + block.count, 0)}</span></h2>
    ${blocks.length ? html`<ul class="blocks">${blocks.slice(0, 8).map((block) => html`<li key=${block.reason}>
      <span>${sentence(block.reason)} <small class="muted">${block.symbol}</small></span><b>${block.count}</b>
      <progress max=${most} value=${block.count} aria-hidden="true"></progress></li>`)}</ul>`
    : html`<p class="muted">None.</p>`}</section>`;
}

export function Health({ state }) {
  const { health } = state;
  if (!health?.parts) return null;
  return html`<section class="card"><h2>Health <span class=${`verdict ${health.status === "healthy" ? "good" : "bad"}`}>${health.status}</span></h2>
    <ul class="parts">${Object.entries(health.parts).map(([name, part]) => html`<li key=${name} class=${part.status}>
      <i></i><span>${sentence(name)}</span><small class="muted" title=${part.detail}>${part.detail}</small></li>`)}</ul></section>`;
}

export function Schedule({ state }) {
  const jobs = (state.overview?.schedule ?? []).filter((job) => job.next_at).slice(0, 6);
  if (!jobs.length) return null;
  return html`<section class="card"><h2>Coming next</h2><ul class="jobs">${jobs.map((job) => html`<li key=${job.name}>
    <span>${sentence(job.name)}</span><time>${moment(job.next_at, state.overview.time)}</time></li>`)}</ul></section>`;
}

export function Happenings({ state }) {
  const events = (state.overview?.events ?? []).slice(0, 12);
  if (!events.length) return null;
  return html`<section class="card"><h2>Last events</h2><ol class="happenings">${events.map((event) => html`<li key=${`${event.at}${event.event}${event.message}`} class=${event.level.toLowerCase()}>
    <time>${time(event.at)}</time><span><b>${sentence(event.event)}</b> ${event.message}</span></li>`)}</ol></section>`;
}
