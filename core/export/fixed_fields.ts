/** Fields of another program's configuration that this program computes in one way only. */
import { isObject } from "../file_schema.ts";
import { quoted, UsageError } from "../errors.ts";

/** The path of a field, its allowed values besides absent, and the reason. */
export type FixedField = readonly [path: readonly string[], values: readonly unknown[], why: string];

/** Throws a UsageError for a field with something that the models of this program do not have. */
export function requireFixed(fields: readonly FixedField[], value: unknown, file: string): void {
  for (const [path, values, why] of fields) {
    const found = path.reduce<unknown>((inside, key) => isObject(inside) ? inside[key] : undefined, value);
    if (found === undefined || found === null || values.includes(found)) continue;
    throw new UsageError(`${file}: ${path.join(".")} is something that this program does not compute`, {
      expected: `${values.map((one) => JSON.stringify(one)).join(" or ")}: ${why}`,
      got: quoted(JSON.stringify(found)),
    });
  }
}
