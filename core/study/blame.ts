/**
 * Goes from one model to another, one change at a time: which models have to be trained, and in which orders of the changes.
 */
import {
  type Arm,
  differingFields,
  HymbaConfig,
  type StageConfig,
  type StudyConfig,
  studyOfArm,
} from "../config/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import { at } from "../lists.ts";
import { parameterSpecs } from "../params/specs.ts";
import { ParameterStore } from "../params/store.ts";
import type { Tensor } from "../tensor/mod.ts";
import { matchParameters } from "./match.ts";
import { type Addition, additionsIn, allAdditions, type Mask, masksOf, type Order, sampledOrders } from "./shapley.ts";
import { pretrainingPlan } from "./stage_plans.ts";

/** A field that differs between two models. Those of the first stage begin with `pretraining.`. */
export interface Field {
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** Fields that change together, because a configuration with only some of them changed would be invalid. */
export interface Change {
  readonly name: string;
  readonly fields: readonly Field[];
}

/** The models between two models, and the orders of changes over which shares are averaged. */
export interface Lattice {
  readonly changes: readonly Change[];
  /** Fields that differ but have no effect in any of the models. */
  readonly idle: readonly string[];
  /** The name of the trained model for each set of changes. */
  readonly nameOf: ReadonlyMap<Mask, string>;
  /** All models, each once, including the first and the last one. */
  readonly nodes: readonly Arm[];
  /** The additions of each change. */
  readonly additions: readonly (readonly Addition[])[];
  /** The sampled orders; undefined if all orders are used. */
  readonly orders?: readonly Order[];
}

/** Most fields, because all 2^n sets of them are checked. */
const MOST_FIELDS = 10;

const bits = (mask: Mask, count: number): number[] =>
  Array.from({ length: count }, (_, i) => i).filter((i) => mask >> i & 1);

/** The fields in which two arms differ, except sizes that matching determines. */
function fieldsBetween(study: StudyConfig, [a, b]: readonly [Arm, Arm]): Field[] {
  const follows = study.match === "parameters" ? ["ffnHidden"] : [];
  const model = differingFields(a.config, b.config).filter((field) => !follows.includes(field))
    .map((field): Field => ({ path: field, from: a.config[field], to: b.config[field] }));
  const [first, second] = [a, b].map((arm): Partial<StageConfig> => studyOfArm(study, arm).pretraining);
  const keys = [...new Set([...Object.keys(first ?? {}), ...Object.keys(second ?? {})])] as (keyof StageConfig)[];
  const stage = keys.filter((key) => JSON.stringify(first?.[key]) !== JSON.stringify(second?.[key]))
    .map((key): Field => ({ path: `pretraining.${key}`, from: first?.[key], to: second?.[key] }));
  return [...model, ...stage];
}

/** The first arm with these fields taken from the second; undefined if the configuration is invalid. */
function armWith(fields: readonly Field[], [a]: readonly [Arm, Arm]): Arm | undefined {
  const stage = fields.filter(({ path }) => path.startsWith("pretraining."));
  const model = fields.filter((field) => !stage.includes(field)).map(({ path, to }) => [path, to]);
  const own = stage.map(({ path, to }) => [path.slice("pretraining.".length), to]);
  try {
    const config = new HymbaConfig({ ...a.config, ...Object.fromEntries(model) });
    return { name: a.name, config, pretraining: { ...a.pretraining, ...Object.fromEntries(own) } };
  } catch (error) {
    // Which fields fit together is known only by trying.
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** The number of sets of groups that give an invalid configuration. */
function impossible(groups: readonly (readonly number[])[], possible: readonly boolean[]): number {
  const masks = groups.map((group) => group.reduce((mask, field) => mask | 1 << field, 0));
  return Array.from({ length: 2 ** groups.length }, (_, set) => set)
    .filter((set) => !possible[bits(set, groups.length).reduce((mask, i) => mask | at(masks, i), 0)]).length;
}

/** Joins fields into as many groups as possible such that every set of groups gives a valid configuration. */
function groupsOf(count: number, possible: readonly boolean[]): number[][] {
  let groups = Array.from({ length: count }, (_, i) => [i]);
  while (impossible(groups, possible) > 0) {
    const joined = groups.flatMap((first, i) =>
      groups.slice(i + 1).map((second) => {
        const others = groups.filter((group) => group !== first && group !== second);
        const together = [...first, ...second].toSorted((a, b) => a - b);
        return [...others, together].toSorted((a, b) => at(a, 0) - at(b, 0));
      })
    );
    const scores = joined.map((one) => impossible(one, possible) / 2 ** one.length);
    groups = at(joined, scores.indexOf(Math.min(...scores)));
  }
  return groups;
}

/** A text that is equal for two configurations if they differ only in fields without effect. */
function fingerprint({ config, pretraining = {} }: Arm, study: StudyConfig): string {
  const { plan } = pretrainingPlan(study, new ParameterStore(config));
  const shown = (tensors: Readonly<Record<string, Tensor>>) =>
    Object.entries(tensors).map(([role, { storage, offset, shape, rowStride }]) =>
      [role, storage.name, offset, shape, rowStride].join(" ")
    );
  const steps = plan.steps.map((
    { op, attributes, reads, writes },
  ) => [op.name, attributes, shown(reads), shown(writes)]);
  return JSON.stringify([parameterSpecs(config), steps, Object.entries(pretraining).sort()]);
}

/** Longest list of changes in the name of a model. */
const LONGEST_NAME = 90;

function nameOfNode(
  mask: Mask,
  { arms: [a, b], changes }: { arms: readonly [Arm, Arm]; changes: readonly Change[] },
): string {
  if (mask === 0) return a.name;
  if (mask === 2 ** changes.length - 1) return b.name;
  const short = (path: string) => path.replace("pretraining.", "").toLowerCase();
  const words = bits(mask, changes.length).flatMap((i) => at(changes, i).fields.map(({ path }) => short(path))).join(
    "+",
  );
  const set = bits(mask, changes.length).join("-");
  return `${a.name}@${words.length <= LONGEST_NAME ? words : `changes-${set}`}`;
}

/**
 * The models between two arms of a study. All orders are used if this needs at most `most` models, else as many sampled orders
 * as possible. `target`: the number of parameters that every model is matched to. Throws a UsageError for arms that do not
 * differ, that differ in too many fields, or that need more than `most` models for a single order.
 */
export function latticeBetween(
  study: StudyConfig,
  arms: readonly [Arm, Arm],
  { most, target }: { most: number; target?: number },
): Lattice {
  const fields = checkedFields(study, arms);
  const chosen = (mask: Mask) => bits(mask, fields.length).map((i) => at(fields, i));
  const all = Array.from({ length: 2 ** fields.length }, (_, mask) => armWith(chosen(mask), arms));
  const matched = (arm: Arm): Arm => target === undefined ? arm : { ...arm, config: matchParameters(arm, target) };
  const prints = all.map((arm) => arm && fingerprint(arm, study));
  const groups = groupsOf(fields.length, all.map((arm) => arm !== undefined));
  const maskOf = (group: readonly number[]) => group.reduce((mask, i) => mask | 1 << i, 0);
  const { used, idle } = withoutIdle(groups.map(maskOf), prints);
  const changes = used.map((mask): Change => {
    const own = chosen(mask);
    return { name: own.map(({ path }) => path).join(" with "), fields: own };
  });
  const fieldMask = (set: Mask) => bits(set, used.length).reduce((mask, i) => mask | at(used, i), 0);
  const printOf = (set: Mask) => at(prints as string[], fieldMask(set));
  const { additions, orders, masks } = ways(changes.length, { most, printOf });
  const { nameOf, sets } = named(masks, { arms, changes, printOf });
  const nodes = sets.map((set): Arm => {
    const name = nameOfNode(set, { arms, changes });
    return { ...matched({ ...at(all as Arm[], fieldMask(set)), name }), name };
  });
  const without = idle.flatMap(chosen).map(({ path }) => path);
  return { changes, idle: without, nameOf, nodes, additions, ...(orders ? { orders } : {}) };
}

/**
 * The name of the model for each set of changes, and one set per model. A model is named by the smallest set of changes that
 * gives it; the last model keeps its own name.
 */
function named(
  masks: readonly Mask[],
  { arms, changes, printOf }: {
    arms: readonly [Arm, Arm];
    changes: readonly Change[];
    printOf: (set: Mask) => string;
  },
): { nameOf: Map<Mask, string>; sets: Mask[] } {
  const full = 2 ** changes.length - 1, count = (set: Mask) => bits(set, changes.length).length;
  const byCount = (x: Mask, y: Mask) => count(x) - count(y);
  const all = Array.from({ length: full + 1 }, (_, set) => set).toSorted(byCount), plainest = new Map<string, Mask>();
  for (const set of [0, full, ...all]) if (!plainest.has(printOf(set))) plainest.set(printOf(set), set);
  const standing = (set: Mask) => plainest.get(printOf(set)) ?? set, used = [0, full, ...masks];
  return {
    nameOf: new Map(used.map((set) => [set, nameOfNode(standing(set), { arms, changes })])),
    sets: [...new Set(used.map(standing))].toSorted(byCount),
  };
}

/** The fields in which two arms differ. Throws a UsageError when there are none or too many. */
function checkedFields(study: StudyConfig, arms: readonly [Arm, Arm]): ReturnType<typeof fieldsBetween> {
  const fields = fieldsBetween(study, arms), [a, b] = arms;
  if (fields.length === 0) throw new UsageError(`${a.name} and ${b.name} do not differ`);
  if (fields.length <= MOST_FIELDS) return fields;
  throw new UsageError(`${a.name} and ${b.name} differ in ${fields.length} fields`, {
    expected: `at most ${MOST_FIELDS}`,
    got: fields.map(({ path }) => path).join(", "),
    hint: "define a model between the two as an arm of a study file, and compare it with both",
  });
}

/** The groups that have an effect in some model, and those that have none. */
function withoutIdle(
  groups: readonly Mask[],
  prints: readonly (string | undefined)[],
): { used: Mask[]; idle: Mask[] } {
  const changes = (group: Mask) =>
    prints.some((print, mask) =>
      (mask & group) === 0 && print !== undefined && prints[mask | group] !== undefined &&
      prints[mask | group] !== print
    );
  const used = groups.filter(changes);
  return { used, idle: groups.filter((group) => !used.includes(group)) };
}

/**
 * The orders of the changes and the sets that they need: all orders if at most `most` models are needed, else sampled ones.
 */
function ways(
  count: number,
  { most, printOf }: { most: number; printOf: (mask: Mask) => string },
): { additions: Addition[][]; orders?: Order[]; masks: Mask[] } {
  const all = Array.from({ length: 2 ** count }, (_, mask) => mask);
  const models = (masks: readonly Mask[]) => new Set(masks.map(printOf)).size;
  if (count === 0) throw new HymbaError("the two models differ in no field that has an effect");
  if (models(all) <= most) return { additions: allAdditions(count), masks: all };
  const kept: Order[] = [], masks = new Set<Mask>();
  const candidates = sampledOrders(count, most);
  for (let i = 0; i < candidates.length; i += 2) {
    const pair = candidates.slice(i, i + 2), longer = new Set([...masks, ...pair.flatMap(masksOf)]);
    if (models([...longer]) > most) break;
    kept.push(...pair);
    for (const mask of longer) masks.add(mask);
  }
  if (kept.length === 0) {
    throw new UsageError(`${count} changes need more models than ${most}`, {
      expected: `at least ${2 * count} models`,
      hint: `--nodes ${2 * count} or more`,
    });
  }
  return { additions: additionsIn(kept, count), orders: kept, masks: [...masks] };
}
