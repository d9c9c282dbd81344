/** The model configuration that a golden file describes. */
import { ArchType, HymbaConfig, type HymbaOptions } from "../../config/mod.ts";
import { HymbaError, quoted } from "../../errors.ts";
import { at } from "../../lists.ts";
import type { GoldenFile } from "./file.ts";

/** The sizes that files of every kind of model have. */
function sizesOf(file: GoldenFile): Partial<HymbaOptions> {
  const { shape } = file.ranked("p.embed", "V,d"), D = at(shape, 1);
  const meta = file.has("p.meta") ? at(file.ranked("p.meta", "m,d").shape, 0) : 0;
  const value = file.namesUnder("p.").find((name) => name.endsWith("wv.weight"));
  const valueRows = value && at(file.ranked(`p.${value}`, "KV·vd,d").shape, 0);
  return {
    vocabSize: at(shape, 0),
    dModel: D,
    nLayers: file.number("L"),
    nHeads: file.number("H"),
    nKvHeads: file.number("KV"),
    headDim: file.number("hd"),
    valueHeadDim: valueRows ? valueRows / file.number("KV") : file.number("hd"),
    ffnHidden: file.number("ff"),
    mambaExpand: file.number("di") / D,
    stateSize: file.number("N"),
    convKernel: file.number("K"),
    dtRank: file.number("R"),
    normEps: file.number("eps"),
    ropeBase: file.number("theta"),
    useMetaTokens: meta > 0,
    numMetaTokens: meta,
  };
}

/** The windows and global layers. Window 0 makes all layers global. */
function windowsOf(file: GoldenFile, globals: readonly number[]): Partial<HymbaOptions> {
  const window = file.number("w"), all = Array.from({ length: file.number("L") }, (_, i) => i);
  return window === 0 ? { globalAttnIndices: all } : { globalAttnIndices: globals, swaWindow: window };
}

const isLayers = (value: unknown): value is number[] => Array.isArray(value) && value.every(Number.isInteger);
const isGroups = (value: unknown): value is number[][] => Array.isArray(value) && value.every(isLayers);

/** The metadata `key`, which has to satisfy `is`. Throws a HymbaError that says `what` was expected. */
function jsonIn<T>(file: GoldenFile, key: string, [is, what]: [is: (value: unknown) => value is T, what: string]): T {
  const value = file.json(key);
  if (is(value)) return value;
  throw new HymbaError(`${file.name}: metadata ${quoted(key)} is not ${what}`, { got: quoted(file.text(key)) });
}

function architectureOf(file: GoldenFile): Partial<HymbaOptions> {
  const plain = { innerNorms: false, useKvSharing: false };
  if (file.op === "hymba_shared") {
    const globals = jsonIn(file, "globals", [isLayers, "a list of layers"]);
    return {
      archType: ArchType.HYBRID,
      innerNorms: file.flag("inner_norm"),
      useKvSharing: true,
      kvGroups: jsonIn(file, "kv_groups", [isGroups, "a list of lists of layers"]),
      ...windowsOf(file, globals),
    };
  }
  const kind = file.text("kind"), L = file.number("L");
  switch (kind) {
    case "mamba":
      return { archType: ArchType.MAMBA, ...plain };
    case "global":
      return { archType: ArchType.TRANSFORMER_GLOBAL, ...plain };
    case "local":
      return file.number("w") === 0
        ? { archType: ArchType.TRANSFORMER_GLOBAL, ...plain }
        : { archType: ArchType.TRANSFORMER_LOCAL, ...plain, swaWindow: file.number("w") };
    case "alt":
      return { archType: ArchType.HYBRID_SEQUENTIAL, ...plain };
    case "hymba": {
      const globals = [...new Set([0, Math.floor(L / 2), L - 1])];
      return { archType: ArchType.HYBRID, ...plain, ...windowsOf(file, globals) };
    }
  }
  throw new HymbaError(`${file.name}: unknown kind of model ${quoted(kind)}`, {
    expected: "mamba, global, local, alt or hymba",
  });
}

/** The configuration of a file. Throws a UsageError when the sizes are inconsistent, a HymbaError when some are missing. */
export function configOf(file: GoldenFile): HymbaConfig {
  return new HymbaConfig({ ...sizesOf(file), ...architectureOf(file) });
}
