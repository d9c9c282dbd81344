/** The parameters of a golden model under its names, and the engine's parameters that they are packed into. */
import { type HymbaConfig, layersOf } from "../../config/mod.ts";
import { HymbaError, quoted } from "../../errors.ts";
import { parameterSpecs, projectionParts } from "../../params/specs.ts";
import { sizeOf } from "../../tensor/mod.ts";
import { compare, type Comparison } from "./compare.ts";
import type { GoldenFile } from "./file.ts";
import { packRows } from "./layout.ts";

/** A piece of an engine parameter: its rows that are one tensor of the file. */
export interface Part {
  /** Name in the file, without `p.`, `g.`, `d_` or `final.`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** First element in the engine's parameter. */
  readonly start: number;
}

/** One engine parameter and its pieces, top to bottom. */
export interface Packed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly Part[];
}

/** Modules that a file nests its tensors in; the names below them are unique in a layer without them. */
const MODULES = ["mixer", "attn", "mamba", "weight"];

const LEAVES: Readonly<Record<string, string>> = { wo: "out_proj", dt_w: "dt_proj", dt_b: "dt_proj.bias" };

/** The file's names of engine parameters that are one tensor there too. */
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

/** Leaf names and rows of the tensors that make up an engine parameter. */
function leavesOf(
  config: HymbaConfig,
  { leaf, layer, rows }: { leaf: string; layer: number; rows: number },
): [string, number][] {
  if (leaf === "ffn.gate_up") return [["w_gate", rows / 2], ["w_up", rows / 2]];
  if (leaf !== "in_proj") return [[SINGLE[leaf] ?? leaf, rows]];
  const { q, k, v, x, z } = projectionParts(config, layersOf(config)[layer]!);
  const parts: [string, number][] = [["wq", q], ["wk", k], ["wv", v], ["in_proj", x + z]];
  return parts.filter(([, size]) => size > 0);
}

/**
 * How the engine's parameters are made of the tensors that a file names. A file that holds a part of a model has the
 * parameters that start with `within`, named as if nothing stood before them, save those of `without`.
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
    const parts = leavesOf(config, { leaf, layer: Number(layer), rows: shape[0]! }).map(([part, rows]): Part => {
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

/** The numbers of an engine parameter. */
export function packedNumbers(file: GoldenFile, { parts }: Packed, prefix: string): Float32Array<ArrayBuffer> {
  return packRows(parts.map(({ name, shape }) => file.tensor(`${prefix}${name}`, shape)));
}

/** Holds each piece of the engine's arrays to the file's tensor where the file has it. */
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
      const got = values[name]!.subarray(part.start, part.start + sizeOf(part.shape));
      return compare(file, `${prefix}${part.name}`, { got, bound });
    })
  );
}
