/** Tables of the parameters of each part and of cache bytes. */
import { cacheSize, type HymbaConfig, layersOf } from "../../config/mod.ts";
import { type ParameterSpec, parameterSpecs, projectionParts } from "../../params/specs.ts";
import { at } from "../../lists.ts";
import { bytes, fixed, NONE, percent, whole } from "../format.ts";

/** A part of a model and its parameters. */
export interface Part {
  readonly name: string;
  readonly parameters: number;
}

const PROJECTIONS = {
  q: "input projection: queries",
  k: "input projection: keys",
  v: "input projection: values",
  x: "input projection: Mamba input",
  z: "input projection: gate",
} as const;

const NAMES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^embedding$/, "embedding, also the output head"],
  [/^meta$/, "meta tokens"],
  [/attention\.conv\./, "attention: convolution"],
  [/conv\./, "Mamba: convolution"],
  [/z_proj$/, "gate's own projection"],
  [/x_proj$/, "Mamba: projection to dt, B and C"],
  [/(dt|b|c)_norm$/, "norms of dt, B and C"],
  [/dt_proj\./, "Mamba: step size"],
  [/a_log$|\.d$/, "Mamba: A and skip"],
  [/fusion\.gate$/, "gate of the branches"],
  [/fusion\./, "norms of the branches"],
  [/(enter|leave)$/, "input and output projections of the branches"],
  [/(attention|mamba)\.out_proj$/, "output projections of the branches"],
  [/out_proj$/, "output projection"],
  [/ffn\./, "SwiGLU"],
  [/norm/, "norms before mixer and SwiGLU, final norm"],
];

const sizeOf = ({ shape }: ParameterSpec) => shape.reduce((product, length) => product * length, 1);

/** The parts of a model, in the order in which they first appear. Every parameter belongs to exactly one part. */
export function partsOf(config: HymbaConfig): Part[] {
  const layers = layersOf(config), sums = new Map<string, number>();
  const add = (name: string, parameters: number) => sums.set(name, (sums.get(name) ?? 0) + parameters);
  for (const spec of parameterSpecs(config)) {
    const [, index, branch] = /^layers\.(\d+)\.(?:(attention|mamba)\.)?in_proj$/.exec(spec.name) ?? [];
    if (index === undefined) {
      add(NAMES.find(([pattern]) => pattern.test(spec.name))?.[1] ?? spec.name, sizeOf(spec));
      continue;
    }
    const isOf = (part: string) => branch === undefined || "xz".includes(part) === (branch === "mamba");
    for (const [part, width] of Object.entries(projectionParts(config, at(layers, Number(index))))) {
      if (width > 0 && isOf(part)) {
        add(PROJECTIONS[part as keyof typeof PROJECTIONS], width * (config.branchWidth || config.dModel));
      }
    }
  }
  return [...sums].map(([name, parameters]) => ({ name, parameters }));
}

/** Parts that belong together; the last group takes the rest. */
const GROUPS: readonly (readonly [name: string, of: RegExp])[] = [
  ["embedding, meta", /^(embedding|meta tokens)/],
  ["attention", /(queries|keys|values)$|^attention/],
  ["Mamba", /Mamba|gate$|gate's|norms of dt/],
  ["output projections", /branches|output projection/],
  ["SwiGLU", /SwiGLU$/],
  ["norms", /./],
];

/** The parameters of a model in six groups. */
export function groupsOf(config: HymbaConfig): Part[] {
  const parts = partsOf(config), groupOf = (name: string) => GROUPS.find(([, of]) => of.test(name))?.[0];
  return GROUPS.map(([name]) => {
    const own = parts.filter((part) => groupOf(part.name) === name);
    return { name, parameters: own.reduce((sum, { parameters }) => sum + parameters, 0) };
  });
}

/** Rows: part, parameters, share. The last one is the sum. */
export function partRows(config: HymbaConfig): string[][] {
  const parts = partsOf(config), all = parts.reduce((sum, { parameters }) => sum + parameters, 0);
  const row = ({ name, parameters }: Part) => [name, whole(parameters), percent(parameters / all)];
  return [...parts.map(row), row({ name: "all", parameters: all })];
}

/** Rows: text tokens, keys and values, Mamba state, reduction in layers and in bytes. */
export function cacheRows(config: HymbaConfig, lengths: readonly number[]): string[][] {
  return lengths.map((T) => {
    const { kvBytes, stateBytes, layerRatio, byteRatio } = cacheSize(config, T);
    const reduced = byteRatio === undefined ? [NONE, NONE] : [fixed(layerRatio), fixed(byteRatio)];
    return [whole(T), bytes(kvBytes), bytes(stateBytes), ...reduced];
  });
}
