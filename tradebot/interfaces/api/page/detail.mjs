// One order from its first line to its last: events, fills, ids.
import { html } from "./html.mjs";
import { NONE, moment, price, sentence, time } from "./words.mjs";

export function Detail({ story, now }) {
  if (!story) return html`<div class="story"><div class="skeleton"></div></div>`;
  return html`<div class="story">
    <section><h3>Events</h3><ol class="events">${story.events.map((event) => html`<li key=${event.sequence} class=${`to-${event.to_status}`}>
      <time title=${event.at}>${moment(event.at, now)}</time>
      <div><b>${sentence(event.event)}</b>${event.figures.filled_quantity && html` <span class="muted">${event.figures.filled_quantity} filled</span>`}
        <p>${event.reason}</p><small class="muted">#${event.sequence} · ${event.source} · ${event.correlation_id}</small></div></li>`)}</ol></section>
    <div class="beside">
      <section><h3>Fills</h3>${story.fills.length ? html`<${Fills} fills=${story.fills} />` : html`<p class="muted">None.</p>`}</section>
      <section><h3>Ids</h3><${Ids} story=${story} /></section>
      <section><h3>Terms</h3><${Terms} order=${story.order} /></section>
    </div>
  </div>`;
}

function Fills({ fills }) {
  return html`<table class="fills"><thead><tr><th>Time</th><th class="number">Quantity</th><th class="number">Price</th><th>Trade</th></tr></thead>
    <tbody>${fills.map((fill) => html`<tr key=${fill.trade_id}><td>${time(fill.traded_at)}</td><td class="number">${fill.quantity}</td>
      <td class="number">${price(fill.price)}</td><td><code>${fill.trade_id}</code>${fill.is_late && html` <span class="bad">late</span>`}</td></tr>`)}</tbody></table>`;
}

function Ids({ story }) {
  const { order, attempts } = story;
  const rows = [["Order", order.id], ...attempts.flatMap((attempt) => [
    [`Client order id${attempts.length > 1 ? `, attempt ${attempt.number}` : ""}`, attempt.coid],
    [`Broker, ${attempt.status}`, attempt.broker_order_id],
  ])];
  for (const id of story.lifecycle_ids ?? []) {
    if (id.id_type !== "order_id") rows.push([`${sentence(id.id_type.replace(/_id$/, ""))}, ${id.status}`, id.lifecycle_id]);
  }
  return html`<dl>${rows.map(([name, id]) => html`<div><dt>${name}</dt><dd><code>${id ?? NONE}</code></dd></div>`)}</dl>`;
}

function Terms({ order }) {
  const rows = [
    ["Limit", order.price === null ? "market" : price(order.price)], ["Average", price(order.execution_price)],
    ...(order.trigger_price === null ? [] : [["Trigger", price(order.trigger_price)]]),
    ["Type", `${order.order_type}, ${order.product}`], ["Broker says", order.broker_status ?? NONE],
    ["Made", time(order.created_at)], ["Account", order.account_id],
  ];
  return html`<dl>${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
