// How figures and instants read: rupees in Indian grouping, times in IST.
const rupees = new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat("en-IN", { maximumFractionDigits: 0 });
const IST = "Asia/Kolkata";
const clock = new Intl.DateTimeFormat("en-GB", { timeZone: IST, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minute = new Intl.DateTimeFormat("en-GB", { timeZone: IST, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat("en-GB", { timeZone: IST, day: "numeric", month: "short" });
const weekday = new Intl.DateTimeFormat("en-GB", { timeZone: IST, weekday: "short", day: "numeric", month: "short", year: "numeric" });

export const NONE = "–";

export function price(text) {
  return text === null || text === undefined ? NONE : rupees.format(Number(text));
}

export function money(text) {
  return text === null || text === undefined ? NONE : `₹${whole.format(Math.round(Number(text)))}`;
}

export function gain(text) {
  if (text === null || text === undefined) return NONE;
  const value = Math.round(Number(text));
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}₹${whole.format(Math.abs(value))}`;
}

export function percent(text) {
  if (text === null || text === undefined) return "";
  const value = Number(text);
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}%`;
}

export function tone(text) {
  const value = Number(text);
  return value > 0 ? "good" : value < 0 ? "bad" : "";
}

export function time(iso) {
  return iso ? clock.format(new Date(iso)) : NONE;
}

export function hourMinute(iso) {
  return iso ? minute.format(new Date(iso)) : NONE;
}

export function date(iso) {
  return iso ? weekday.format(new Date(iso)) : NONE;
}

// The time alone on the daemon's own day, else with its day.
export function moment(iso, now) {
  if (!iso) return NONE;
  const at = new Date(iso);
  return now && day.format(at) === day.format(new Date(now)) ? clock.format(at) : `${day.format(at)} ${minute.format(at)}`;
}

export function sentence(word) {
  const text = String(word ?? "").replaceAll("_", " ").replaceAll("-", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function side(order) {
  return order.side.toUpperCase();
}

export function named(order) {
  return `${order.symbol} ${order.side} ${order.quantity}`;
}
