/** The mapping between the parameters of a golden file and the engine's parameters, which pack several of them. */
import { type HymbaConfig, layersOf } from "../../config/mod.ts";
import { HymbaError, quoted } from "../../errors.ts";
import { at, present } from "../../lists.ts";
import { parameterSpecs, projectionParts } from "../../params/specs.ts";
import { sizeOf } from "../../tensor/mod.ts";
import { compare, type Comparison } from "./compare.ts";
import type { GoldenFile } from "./file.ts";
import { packRows } from "./layout.ts";

/** The rows of an engine parameter that are one tensor of the file. */
export interface Part {
  /** Name in the file, without `p.`, `g.`, `d_` or `final.`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** First element in the engine's parameter. */
  readonly start: number;
}

/** One engine parameter and its parts, in the order of the rows. */
export interface Packed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly Part[];
}

/** Names of modules in a file. A name without them is still unique within its layer. */
const MODULES = ["mixer", "attn", "mamba", "weight"];

const LEAVES: Readonly<Record<string, string>> = { wo: "out_proj", dt_w: "dt_proj", dt_b: "dt_proj.bias" };

/** The file's names of engine parameters with one part. */
const SINGLE: Readonly<Record<string, string>> = {
  embedding: "embed",
  final_norm: "norm",
  "conv.w": "conv_w",
  "conv.b": "conv_b",
  dt_norm: "norm_dt",
  b_norm: "norm_B",
  c_norm: "norm_C",
  "dt_proj.w": "dt_proj",
  "dt_proj.b": "dt_proj.bias",
  a_log: "A_log",
  d: "D",
  "fusion.attention": "beta_attn",
  "fusion.mamba": "beta_mamba",
  "ffn.down": "w_down",
};

/** layers.0.mixer.attn.wq.weight → layers.0.wq */
function canonical(name: string): string {
  const kept = name.split(".").filter((segment) => !MODULES.includes(segment));
  return kept.map((segment) => LEAVES[segment] ?? segment).join(".");
}

/** The leaf names and the numbers of rows of the parts of an engine parameter. */
function leavesOf(
  config: HymbaConfig,
  { leaf, layer, rows }: { leaf: string; layer: number; rows: number },
): [string, number][] {
  if (leaf === "ffn.gate_up") return [["w_gate", rows / 2], ["w_up", rows / 2]];
  if (leaf !== "in_proj") return [[SINGLE[leaf] ?? leaf, rows]];
  const { q, k, v, x, z } = projectionParts(config, at(layersOf(config), layer));
  const parts: [string, number][] = [["wq", q], ["wk", k], ["wv", v], ["in_proj", x + z]];
  return parts.filter(([, size]) => size > 0);
}

/**
 * The parts of each engine parameter in a file with the tensor `names`. A file with a part of a model has only the parameters that
 * start with `within`, except those in `without`. Its names do not have this prefix. Throws a HymbaError when a tensor is missing.
 */
export function packing(
  file: GoldenFile,
  { config, names, within = "", without = [] }: {
    config: HymbaConfig;
    names: readonly string[];
    within?: string;
    without?: readonly string[];
  },
): Packed[] {
  const found = new Map(names.map((name) => [canonical(name), name]));
  const wanted = parameterSpecs(config).filter(({ name }) => name.startsWith(within) && !without.includes(name));
  return wanted.map(({ name, shape }) => {
    const [folder = "", layer] = /^layers\.(\d+)\./.exec(name) ?? [], leaf = name.slice(folder.length);
    let start = 0;
    const parts = leavesOf(config, { leaf, layer: Number(layer), rows: at(shape, 0) }).map(([part, rows]): Part => {
      const key = `${folder}${part}`.slice(within.length), known = found.get(key);
      if (known === undefined) {
        throw new HymbaError(`${file.name}: the parameter ${quoted(key)} is missing`, {
          expected: `a tensor for ${name} [${shape}]`,
        });
      }
      const made = { name: known, shape: [rows, ...shape.slice(1)], start };
      start += sizeOf(made.shape);
      return made;
    });
    return { name, shape, parts };
  });
}

/** The values of an engine parameter, packed from the file. */
export function packedNumbers(file: GoldenFile, { parts }: Packed, prefix: string): Float32Array<ArrayBuffer> {
  return packRows(parts.map(({ name, shape }) => file.tensor(`${prefix}${name}`, shape)));
}

/** Compares each part of the engine's parameters with the file's tensor, if the file has it. */
export function compareParameters(
  file: GoldenFile,
  packed: readonly Packed[],
  { values, prefix, bound }: {
    values: Readonly<Record<string, Float32Array<ArrayBuffer>>>;
    prefix: string;
    bound: number;
  },
): Comparison[] {
  return packed.flatMap(({ name, parts }) =>
    parts.filter((part) => file.has(`${prefix}${part.name}`)).map((part) => {
      const got = present(values[name], name).subarray(part.start, part.start + sizeOf(part.shape));
      return compare(file, `${prefix}${part.name}`, { got, bound });
    })
  );
}
