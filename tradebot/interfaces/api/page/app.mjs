// The orders page.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Chart } from "./chart.mjs";
import { Confirm, Help } from "./dialogs.mjs";
import { Desk, TABS } from "./desk.mjs";
import { Header, Login, Tiles } from "./header.mjs";
import { html } from "./html.mjs";
import { Orders } from "./orders.mjs";
import { Alerts, Blocks, Happenings, Health, Positions, Schedule } from "./panels.mjs";

const desk = new Desk();

function App() {
  const [state, setState] = useState(desk.state);
  const [isHelp, setHelp] = useState(false);
  useEffect(() => {
    desk.listeners.add(setState);
    desk.begin();
    return () => desk.listeners.delete(setState);
  }, []);
  useEffect(() => {
    const onKey = (event) => press(event, setHelp);
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  if (state.session === undefined) {
    return html`<p class="loading">${state.link === "lost" ? "tradebot does not answer; trying again …" : "Opening the desk …"}</p>`;
  }
  if (!state.session.user_id) return html`<${Login} desk=${desk} />`;
  return html`
    <${Header} state=${state} desk=${desk} onHelp=${() => setHelp(true)} />
    <main>
      <${Alerts} state=${state} desk=${desk} />
      <${Tiles} state=${state} />
      <div class="columns">
        <${Orders} state=${state} desk=${desk} />
        <aside aria-label="Positions and state">
          <${Positions} state=${state} desk=${desk} />
          <${Chart} state=${state} desk=${desk} />
          <${Blocks} state=${state} />
          <${Health} state=${state} />
          <${Schedule} state=${state} />
          <${Happenings} state=${state} />
        </aside>
      </div>
    </main>
    ${state.ask && html`<${Confirm} desk=${desk} ask=${state.ask} />`}
    ${isHelp && html`<${Help} onClose=${() => setHelp(false)} />`}
  `;
}

function press(event, setHelp) {
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || document.querySelector("dialog[open]");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) {
    if (event.key === "Escape" && event.target.blur) event.target.blur();
    return;
  }
  if (event.key === "?") setHelp(true);
  else if (TABS[Number(event.key) - 1]) desk.show(TABS[Number(event.key) - 1]);
  else if (event.key === "/") document.querySelector("#reason")?.focus();
  else if (event.key === "j" || event.key === "ArrowDown") move(1);
  else if (event.key === "k" || event.key === "ArrowUp") move(-1);
  else if (event.key === "Escape" && desk.state.open) desk.toggle(desk.state.open);
  else if (!wish(event.key)) return;
  event.preventDefault();
}

function move(step) {
  const rows = [...document.querySelectorAll("[data-order]")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement?.closest("[data-order]"));
  rows[Math.min(rows.length - 1, Math.max(0, at + step))].focus();
}

// r, d and c on the row that has the focus, as far as its status allows it.
function wish(key) {
  const id = document.activeElement?.closest("[data-order]")?.dataset.order;
  const order = desk.state.rows.find((row) => row.id === id);
  const action = { r: "retry", d: "drop", c: "cancel" }[key];
  const status = { retry: "failed", drop: "failed", cancel: "pending" }[action];
  if (!order || order.status !== status || !desk.may("trade")) return false;
  desk.ask(action, order);
  return true;
}

render(html`<${App} />`, document.querySelector("#root"));
