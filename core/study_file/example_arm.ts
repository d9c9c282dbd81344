/** An arm with every key that an arm may have, as a comment in the file that `hymba init` writes. */
import { type HymbaConfig, type LayerLetter, layersOf, LETTERS, type StudyConfig, type Value } from "../config/mod.ts";
import { present } from "../lists.ts";
import { type Key, nameOf, tableOf } from "./key.ts";
import { SECTIONS } from "./keys.ts";
import { LENGTHS } from "./stages.ts";
import { inToml } from "./values.ts";

const HEAD = `# ---- An arm of your own, as an example ----

# All lines below are comments. To use them, remove the first "# " of the lines that you want: the name of the arm in brackets,
# from, and what the arm changes; the rest is that of the model in from. All values here are those of hymba, so change some.
# Lines that then still begin with "# " are meanings, or keys that exclude others. More arms have other names.`;

/** Keys that exclude others of the example, and so are comments inside of it. */
const EXCLUDING = ["layers", "kvGroups", ...LENGTHS.filter((length) => length !== "steps")];

/** The layer pattern of a model, a letter for each layer. */
function patternOf(config: HymbaConfig): string {
  const letterOf = (layer: { attention: boolean; mamba: boolean; window: number }) =>
    Object.entries(LETTERS).find(([, kind]) =>
      kind.attention === layer.attention && kind.mamba === layer.mamba && kind.window === layer.window > 0
    )?.[0] as LayerLetter;
  return layersOf(config).map(letterOf).join(" ");
}

/** The groups of layers that share keys and values. */
function groupsOf(config: HymbaConfig): number[][] {
  const groups = Map.groupBy(layersOf(config).filter(({ attention }) => attention), ({ kvOwner }) => kvOwner);
  return [...groups.values()].filter(({ length }) => length > 1).map((group) => group.map(({ index }) => index));
}

/** The value of each key of the example, by name: that of hymba in the study. */
function valuesOf(study: StudyConfig, hymba: HymbaConfig): Readonly<Record<string, Value>> {
  const { pretraining: { optimizer: _, ...stage }, sequenceLength } = study, { steps, batch, evaluateEvery } = stage;
  return {
    from: "hymba",
    ...JSON.parse(JSON.stringify(hymba)) as Record<string, Value>,
    layers: patternOf(hymba),
    kvGroups: groupsOf(hymba),
    checkpointEvery: evaluateEvery,
    tokens: steps * batch * sequenceLength,
    epochs: 1,
    flops: 1e12,
    ...JSON.parse(JSON.stringify(stage)) as Record<string, Value>,
  };
}

/** A key with its meaning and its value; a comment inside of the example if it excludes others. */
function linesOf({ path, meaning, type }: Key, value: Value, isExcluding: boolean): string[] {
  const about = type.kind === "choice" ? `${meaning} One of: ${type.choices.join(", ")}.` : meaning;
  return [`# # ${about}`, `# ${isExcluding ? "# " : ""}${nameOf(path)} = ${inToml(value)}`];
}

/** The example for a study. `usual`: default values of keys by path. */
export function exampleArm(study: StudyConfig, hymba: HymbaConfig, usual: (path: string) => Value | undefined): string {
  const values = valuesOf(study, hymba),
    excluding = [...EXCLUDING, ...(study.match === "parameters" ? ["ffnHidden"] : [])];
  const sections = SECTIONS.filter(({ path }) => path.includes("*")).map(({ path, keys }) => [
    `# [${path.replace("*", "example")}]`,
    ...keys.flatMap((key) => {
      const name = nameOf(key.path), table = tableOf(key.path).replace("arms.*.", "");
      const value = present(values[name] ?? usual(`${table}.${name}`), key.path);
      return linesOf(key, value, excluding.includes(name));
    }),
  ]);
  return [HEAD, ...sections.flat()].join("\n");
}
