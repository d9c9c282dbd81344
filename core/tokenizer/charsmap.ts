/**
 * The compiled character map of a SentencePiece normaliser: rules "these bytes become those bytes", the longest rule first.
 *
 * Layout: a little-endian uint32 with the byte size of a double array, the double array (see `double_array.ts`), then the
 * replacements, each ended by a zero byte; the value of a key is the offset of its replacement.
 */
import { counted, HymbaError } from "../errors.ts";
import { ByteStrings, utf8 } from "./bytes.ts";
import { buildDoubleArray, longestPrefix, unitOffset } from "./double_array.ts";

/** Largest double array that is read, in bytes: four times that of NFKC with case folding. */
export const MAX_CHARSMAP_BYTES = 2 ** 20;

/** A parsed character map. */
export class Charsmap {
  /** Bytes of the longest rule. */
  readonly longestRule: number;
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;

  /** @throws {HymbaError} when the sizes do not fit or the double array has a cycle. */
  constructor(blob: Uint8Array, name: string) {
    const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
    const size = blob.length >= 4 ? view.getUint32(0, true) : 0;
    if (size === 0 || size % 4 !== 0 || size + 4 >= blob.length || size > MAX_CHARSMAP_BYTES) {
      throw new HymbaError(`${name}: the character map is damaged`, {
        expected: `a table of a multiple of 4 bytes, below ${Math.min(blob.length, MAX_CHARSMAP_BYTES + 4)}`,
        got: counted(size, "byte"),
      });
    }
    this.#units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
    this.#replacements = blob.subarray(4 + size);
    const longest = this.#height();
    if (longest === undefined) throw new HymbaError(`${name}: the character map is damaged`, { got: "a cycle" });
    this.longestRule = longest;
  }

  /** The longest rule that starts at `at`: how many bytes it takes (0: none) and what they become. */
  match(bytes: Uint8Array, { at, end }: { at: number; end: number }): { length: number; replacement: Uint8Array } {
    const { length, value } = longestPrefix(this.#units, { bytes, at, end });
    return { length, replacement: this.#replacement(value) };
  }

  /** The replacement by the shortest rule that matches the start of these bytes; undefined when no rule matches. */
  shortest(bytes: Uint8Array): Uint8Array | undefined {
    for (let end = 1; end <= bytes.length; end++) {
      const { length, replacement } = this.match(bytes, { at: 0, end });
      if (length > 0) return replacement;
    }
    return undefined;
  }

  /** The first bytes of all rules, each once. */
  firstBytes(): number[] {
    return this.#children(0).map((node) => this.#unit(node) & 0xff);
  }

  /** Every rule, in ascending order of its key. */
  *rules(): Generator<{ key: Uint8Array; replacement: Uint8Array }> {
    const key: number[] = [], stack = [{ node: 0, depth: 0 }];
    for (let top = stack.pop(); top; top = stack.pop()) {
      const { node, depth } = top, unit = this.#unit(node);
      key.length = Math.max(0, depth - 1);
      if (depth > 0) key.push(unit & 0xff);
      if (unit & 0x100) {
        const value = this.#unit(node ^ unitOffset(unit)) & 0x7fffffff;
        yield { key: Uint8Array.from(key), replacement: this.#replacement(value) };
      }
      for (const child of this.#children(node).reverse()) stack.push({ node: child, depth: depth + 1 });
    }
  }

  /** A unit of the double array; 0 beyond its end. */
  #unit(node: number): number {
    return this.#units[node] ?? 0;
  }

  #replacement(start: number): Uint8Array {
    const stop = this.#replacements.indexOf(0, start);
    return this.#replacements.subarray(start, stop < 0 ? this.#replacements.length : stop);
  }

  /** The children of `node`, by ascending label. Equal subtrees may share their nodes. */
  #children(node: number): number[] {
    const offset = node ^ unitOffset(this.#unit(node)), children: number[] = [];
    for (let byte = 1; byte < 256; byte++) {
      const child = this.#units[offset ^ byte];
      if (child !== undefined && ((child & 0x800000ff) >>> 0) === byte) children.push(offset ^ byte);
    }
    return children;
  }

  /** The length of the longest path from the root, or undefined when there is a cycle. */
  #height(): number | undefined {
    const OPEN = -1, heights = new Int32Array(this.#units.length);
    const frames = [{ node: 0, children: this.#children(0), next: 0 }];
    heights[0] = OPEN;
    for (let frame = frames[0]; frame; frame = frames.at(-1)) {
      const child = frame.children[frame.next++];
      if (child === undefined) {
        heights[frame.node] = 1 + frame.children.reduce((most, node) => Math.max(most, heights[node] ?? 0), 0);
        frames.pop();
      } else if (heights[child] === OPEN) return undefined;
      else if (heights[child] === 0) {
        heights[child] = OPEN;
        frames.push({ node: child, children: this.#children(child), next: 0 });
      }
    }
    return (heights[0] ?? 0) - 1;
  }
}

const parsed = new WeakMap<Uint8Array, Charsmap>();

/** The character map of a blob; the same blob is parsed once. @throws {HymbaError} when it is damaged. */
export function parseCharsmap(blob: Uint8Array, name: string): Charsmap {
  const known = parsed.get(blob) ?? new Charsmap(blob, name);
  parsed.set(blob, known);
  return known;
}

/** Compiles rules (text to text) into the bytes that a SentencePiece model carries. */
export function compileCharsmap(rules: ReadonlyMap<string, string>): Uint8Array {
  const places = new Map<string, number>(), replacements: Uint8Array[] = [];
  let length = 0;
  const keys = new ByteStrings(), values: number[] = [];
  for (const [from, to] of rules) {
    let place = places.get(to);
    if (place === undefined) {
      const bytes = utf8(`${to}\0`);
      place = length;
      places.set(to, place);
      replacements.push(bytes);
      length += bytes.length;
    }
    keys.addText(from);
    values.push(place);
  }
  const units = buildDoubleArray(keys, values);
  const blob = new Uint8Array(4 + 4 * units.length + length);
  const view = new DataView(blob.buffer);
  view.setUint32(0, 4 * units.length, true);
  for (const [i, unit] of units.entries()) view.setUint32(4 + 4 * i, unit, true);
  let at = 4 + 4 * units.length;
  for (const bytes of replacements) {
    blob.set(bytes, at);
    at += bytes.length;
  }
  return blob;
}
