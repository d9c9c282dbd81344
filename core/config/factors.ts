/** Factorial suites: factors that are on and off in every combination. */
import type { HymbaConfig } from "./model.ts";
import { ArchType, type HymbaOptions } from "./options.ts";
import type { Value } from "./value_types.ts";

/** One factor: a field of a model, and its value when the factor is off. */
export interface Factor {
  /** Part of the names of models. */
  readonly name: string;
  /** Its name in reports. */
  readonly words: string;
  readonly field: keyof HymbaOptions;
  readonly off: Value;
  /** Absent: the value that the study gives the field. */
  readonly on?: Value;
}

/** The factors of the suite `factorial`. */
export const FACTORS: readonly Factor[] = [
  { name: "meta", words: "meta tokens", field: "useMetaTokens", off: false, on: true },
  { name: "sharing", words: "shared keys and values", field: "useKvSharing", off: false, on: true },
  { name: "window", words: "windows", field: "windowed", off: false, on: true },
];

/** The factors of the suite `decompose`. */
export const PARTS_OF_HYBRID: readonly Factor[] = [
  { name: "convolution", words: "the convolution", field: "convKernel", off: 1 },
  { name: "state", words: "the state", field: "state", off: "off", on: "on" },
  { name: "attention", words: "attention", field: "archType", off: ArchType.MAMBA, on: ArchType.HYBRID },
];

/** The factors of a suite; empty if it is not factorial. */
export const factorsOf = (suite: string | undefined): readonly Factor[] =>
  suite === "factorial" ? FACTORS : suite === "decompose" ? PARTS_OF_HYBRID : [];

export const isOn = (config: HymbaConfig, { field, off }: Factor): boolean => config[field] !== off;

/** Every combination of factors: those that are on, and the fields that this sets. */
export function combinations(factors: readonly Factor[]): { on: readonly Factor[]; fields: Partial<HymbaOptions> }[] {
  return Array.from({ length: 2 ** factors.length }, (_, bits) => {
    const on = factors.filter((_, i) => bits & (1 << i));
    const values = factors.flatMap((factor) => {
      const value = on.includes(factor) ? factor.on : factor.off;
      return value === undefined ? [] : [[factor.field, value] as const];
    });
    return { on, fields: Object.fromEntries(values) as Partial<HymbaOptions> };
  });
}
