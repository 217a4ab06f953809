// Numbers, dates and changes as a person reads them. Unknown is a word, never a zero.

export const UNKNOWN = "unknown";
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

const missing = (value) => value === null || value === undefined || Number.isNaN(value);

export function count(value) {
  return missing(value) ? UNKNOWN : whole.format(value);
}

export function compact(value) {
  if (missing(value)) return UNKNOWN;
  if (Math.abs(value) >= 10_000) return short.format(value);
  return (Number.isInteger(value) || Math.abs(value) >= 100 ? whole : fine).format(value);
}

export function decimal(value) {
  return missing(value) ? UNKNOWN : fine.format(value);
}

// The service says 12.5 for 12.5 %.
export function percent(value, digits = 1) {
  if (missing(value)) return UNKNOWN;
  return new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: digits }).format(value / 100);
}

// Where an estimate may lie; what was counted has no doubt about it.
export function between(one, show = count) {
  return one.low === one.high ? "counted" : `${show(one.low)} to ${show(one.high)}`;
}

export function signed(value, digits = 1) {
  if (missing(value)) return UNKNOWN;
  return new Intl.NumberFormat(undefined, { maximumFractionDigits: digits, signDisplay: "exceptZero" }).format(value);
}

export function change(now, before) {
  if (missing(now) || missing(before) || before === 0) return null;
  return (now - before) / Math.abs(before);
}

export function day(text, zone) {
  if (!text) return UNKNOWN;
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: zone }).format(new Date(text));
}

export function moment(text, zone) {
  if (!text) return UNKNOWN;
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(new Date(text));
}

export function span(seconds) {
  if (missing(seconds)) return UNKNOWN;
  if (seconds < 90) return `${whole.format(seconds)} s`;
  if (seconds < 5_400) return `${whole.format(seconds / 60)} min`;
  if (seconds < 129_600) return `${fine.format(Math.round(seconds / 360) / 10)} h`;
  return `${fine.format(Math.round(seconds / 8_640) / 10)} days`;
}
