// Questions before something is done, and the keys.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.mjs";
import { named, price } from "./words.mjs";

const QUESTIONS = {
  retry: ["Retry", "It is sent again if the market is open, else with the next run. Guards judge it anew."],
  drop: ["Drop", "It leaves the retry queue for good and counts as cancelled."],
  cancel: ["Cancel", "The broker is asked to cancel it. It is cancelled once the broker confirms that; a fill may come first."],
  pause: ["Pause entries", "No new position is opened until somebody resumes. Exits go on, also after a restart."],
  resume: ["Resume entries", "New positions may be opened again."],
  kill: ["Kill switch", "It is latched, also over restarts, until somebody releases it. Exits go on."],
  release: ["Release kill switch", "New positions may be opened again. What was cancelled or sold stays so."],
};
const MODES = [
  ["stop", "No new entries"], ["cancel_entries", "and entries that stand are cancelled"], ["flatten", "and what is held is sold"],
];

export function Confirm({ desk, ask }) {
  const [verb, text] = QUESTIONS[ask.action];
  const [mode, setMode] = useState("cancel_entries");
  const close = () => desk.set({ ask: null });
  return html`<${Dialog} onClose=${close} label=${verb}>
    <h2>${verb}${ask.order ? `: ${named(ask.order)}` : "?"}</h2>
    ${ask.order && html`<p class="muted">${ask.order.price === null ? "market" : `limit ${price(ask.order.price)}`} · ${ask.order.reason}</p>`}
    <p>${text}</p>
    ${ask.action === "kill" && html`<fieldset><legend class="hidden">What it does</legend>${MODES.map(([name, what]) => html`<label key=${name}>
      <input type="radio" name="mode" value=${name} checked=${mode === name} onChange=${() => setMode(name)} /> ${what}</label>`)}</fieldset>`}
    <footer><button onClick=${close}>Keep it as it is</button>
      <button class=${`primary act-${ask.action}`} autofocus onClick=${() => desk.act(ask.action, ask.order, { mode })}>${verb}</button></footer>
  <//>`;
}

const KEYS = [
  ["1 – 5", "Pending, Ongoing, Failed, Closed, Cancelled"], ["↑ ↓ or j k", "move through the orders"], ["Enter", "open or close the detail"],
  ["r", "retry a failed order"], ["d", "drop a failed order"], ["c", "cancel a pending order"], ["/", "filter by reason"], ["Esc", "close, leave"], ["?", "this list"],
];

export function Help({ onClose }) {
  return html`<${Dialog} onClose=${onClose} label="Keys">
    <h2>Keys</h2>
    <dl class="keys">${KEYS.map(([key, text]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${text}</dd></div>`)}</dl>
    <p class="muted">The HTTP interface: <a href="/docs">documents</a>, <a href="/openapi.json">OpenAPI</a>.</p>
    <footer><button class="primary" autofocus onClick=${onClose}>Close</button></footer>
  <//>`;
}

// The browser's own dialog: it keeps the focus inside, and Escape closes it.
function Dialog({ onClose, label, children }) {
  const box = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${box} aria-label=${label} onClose=${onClose} onClick=${(event) => event.target === box.current && onClose()}>
    <div class="inside">${children}</div></dialog>`;
}
