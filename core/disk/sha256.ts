/** SHA-256 without `node:crypto`, for browsers, whose own SHA-256 is asynchronous. The standard is FIPS 180-4. */
import { at } from "../lists.ts";

/** A hash that takes its input in parts. */
export interface RunningHash {
  update(content: Uint8Array | string): RunningHash;
  /** Another one with the same input so far. */
  copy(): RunningHash;
  /** The hash in lower-case hexadecimal. Do not add input after it. */
  digest(form: "hex"): string;
}

/** The first 32 bits of the fraction of a number. */
const fraction = (value: number) => Math.floor((value - Math.floor(value)) * 2 ** 32);

const PRIMES = Array.from({ length: 312 }, (_, n) => n).filter((n) => {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return n > 1;
}).slice(0, 64);
/** Fractions of the cube roots of the first 64 primes, and of the square roots of the first eight. */
const ROUND = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

const rotatedRight = (x: number, by: number) => (x >>> by) | (x << (32 - by));

export class Sha256 implements RunningHash {
  readonly #state: Uint32Array;
  readonly #block: Uint8Array;
  readonly #words = new Uint32Array(64);
  #bytes: number;

  constructor(from?: { state: Uint32Array; block: Uint8Array; bytes: number }) {
    this.#state = (from?.state ?? START).slice();
    this.#block = from?.block.slice() ?? new Uint8Array(64);
    this.#bytes = from?.bytes ?? 0;
  }

  update(content: Uint8Array | string): this {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    for (let from = 0; from < bytes.length;) {
      const place = this.#bytes % 64, part = bytes.subarray(from, from + 64 - place);
      this.#block.set(part, place);
      this.#bytes += part.length;
      from += part.length;
      if (this.#bytes % 64 === 0) this.#mix();
    }
    return this;
  }

  copy(): Sha256 {
    return new Sha256({ state: this.#state, block: this.#block, bytes: this.#bytes });
  }

  digest(_form: "hex"): string {
    const bits = this.#bytes * 8, zeros = (119 - this.#bytes % 64) % 64;
    const end = new Uint8Array(1 + zeros + 8), view = new DataView(end.buffer);
    end[0] = 0x80;
    view.setUint32(1 + zeros, Math.floor(bits / 2 ** 32));
    view.setUint32(5 + zeros, bits % 2 ** 32);
    this.update(end);
    return Array.from(this.#state, (word) => word.toString(16).padStart(8, "0")).join("");
  }

  /** The words of a block, and those that follow from them. */
  #schedule(): Uint32Array {
    const w = this.#words, view = new DataView(this.#block.buffer);
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(4 * i);
    for (let i = 16; i < 64; i++) {
      const early = at(w, i - 15), late = at(w, i - 2);
      const s0 = rotatedRight(early, 7) ^ rotatedRight(early, 18) ^ (early >>> 3);
      const s1 = rotatedRight(late, 17) ^ rotatedRight(late, 19) ^ (late >>> 10);
      w[i] = at(w, i - 16) + s0 + at(w, i - 7) + s1;
    }
    return w;
  }

  #mix(): void {
    const w = this.#schedule();
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = this.#state;
    for (let i = 0; i < 64; i++) {
      const s1 = rotatedRight(e, 6) ^ rotatedRight(e, 11) ^ rotatedRight(e, 25), chosen = (e & f) ^ (~e & g);
      const first = (h + s1 + chosen + at(ROUND, i) + at(w, i)) | 0;
      const s0 = rotatedRight(a, 2) ^ rotatedRight(a, 13) ^ rotatedRight(a, 22), most = (a & b) ^ (a & c) ^ (b & c);
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + s0 + most) | 0;
    }
    for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) this.#state[i] = at(this.#state, i) + value;
  }
}
