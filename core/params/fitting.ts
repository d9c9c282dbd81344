/** Compares the tensors of a file with the parameters of a model. */
import type { HymbaConfig } from "../config/mod.ts";
import { HymbaError, quoted } from "../errors.ts";
import type { StoredTensor } from "./safetensors.ts";
import { parameterSpecs } from "./specs.ts";

const described = ({ dtype, shape }: Pick<StoredTensor, "dtype" | "shape">) => `${dtype} [${shape}]`;

/** The values of each tensor by name. Throws a HymbaError that names the first that is missing, unknown or of another shape. */
export function fittingWeights(
  config: HymbaConfig,
  { tensors, name: file }: { tensors: Readonly<Record<string, StoredTensor>>; name: string },
): Record<string, Float32Array<ArrayBuffer>> {
  const refuse = (name: string, { expected, got }: { expected: string; got: string }) => {
    const hint = `give the weights of a model of this configuration (${config.archType})`;
    return new HymbaError(`${file}: tensor ${quoted(name)} does not fit the model`, { expected, got, hint });
  };
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  for (const { name, shape } of parameterSpecs(config)) {
    const found = Object.hasOwn(tensors, name) ? tensors[name] : undefined,
      expected = described({ dtype: "F32", shape });
    if (found?.dtype !== "F32" || described(found) !== expected) {
      throw refuse(name, { expected, got: found ? described(found) : "no tensor of this name" });
    }
    values.set(name, found.data as Float32Array<ArrayBuffer>);
  }
  const unknown = Object.keys(tensors).find((name) => !values.has(name));
  if (unknown !== undefined) throw refuse(unknown, { expected: "no tensor of this name", got: "one" });
  return Object.fromEntries(values);
}
