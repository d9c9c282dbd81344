/** Functions of JavaScript that the library uses and that Node 20 and 22 and older browsers lack. Those that exist are left alone. */

/** `Promise.withResolvers`. */
export function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: PromiseWithResolvers<T>["resolve"] = () => {}, reject: PromiseWithResolvers<T>["reject"] = () => {};
  const promise = new Promise<T>((yes, no) => [resolve, reject] = [yes, no]);
  return { promise, resolve, reject };
}

const CONTROLS: Readonly<Record<string, string>> = { "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r" };

/** The code of a UTF-16 unit, as a regular expression writes it. */
function coded(unit: string): string {
  const code = unit.charCodeAt(0), digits = code.toString(16);
  return code < 256 ? `\\x${digits.padStart(2, "0")}` : `\\u${digits.padStart(4, "0")}`;
}

/** `RegExp.escape`: a pattern that matches this text and nothing else, wherever it stands in a pattern. */
export function escapePattern(text: string): string {
  const start = /^[0-9A-Za-z]/.test(text) ? coded(text) : "";
  return start + text.slice(start === "" ? 0 : 1)
    .replace(/[\^$\\.*+?()[\]{}|/]|[,\-=<>#&!%:;@~'`"]|\s|\p{Cs}/gu, (character) => {
      if (/[\^$\\.*+?()[\]{}|/]/.test(character)) return `\\${character}`;
      return CONTROLS[character] ?? coded(character);
    });
}

/** `Uint8Array.fromBase64`. */
export const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** `Uint8Array.prototype.toBase64`. */
export const base64Of = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** `Map.groupBy`. */
export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T, index: number) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  let index = 0;
  for (const item of items) {
    const key = keyOf(item, index++), group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

const MISSING: readonly (readonly [owner: object, name: string, value: unknown])[] = [
  [Promise, "withResolvers", withResolvers],
  [Map, "groupBy", groupBy],
  [RegExp, "escape", escapePattern],
  [Uint8Array, "fromBase64", bytesOf],
  [
    Uint8Array.prototype,
    "toBase64",
    function (this: Uint8Array) {
      return base64Of(this);
    },
  ],
];
for (const [owner, name, value] of MISSING) {
  if (!(name in owner)) Object.defineProperty(owner, name, { value, configurable: true, writable: true });
}
