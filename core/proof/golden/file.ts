/** The file of one golden case. It records which tensors were used, so that none is forgotten. */
import { HymbaError, quoted } from "../../errors.ts";
import { decodeSafetensors, type SafetensorsFile } from "../../params/safetensors.ts";
import { sizeOf } from "../../tensor/mod.ts";

export type Numbers = Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** A tensor of a file. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Numbers;
}

export class GoldenFile {
  readonly #content: SafetensorsFile;
  readonly #used = new Set<string>();

  constructor(readonly name: string, bytes: Uint8Array<ArrayBuffer>) {
    this.#content = decodeSafetensors(bytes, { name });
  }

  /** The kind of the case. */
  get op(): string {
    return this.text("op");
  }

  /** The names of the tensors that start with `prefix`, without the prefix. */
  namesUnder(prefix: string): string[] {
    return Object.keys(this.#content.tensors).filter((name) => name.startsWith(prefix)).map((name) =>
      name.slice(prefix.length)
    );
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#content.tensors, name);
  }

  /** A tensor of F64, F32 or I32 with at least one element. If `shape` is given, it must have this shape. */
  tensor(name: string, shape?: readonly number[]): GoldenTensor {
    this.#used.add(name);
    const found = this.has(name) ? this.#content.tensors[name] : undefined;
    if (!found) throw new HymbaError(`${this.name}: tensor ${quoted(name)} is missing`);
    if (found.dtype !== "F64" && found.dtype !== "F32" && found.dtype !== "I32") {
      throw new HymbaError(`${this.name}: tensor ${quoted(name)} is ${found.dtype}`, { expected: "F64, F32 or I32" });
    }
    if (sizeOf(found.shape) === 0) throw new HymbaError(`${this.name}: tensor ${quoted(name)} has no elements`);
    if (shape && shape.join() !== found.shape.join()) {
      throw new HymbaError(`${this.name}: tensor ${quoted(name)} does not fit the others`, {
        expected: `[${shape}]`,
        got: `[${found.shape}]`,
      });
    }
    return { shape: found.shape, data: found.data };
  }

  /** A tensor with as many dimensions as there are letters in `letters`. The error shows the letters. */
  ranked(name: string, letters: string): GoldenTensor {
    const found = this.tensor(name);
    if (found.shape.length === letters.split(",").length) return found;
    throw new HymbaError(`${this.name}: tensor ${quoted(name)} has the wrong shape`, {
      expected: `[${letters}]`,
      got: `[${found.shape}]`,
    });
  }

  /** Token ids below `V`. With `ignore`, negative ids are allowed and become 0. They mark targets without loss. */
  ids(
    name: string,
    { V, shape, ignore = false }: { V: number; shape?: readonly number[]; ignore?: boolean },
  ): Uint32Array<ArrayBuffer> {
    const { data } = this.tensor(name, shape), lowest = ignore ? -Infinity : 0;
    const wrong = data.findIndex((id: number) => !Number.isInteger(id) || id < lowest || id >= V);
    if (wrong >= 0) {
      throw new HymbaError(`${this.name}: ${quoted(name)} has an id that is not in the vocabulary`, {
        expected: `0 to ${V - 1}`,
        got: `${data[wrong]} at ${wrong}`,
      });
    }
    return Uint32Array.from(data, (id) => Math.max(0, id));
  }

  text(key: string): string {
    const found = Object.hasOwn(this.#content.metadata, key) ? this.#content.metadata[key] : undefined;
    if (found === undefined) throw new HymbaError(`${this.name}: the metadata has no ${quoted(key)}`);
    return found;
  }

  number(key: string): number {
    const text = this.text(key), value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value)) return value;
    throw new HymbaError(`${this.name}: metadata ${quoted(key)} is not a number`, { got: quoted(text) });
  }

  /** A boolean: True, False, 1 or 0. False if the key is missing. */
  flag(key: string): boolean {
    if (!Object.hasOwn(this.#content.metadata, key)) return false;
    const text = this.text(key).toLowerCase();
    if (["true", "1"].includes(text)) return true;
    if (["false", "0"].includes(text)) return false;
    throw new HymbaError(`${this.name}: metadata ${quoted(key)} is not a boolean`, {
      expected: "True or False",
      got: quoted(text),
    });
  }

  /** A value in JSON. */
  json(key: string): unknown {
    const text = this.text(key);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new HymbaError(`${this.name}: metadata ${quoted(key)} is not JSON`, { got: quoted(text), cause });
    }
  }

  /** Throws a HymbaError when a tensor of the file was not used: a case that is compared only in part must not pass. */
  requireAllUsed(): void {
    const unused = Object.keys(this.#content.tensors).filter((name) => !this.#used.has(name)), [first] = unused;
    if (first === undefined) return;
    throw new HymbaError(`${this.name}: tensor ${quoted(first)} is not used`, {
      got: `${unused.length} unused tensors`,
    });
  }
}
