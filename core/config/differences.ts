/** The fields in which the configurations of two models differ. */
import type { HymbaConfig } from "./model.ts";
import type { HymbaOptions } from "./options.ts";
import { FIELD_TYPES } from "./validate.ts";

const FIELDS = Object.keys(FIELD_TYPES) as (keyof HymbaOptions)[];

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** The fields in which two configurations differ, in the order of the fields. */
export const differingFields = (a: HymbaConfig, b: HymbaConfig): (keyof HymbaOptions)[] =>
  FIELDS.filter((field) => !same(a[field], b[field]));
