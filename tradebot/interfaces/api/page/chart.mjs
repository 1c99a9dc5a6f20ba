// The day's fills of one symbol against its price.
import { useEffect, useRef } from "preact/hooks";
import { html } from "./html.mjs";
import { hourMinute, price } from "./words.mjs";

const HEIGHT = 200;

export function Chart({ state, desk }) {
  const { chart } = state;
  if (!chart?.symbol) return html`<section class="card"><h2>Fills against price</h2><p class="muted">No fill today.</p></section>`;
  const symbols = [...new Set([chart.symbol, ...chart.symbols])];
  return html`<section class="card chart"><h2><label for="chart-symbol">Fills against price</label>
    <select id="chart-symbol" value=${chart.symbol} onChange=${(event) => desk.showChart(event.target.value)}>
      ${symbols.map((symbol) => html`<option key=${symbol} value=${symbol}>${symbol}</option>`)}</select></h2>
    <${Plot} chart=${chart} />
    <p class="legend"><span class="good">▲ bought</span><span class="bad">▼ sold</span><span class="muted">${chart.fills.length} fills, ${chart.prices.length} prices</span></p>
  </section>`;
}

function Plot({ chart }) {
  const box = useRef(null);
  useEffect(() => {
    let plot;
    let isGone = false;
    import("uplot").then(({ default: UPlot }) => {
      if (!isGone && box.current) plot = new UPlot(options(box.current), series(chart), box.current);
    });
    return () => {
      isGone = true;
      plot?.destroy();
    };
  }, [chart]);
  return html`<div class="plot" ref=${box} role="img" aria-label=${told(chart)}></div>`;
}

function told(chart) {
  const fills = chart.fills.map((fill) => `${fill.side} ${fill.quantity} at ${price(fill.price)}, ${hourMinute(fill.traded_at)}`);
  return `${chart.symbol}: ${fills.join("; ")}`;
}

// One axis of time for all three lines: prices, and a point for each buy and each sell.
function series(chart) {
  const at = (iso) => Date.parse(iso) / 1000;
  const rows = [
    ...chart.prices.map((point) => [at(point.at), Number(point.price), null, null]),
    ...chart.fills.map((fill) => [at(fill.traded_at), null, ...(fill.side === "buy" ? [Number(fill.price), null] : [null, Number(fill.price)])]),
  ].sort((one, other) => one[0] - other[0]);
  return [0, 1, 2, 3].map((column) => rows.map((row) => row[column]));
}

function options(box) {
  const style = getComputedStyle(box);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  const points = (name, isUp) => ({ stroke: colour(name), paths: () => null, points: { show: true, size: 11, paths: (plot, index) => triangles(plot, index, isUp), fill: colour(name) } });
  return {
    width: box.clientWidth, height: HEIGHT, legend: { show: false }, cursor: { show: false }, padding: [12, 8, 0, 0],
    scales: { x: { time: true }, y: { range: (_plot, low, high) => { const room = Math.max((high - low) * 0.12, high * 0.001); return [low - room, high + room]; } } },
    axes: [{ ...axis, values: (_plot, ticks) => ticks.map((tick) => hourMinute(tick * 1000)) }, { ...axis, size: 62, values: (_plot, ticks) => ticks.map((tick) => price(tick)) }],
    series: [{}, { stroke: colour("--accent"), width: 1.5, spanGaps: true, points: { show: false } }, points("--good", true), points("--bad", false)],
  };
}

function triangles(plot, index, isUp) {
  const path = new Path2D();
  const half = 6 * devicePixelRatio;
  const tall = isUp ? half : -half;
  plot.data[0].forEach((x, at) => {
    const y = plot.data[index][at];
    if (y === null) return;
    const [left, top] = [plot.valToPos(x, "x", true), plot.valToPos(y, "y", true)];
    path.moveTo(left, top - tall);
    path.lineTo(left + half, top + tall);
    path.lineTo(left - half, top + tall);
    path.closePath();
  });
  return { stroke: null, fill: path, clip: null, flags: 3 };
}
