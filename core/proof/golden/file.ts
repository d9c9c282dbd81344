/** One golden case as a file holds it. It notes what was asked for, so that nothing in a file goes by unseen. */
import { HymbaError, quoted } from "../../errors.ts";
import { decodeSafetensors, type SafetensorsFile } from "../../params/safetensors.ts";
import { sizeOf } from "../../tensor/mod.ts";

export type Numbers = Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** Shape and numbers of a tensor in a file. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Numbers;
}

export class GoldenFile {
  readonly #content: SafetensorsFile;
  readonly #seen = new Set<string>();

  constructor(readonly name: string, bytes: Uint8Array<ArrayBuffer>) {
    this.#content = decodeSafetensors(bytes, { name });
  }

  /** The kind of the case. */
  get op(): string {
    return this.text("op");
  }

  /** Names of tensors that start with `prefix`, without it. */
  namesUnder(prefix: string): string[] {
    return Object.keys(this.#content.tensors).filter((name) => name.startsWith(prefix)).map((name) =>
      name.slice(prefix.length)
    );
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#content.tensors, name);
  }

  /** A tensor of F64, F32 or I32 with at least one element; of `shape` where one is given. */
  tensor(name: string, shape?: readonly number[]): GoldenTensor {
    this.#seen.add(name);
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

  /** A tensor of as many dimensions as `letters`, which an error shows. */
  ranked(name: string, letters: string): GoldenTensor {
    const found = this.tensor(name);
    if (found.shape.length === letters.split(",").length) return found;
    throw new HymbaError(`${this.name}: tensor ${quoted(name)} has the wrong shape`, {
      expected: `[${letters}]`,
      got: `[${found.shape}]`,
    });
  }

  /** Token ids, all below `V`. Ids below zero, which ask to be ignored, are allowed with `ignore` and become 0. */
  ids(
    name: string,
    { V, shape, ignore = false }: { V: number; shape?: readonly number[]; ignore?: boolean },
  ): Uint32Array<ArrayBuffer> {
    const { data } = this.tensor(name, shape), lowest = ignore ? -Infinity : 0;
    const wrong = data.findIndex((id: number) => !Number.isInteger(id) || id < lowest || id >= V);
    if (wrong >= 0) {
      throw new HymbaError(`${this.name}: ${quoted(name)} holds an id that is not in the vocabulary`, {
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

  /** A switch: True, False, 1 or 0; false where the key is absent. */
  flag(key: string): boolean {
    if (!Object.hasOwn(this.#content.metadata, key)) return false;
    const text = this.text(key).toLowerCase();
    if (["true", "1"].includes(text)) return true;
    if (["false", "0"].includes(text)) return false;
    throw new HymbaError(`${this.name}: metadata ${quoted(key)} is not a switch`, {
      expected: "True or False",
      got: quoted(text),
    });
  }

  /** A value written as JSON. */
  json(key: string): unknown {
    const text = this.text(key);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new HymbaError(`${this.name}: metadata ${quoted(key)} cannot be read`, { got: quoted(text), cause });
    }
  }

  /** Throws when the file holds a tensor that was never asked for: a case that is compared only in part must not pass. */
  requireAllSeen(): void {
    const unseen = Object.keys(this.#content.tensors).filter((name) => !this.#seen.has(name));
    if (unseen.length === 0) return;
    throw new HymbaError(`${this.name}: nothing here makes or uses tensor ${quoted(unseen[0]!)}`, {
      got: `${unseen.length} such tensors`,
    });
  }
}
