// Five tabs of orders, live; an order's detail opens in its place.
import { TABS } from "./desk.mjs";
import { Detail } from "./detail.mjs";
import { html } from "./html.mjs";
import { moment, price, sentence, side } from "./words.mjs";

const WORDS = { retry: "Retry", drop: "Drop", cancel: "Cancel" };
const BUSY = { retry: "Retrying …", drop: "Dropping …", cancel: "Cancelling …" };
const EMPTY = {
  pending: "Nothing stands at the broker right now.", ongoing: "Nothing is held by an order.",
  failed: "Nothing has failed. Good.", closed: "Nothing was closed yet.", cancelled: "Nothing was cancelled.",
};

export function Orders({ state, desk }) {
  return html`<section class="card orders" aria-label="Orders">
    <${Tabs} state=${state} desk=${desk} />
    <${Filters} state=${state} desk=${desk} />
    ${state.notice && html`<p class="banner bad" role="alert">${state.notice}</p>`}
    <div role="tabpanel" id="orders" aria-labelledby=${`tab-${state.tab}`} aria-busy=${!state.isLoaded}>
      ${state.rows.length ? html`<${Table} state=${state} desk=${desk} />` : html`<${Empty} state=${state} />`}
    </div>
    ${state.total > state.rows.length && html`<p class="more"><span class="muted">${state.rows.length} of ${state.total}</span>
      ${state.limit < 200 ? html`<button onClick=${() => desk.more()}>Show more</button>` : html`<span class="muted">narrow it with the filters</span>`}</p>`}
  </section>`;
}

function Tabs({ state, desk }) {
  const onKeyDown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = TABS[(TABS.indexOf(state.tab) + step + TABS.length) % TABS.length];
    desk.show(next);
    document.querySelector(`#tab-${next}`).focus();
    event.stopPropagation();
  };
  return html`<div role="tablist" aria-label="Status" onKeyDown=${onKeyDown}>
    ${TABS.map((tab) => html`<button role="tab" id=${`tab-${tab}`} key=${tab} class=${`tab tab-${tab}`} aria-selected=${state.tab === tab}
      aria-controls="orders" tabIndex=${state.tab === tab ? 0 : -1} onClick=${() => desk.show(tab)}>
      ${sentence(tab)} <span class="count">${state.counts[tab] ?? 0}</span></button>`)}
  </div>`;
}

function Filters({ state, desk }) {
  const { reason, from, to } = state.filters;
  const isOn = reason || from || to;
  return html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    <input id="reason" type="search" placeholder="Filter by reason" aria-label="Filter by reason" maxlength="200" value=${reason}
      onInput=${(event) => desk.filter({ reason: event.target.value })} />
    <label>From <input type="date" value=${from} max=${to} onChange=${(event) => desk.filter({ from: event.target.value })} /></label>
    <label>To <input type="date" value=${to} min=${from} onChange=${(event) => desk.filter({ to: event.target.value })} /></label>
    ${isOn && html`<button type="button" class="plain" onClick=${() => desk.filter({ reason: "", from: "", to: "" })}>Clear</button>`}
  </form>`;
}

function Empty({ state }) {
  if (!state.isLoaded) return html`<div class="rows-loading">${[1, 2, 3].map(() => html`<div class="skeleton"></div>`)}</div>`;
  const { reason, from, to } = state.filters;
  return html`<p class="empty">${reason || from || to ? "No order matches these filters." : EMPTY[state.tab]}</p>`;
}

function Table({ state, desk }) {
  const isFailed = state.tab === "failed";
  const hasActions = desk.may("trade") && (isFailed || state.tab === "pending");
  const columns = 7 + (isFailed ? 3 : 0) + (hasActions ? 1 : 0);
  return html`<table class=${`tab-of-${state.tab}`}>
    <thead><tr>
      <th>Symbol</th><th>Side</th><th class="number">Quantity</th><th class="number">Price</th><th class="status">Status</th><th>Reason</th><th class="when">Time</th>
      ${isFailed && html`<th class="number">Retries</th><th class="when">Last retry</th><th class="when">Expires</th>`}
      ${hasActions && html`<th><span class="hidden">Actions</span></th>`}
    </tr></thead>
    ${state.rows.map((order) => html`<${Row} key=${order.id} order=${order} state=${state} desk=${desk} columns=${columns} hasActions=${hasActions} isFailed=${isFailed} />`)}
  </table>`;
}

function Row({ order, state, desk, columns, hasActions, isFailed }) {
  const isOpen = state.open === order.id;
  const fault = state.faults[order.id];
  const now = state.overview?.time;
  const onKeyDown = (event) => {
    if (event.target !== event.currentTarget || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    desk.toggle(order.id);
  };
  const flashes = state.flash[order.id];
  return html`<tbody class=${`order ${isOpen ? "is-open" : ""}`}>
    <tr data-order=${order.id} tabIndex="0" aria-expanded=${isOpen} class=${flashes ? `flash flash-${flashes % 2}` : ""}
      onClick=${() => desk.toggle(order.id)} onKeyDown=${onKeyDown}>
      <td class="symbol"><span class="twist" aria-hidden="true">›</span><b>${order.symbol}</b><small class="muted">${order.exchange}</small></td>
      <td class="side"><span class=${`side-${order.side}`}>${side(order)}</span></td>
      <td class="number quantity" data-label="Quantity"><${Quantity} order=${order} /></td>
      <td class="number" data-label="Price"><${Prices} order=${order} /></td>
      <td class="status"><span class=${`status-${order.status}`}><i></i>${order.cancel_requested && order.status === "pending" ? "cancel asked" : order.status}</span></td>
      <td class="reason" title=${order.reason}>${order.reason}</td>
      <td class="when" data-label="Time">${moment(order.updated_at, now)}</td>
      ${isFailed && html`<td class="number" data-label="Retries">${order.retry_count}</td>
        <td class="when" data-label="Last retry">${moment(order.last_retry_attempt, now)}</td>
        <td class="when" data-label="Expires">${moment(order.expires_at, now)}</td>`}
      ${hasActions && html`<td class="actions"><${Actions} order=${order} state=${state} desk=${desk} /></td>`}
    </tr>
    ${fault && html`<tr class="fault"><td colspan=${columns}><p role="alert"><span>${fault}</span>
      <button class="plain" onClick=${() => desk.forgive(order.id)}>Dismiss</button></p></td></tr>`}
    ${isOpen && html`<tr class="detail"><td colspan=${columns}><${Detail} story=${state.story} now=${now} /></td></tr>`}
  </tbody>`;
}

function Quantity({ order }) {
  if (!order.execution_qty || order.execution_qty === order.quantity) return html`${order.quantity}`;
  return html`<span class="partly" title=${`${order.execution_qty} of ${order.quantity} filled`}>${order.execution_qty}<small class="muted">/${order.quantity}</small>
    <progress max=${order.quantity} value=${order.execution_qty} aria-label="filled"></progress></span>`;
}

function Prices({ order }) {
  if (order.execution_price === null) return html`${order.price === null ? "market" : price(order.price)}`;
  return html`<span title=${`limit ${price(order.price)}`}>${price(order.execution_price)}</span>`;
}

function Actions({ order, state, desk }) {
  const busy = state.busy[order.id];
  const actions = order.status === "failed" ? ["retry", "drop"] : order.status === "pending" ? ["cancel"] : [];
  return actions.map((action) => html`<button key=${action} class=${`small act-${action}`} aria-busy=${busy === action}
    disabled=${Boolean(busy) || (action === "cancel" && order.cancel_requested)}
    aria-label=${`${WORDS[action]} ${order.symbol}`}
    onClick=${(event) => { event.stopPropagation(); desk.ask(action, order); }}>${busy === action ? BUSY[action] : WORDS[action]}</button>`);
}
