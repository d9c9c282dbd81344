/** What was meant by a key that does not exist, and by an arm with a name that it cannot have. */
import { quoted } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { nameOf, tableOf } from "./key.ts";
import { ARM_NAME, ARM_WORDS, KEYS } from "./keys.ts";
import type { Fault } from "./values.ts";

/** Names that other programs give to keys, in small letters without - and _, and the names here. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  lr: "rate",
  learningrate: "rate",
  maxlr: "rate",
  weightdecay: "decay",
  wd: "decay",
  batchsize: "batch",
  minibatch: "batch",
  maxsteps: "steps",
  iterations: "steps",
  iters: "steps",
  warmupsteps: "warmup",
  gradclip: "clip",
  clipgradnorm: "clip",
  maxgradnorm: "clip",
  gradientaccumulation: "accumulate",
  gradientaccumulationsteps: "accumulate",
  accumulation: "accumulate",
  epsilon: "eps",
  scheduler: "schedule",
  lrscheduler: "schedule",
  width: "dModel",
  hidden: "dModel",
  hiddensize: "dModel",
  nembd: "dModel",
  dim: "dModel",
  depth: "nLayers",
  layer: "nLayers",
  nlayer: "nLayers",
  numlayers: "nLayers",
  numhiddenlayers: "nLayers",
  pattern: "layers",
  heads: "nHeads",
  nhead: "nHeads",
  numheads: "nHeads",
  numattentionheads: "nHeads",
  kvheads: "nKvHeads",
  numkeyvalueheads: "nKvHeads",
  window: "swaWindow",
  slidingwindow: "swaWindow",
  dstate: "stateSize",
  dconv: "convKernel",
  expand: "mambaExpand",
  ffn: "ffnHidden",
  dff: "ffnHidden",
  intermediatesize: "ffnHidden",
  ropetheta: "ropeBase",
  vocab: "vocabSize",
  vocabulary: "vocabSize",
  contextlength: "sequenceLength",
  seqlen: "sequenceLength",
  blocksize: "sequenceLength",
  length: "sequenceLength",
  maxlength: "sequenceLength",
  seed: "seeds",
  dataset: "files",
  corpus: "files",
  file: "files",
  path: "files",
  base: "from",
  inherit: "from",
  extends: "from",
};

/** The number of first parts that two paths share. */
function shared(path: string, other: string): number {
  const parts = path.split("."), others = other.split(".");
  const differing = parts.findIndex((part, i) => part !== others[i]);
  return differing < 0 ? parts.length : differing;
}

/** The key of this name that is nearest to a table: in it, below it, around it, else the first one. */
function keyNamed(name: string, table: string, all: readonly string[]): string | undefined {
  const found = all.filter((path) => nameOf(path) === name);
  // Keys of arms are meant only inside of an arm, or where there are no others.
  const common = found.filter((path) => !path.startsWith("arms.")), isArm = table.startsWith("arms");
  return (isArm || common.length === 0 ? found : common).toSorted((a, b) => {
    const [nearA, nearB] = [a, b].map((path) => shared(table, tableOf(path)));
    return (nearB ?? 0) - (nearA ?? 0);
  })[0];
}

/** Tables by names that other programs give to them. */
export const TABLES_ELSEWHERE: Readonly<Record<string, string>> = {
  train: "pretraining",
  training: "pretraining",
  trainer: "pretraining",
  pretrain: "pretraining",
  optimizer: "pretraining",
  optim: "pretraining",
  dataset: "data",
  corpus: "data",
  text: "data",
  architecture: "model",
  network: "model",
  config: "model",
  tuning: "sweep",
  search: "sweep",
  grid: "sweep",
  generation: "samples",
  sampling: "samples",
  dpo: "preference",
  finetuning: "orpo",
};

/** What an unknown path stands for: a key, a table, or either. */
export type Wanted = "key" | "table" | "any";

/** All keys and tables, with the name of an arm for `*`. */
function pathsWith(arm: string): { keys: string[]; tables: string[] } {
  const keys = KEYS.map((key) => key.path.replace("*", arm));
  const tables = [...new Set(keys.map(tableOf))].filter((one) => one !== "");
  return { keys, tables: ["arms", ...tables.filter((one) => one !== `arms.${arm}`)] };
}

/** A name in small letters without - and _. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, "");

const foreignIn = (names: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(names, plain(name)) ? names[plain(name)] : undefined;

/** The name of a key that differs from a name only in capitals, - and _; else the name itself. */
const respelled = (name: string, keys: readonly string[]): string =>
  keys.map(nameOf).find((one) => plain(one) === plain(name)) ?? name;

/** The table that was most likely meant by an unknown one. */
function nearestTable(path: string, tables: readonly string[]): string | undefined {
  const own = tables.filter((one) => tableOf(one) === tableOf(path));
  const near = nearest(nameOf(path), own.map(nameOf)) ?? foreignIn(TABLES_ELSEWHERE, nameOf(path));
  return near === undefined ? nearest(path, tables) : own.find((one) => nameOf(one) === near) ?? near;
}

/** The key that was most likely meant by an unknown one. */
function nearestKey(path: string, keys: readonly string[]): string | undefined {
  const name = nameOf(path), table = tableOf(path), same = keyNamed(respelled(name, keys), table, keys);
  const here = foreignIn(ELSEWHERE, name), known = here === undefined ? undefined : keyNamed(here, table, keys);
  // The same name in another table is more likely than a similar name in this one.
  if (same !== undefined && (known === undefined || shared(table, tableOf(same)) > 0)) return same;
  if (known !== undefined) return known;
  const near = nearest(name, keys.filter((one) => tableOf(one) === table).map(nameOf));
  if (near !== undefined) return [table, near].filter(Boolean).join(".");
  const other = nearest(path, keys) ?? nearest(name, keys.map(nameOf));
  return other === undefined || keys.includes(other) ? other : keyNamed(other, table, keys);
}

/** The key or table that was most likely meant by an unknown path; undefined if none is near. */
export function nearestPath(path: string, wanted: Wanted = "any"): string | undefined {
  const [first, arm = "NAME"] = path.split("."), { keys, tables } = pathsWith(first === "arms" ? arm : "NAME");
  const key = wanted === "table" ? undefined : nearestKey(path, keys);
  return key ?? (wanted === "key" ? undefined : nearestTable(path, tables));
}

/** The fault of a path without a key. `meant`: the key or table that is suggested. */
export function unknownKey(path: string, at: string, { meant }: { meant: string | undefined }): Fault {
  const what = `unknown key ${quoted(path)}`;
  if (meant === undefined) return { at, what, expected: "a key that hymba config explain lists" };
  if (path.startsWith("arms.") && !meant.startsWith("arms.")) {
    const expected = "from, a key of [model], layers, archType, or a key of [pretraining] below .pretraining";
    return { at, what, expected, hint: `${meant} is a value of the whole study, which an arm cannot change` };
  }
  return { at, what, hint: `did you mean ${meant}?` };
}

/** The name of an arm that is nearest to one that is not allowed; "" if no letter of it is. */
const nearestName = (name: string): string =>
  name.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase().replaceAll(/[^a-z0-9_-]+/g, "-")
    .replace(/^[_-]+/, "").slice(0, 64).replace(/-+$/, "");

/** The fault of the name of an arm; undefined if it is allowed. */
export function armNameFault(name: string, at: string): Fault | undefined {
  if (new RegExp(`^${ARM_NAME}$`).test(name)) return undefined;
  const meant = nearestName(name);
  return {
    at,
    what: `the arm ${quoted(name)}`,
    expected: ARM_WORDS,
    ...(meant === "" ? {} : { hint: `did you mean [arms.${meant}]?` }),
  };
}
