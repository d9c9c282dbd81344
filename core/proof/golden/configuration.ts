/** The model configuration that a golden file describes, as switches of the one model. */
import { ArchType, HymbaConfig, type HymbaOptions } from "../../config/mod.ts";
import { HymbaError, quoted } from "../../errors.ts";
import type { GoldenFile } from "./file.ts";

/** Sizes that every kind of model states. */
function sizesOf(file: GoldenFile): Partial<HymbaOptions> {
  const { shape: [V, D] } = file.ranked("p.embed", "V,d");
  const meta = file.has("p.meta") ? file.ranked("p.meta", "m,d").shape[0]! : 0;
  const value = file.namesUnder("p.").find((name) => name.endsWith("wv.weight"));
  const valueRows = value && file.ranked(`p.${value}`, "KV·vd,d").shape[0]!;
  return {
    vocabSize: V,
    dModel: D,
    nLayers: file.number("L"),
    nHeads: file.number("H"),
    nKvHeads: file.number("KV"),
    headDim: file.number("hd"),
    valueHeadDim: valueRows ? valueRows / file.number("KV") : file.number("hd"),
    ffnHidden: file.number("ff"),
    mambaExpand: file.number("di") / D!,
    stateSize: file.number("N"),
    convKernel: file.number("K"),
    dtRank: file.number("R"),
    normEps: file.number("eps"),
    ropeBase: file.number("theta"),
    useMetaTokens: meta > 0,
    numMetaTokens: meta,
  };
}

/** Window 0 means that every layer sees all: as if all were global. */
function windowsOf(file: GoldenFile, globals: readonly number[]): Partial<HymbaOptions> {
  const window = file.number("w"), all = Array.from({ length: file.number("L") }, (_, i) => i);
  return window === 0 ? { globalAttnIndices: all } : { globalAttnIndices: globals, swaWindow: window };
}

function layersIn(file: GoldenFile, key: string): number[] {
  const value = file.json(key);
  if (Array.isArray(value) && value.every((layer) => Number.isInteger(layer))) return value;
  throw new HymbaError(`${file.name}: metadata ${quoted(key)} is not a list of layers`, {
    got: quoted(file.text(key)),
  });
}

function groupsIn(file: GoldenFile, key: string): number[][] {
  const value = file.json(key);
  const isGroup = (group: unknown) => Array.isArray(group) && group.every((layer) => Number.isInteger(layer));
  if (Array.isArray(value) && value.every(isGroup)) return value;
  throw new HymbaError(`${file.name}: metadata ${quoted(key)} is not a list of lists of layers`, {
    got: quoted(file.text(key)),
  });
}

function switchesOf(file: GoldenFile): Partial<HymbaOptions> {
  const plain = { innerNorms: false, useKvSharing: false };
  if (file.op === "hymba_shared") {
    const shared = { innerNorms: file.flag("inner_norm"), useKvSharing: true, kvGroups: groupsIn(file, "kv_groups") };
    return { archType: ArchType.HYBRID, ...shared, ...windowsOf(file, layersIn(file, "globals")) };
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

/** Throws UsageError when the sizes do not fit together, HymbaError when the file does not say enough. */
export function configOf(file: GoldenFile): HymbaConfig {
  return new HymbaConfig({ ...sizesOf(file), ...switchesOf(file) });
}
