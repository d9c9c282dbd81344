/** Numbers and names as text for people. Nothing here depends on the locale of the machine. */

/** The text in place of a number that is missing. */
export const NONE = "–";

const MINUS = "−";

/** A fixed number of decimals, with a true minus sign. */
export function fixed(value: number | undefined, decimals = 2): string {
  if (value === undefined || !Number.isFinite(value)) return NONE;
  const text = value.toFixed(decimals);
  return text.startsWith("-") ? `${MINUS}${text.slice(1)}` : text;
}

/** `digits` significant digits: 1234, 12.3, 0.0123. Numbers below 0.0001 have an exponent. */
export function significant(value: number | undefined, digits = 3): string {
  if (value === undefined || !Number.isFinite(value)) return NONE;
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  if (magnitude < -4) return value.toExponential(digits - 1).replaceAll("-", MINUS);
  return fixed(value, Math.max(0, digits - 1 - magnitude));
}

/** A whole number with commas: 68,910,592. */
export function whole(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NONE;
  return Math.round(value).toString().replaceAll(/\B(?=(\d{3})+$)/g, ",").replace("-", MINUS);
}

const SCALES = [[1e9, " G"], [1e6, " M"], [1e3, " k"]] as const;

/** Three significant digits with a decimal prefix: 68.9 M. */
export function short(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NONE;
  const [unit, name] = SCALES.find(([least]) => Math.abs(value) >= least) ?? [1, ""];
  return `${significant(value / unit)}${name}`;
}

/** Bytes with a binary prefix: 1.50 MiB. */
export function bytes(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NONE;
  if (value < 1024) return `${value} B`;
  const power = Math.min(4, Math.floor(Math.log2(value) / 10));
  return `${significant(value / 2 ** (10 * power))} ${["KiB", "MiB", "GiB", "TiB"][power - 1]}`;
}

/** A length of time in one or two units: 1 h 05 min, 3 min 20 s, 4.20 s. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return NONE;
  if (seconds < 59.95) return `${significant(seconds)} s`;
  const total = Math.round(seconds), two = (value: number) => value.toString().padStart(2, "0");
  if (total < 3600) return `${Math.floor(total / 60)} min ${two(total % 60)} s`;
  return `${Math.floor(total / 3600)} h ${two(Math.floor(total % 3600 / 60))} min`;
}

/** A share as a percentage with one decimal. */
export const percent = (share: number | undefined): string => share === undefined ? NONE : `${fixed(100 * share, 1)} %`;

/** A number on an axis: at most four significant digits, no trailing zeros, a decimal prefix from 10,000 upwards. */
export function tickText(value: number): string {
  const size = Math.abs(value), [unit, name] = SCALES.find(([least]) => size >= 1e4 && size >= least) ?? [1, ""];
  return String(Number((value / unit).toPrecision(4))).replace("-", MINUS) + name;
}

/** The text with its first letter in upper case. */
export const capitalised = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
