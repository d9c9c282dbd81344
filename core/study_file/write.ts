/** Writes a study file: every key with its meaning and its value. Computed values are comments. */
import type { Preset } from "../config/mod.ts";
import { present } from "../lists.ts";
import { exampleArm } from "./example_arm.ts";
import { type Key, nameOf, type Section } from "./key.ts";
import { SECTIONS } from "./keys.ts";
import { presetTitle } from "./presets.ts";
import { type ResolvedStudy, resolveSources } from "./resolve.ts";
import { inToml, type Values } from "./values.ts";

/** The address of the schema for editors, from the folder of the file. */
const SCHEMA_LINE = "#:schema ./study.schema.json";

/** Keys that a preset gives and that a file leaves to the preset, because they also follow from suite and profile. */
const LEFT_OUT = ["match"];

/** One line with the meaning and one with the value, which is a comment if the value is computed. */
function keyLines({ path, meaning, type, follows }: Key, values: Values): string {
  const given = values.get(path), name = nameOf(path);
  const about = type.kind === "choice" ? `# ${meaning} One of: ${type.choices.join(", ")}.` : `# ${meaning}`;
  if (given && !LEFT_OUT.includes(path)) return `${about}\n${name} = ${inToml(given.value)}`;
  return `${about}\n# ${name} = # without it: ${follows?.how}`;
}

const sectionLines = ({ path, title, keys }: Section, values: Values): string =>
  [`# ---- ${title} ----`, ...(path ? [`[${path}]`] : []), ...keys.map((key) => keyLines(key, values))].join("\n\n");

/** The text of a study file with the values of a preset. */
export function studyFileText(preset: Preset, { schema = SCHEMA_LINE }: { schema?: string } = {}): string {
  const { values, study } = resolveSources({ preset }), hymba = study.arms.find(({ name }) => name === "hymba");
  const example = exampleArm(study, present(hymba, "the model hymba").config, (path) => values.get(path)?.value);
  const sections = SECTIONS.filter(({ path }) => !path.includes("*")).map((section) => sectionLines(section, values));
  const head = [
    schema,
    `# A study, from the preset ${preset}. ${presetTitle(preset)}`,
    "# hymba ablate FILE runs it, hymba config show FILE says what holds and why.",
  ].join("\n");
  return `${[head, ...sections, example].join("\n\n")}\n`;
}

/** One line for a value: key, value and where it comes from. */
export interface ShownValue {
  readonly path: string;
  /** In TOML; undefined if the value is computed. */
  readonly value?: string;
  readonly origin: string;
}

/** Every key of a study with its value and origin, and for keys without a value how they follow from others. */
export function shownValues({ values }: Pick<ResolvedStudy, "values">, words: (path: string) => string): ShownValue[] {
  const known = SECTIONS.flatMap(({ keys }) => keys).filter(({ path }) => !path.includes("*"));
  const lines = known.map(({ path, follows }): ShownValue => {
    const given = values.get(path);
    return given
      ? { path, value: inToml(given.value), origin: words(path) }
      : { path, origin: `follows: ${follows?.how}` };
  });
  const arms = [...values].filter(([path]) => path.startsWith("arms."));
  return [...lines, ...arms.map(([path, { value }]) => ({ path, value: inToml(value), origin: words(path) }))];
}
