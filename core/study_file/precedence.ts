/** Which of several values holds: that of a flag, else of the file, else of the preset, else the usual one. */
import type { Preset } from "../config/mod.ts";
import { KEYS } from "./keys.ts";
import { presetNamed, presetText } from "./presets.ts";
import { readStudyText } from "./read.ts";
import { LENGTHS } from "./stages.ts";
import { type Given, throwFaults, type Values } from "./values.ts";

/** Pairs of keys: if a later source gives only the first, the second from an earlier source is dropped. */
const REPLACED: readonly (readonly [given: string, dropped: string])[] = [
  ["model.ffnHidden", "model.ffnHiddenUnmatched"],
  ...LENGTHS.flatMap((given) =>
    LENGTHS.filter((other) => other !== given)
      .map((dropped) => [`pretraining.${given}`, `pretraining.${dropped}`] as const)
  ),
];

/** Values in the order of their weight, the last ones hold. */
export function mergeValues(...sources: readonly Values[]): Map<string, Given> {
  const merged = new Map<string, Given>();
  for (const source of sources) {
    const arms = new Set([...source.keys()].flatMap((path) => /^arms\.[^.]+\.(?=pretraining\.)/.exec(path) ?? []));
    for (const table of ["", ...arms]) {
      for (const [given, dropped] of REPLACED) {
        if (source.has(table + given) && !source.has(table + dropped)) merged.delete(table + dropped);
      }
    }
    for (const [path, value] of source) merged.set(path, value);
  }
  return merged;
}

/** The default values. */
export function usualValues(): Map<string, Given> {
  const values = new Map<string, Given>();
  for (const { path, usual } of KEYS) {
    if (usual !== undefined && !path.includes("*")) values.set(path, { value: usual, origin: { kind: "usual" } });
  }
  return values;
}

/** The values of a preset, including those of the preset that it starts from. */
export function presetValues(name: Preset): Map<string, Given> {
  const { values, faults } = readStudyText(presetText(name), {
    file: `core/study_file/presets/${name}.toml`,
    origin: { kind: "preset", name },
  });
  throwFaults(faults);
  const base = presetNamed(values.get("preset")?.value);
  values.delete("preset");
  return base ? mergeValues(presetValues(base), values) : values;
}
