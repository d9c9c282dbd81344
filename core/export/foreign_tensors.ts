/** Takes the tensors of another program out of a safetensors file, as float32. */
import { HymbaError, quoted } from "../errors.ts";
import type { StoredTensor } from "../params/safetensors.ts";
import { floatsOf } from "./floats.ts";

/** Tensors by name, and the file that errors name. */
export interface ForeignTensors {
  readonly file: string;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
}

/** The float32 values of a tensor of this name and shape. Throws a HymbaError if the file has none. */
export type Take = (name: string, shape: readonly number[]) => Float32Array<ArrayBuffer>;

/**
 * Calls `use` with a function that takes one tensor after the other. Throws a HymbaError for a tensor that is missing or of
 * another shape, and for those that nobody took; `ignored` says which may be left.
 */
export function takeTensors<T>(
  { file, tensors }: ForeignTensors,
  use: (take: Take) => T,
  { ignored = () => false }: { ignored?: (name: string) => boolean } = {},
): T {
  const taken = new Set<string>();
  const refuse = (name: string, { expected, got }: { expected: string; got: string }) =>
    new HymbaError(`${file}: tensor ${quoted(name)} does not fit the configuration`, {
      expected,
      got,
      hint: "the weights and config.json have to be of one model",
    });
  const result = use((name, shape) => {
    const found = Object.hasOwn(tensors, name) ? tensors[name] : undefined, expected = `shape [${shape}]`;
    if (!found) throw refuse(name, { expected, got: "no tensor of this name" });
    if (String(found.shape) !== String(shape)) throw refuse(name, { expected, got: `shape [${found.shape}]` });
    taken.add(name);
    const values = floatsOf(found, () => refuse(name, { expected: "F32, F16 or BF16", got: found.dtype }));
    const odd = values.findIndex((value) => !Number.isFinite(value));
    if (odd >= 0) throw refuse(name, { expected: "finite numbers", got: `${values[odd]} at place ${odd}` });
    return values;
  });
  const left = Object.keys(tensors).find((name) => !taken.has(name) && !ignored(name));
  if (left !== undefined) throw refuse(left, { expected: "no tensor of this name", got: "one" });
  return result;
}
