/** Values for tests: any value that a type allows, and some that it does not. */
import { type Arbitrary, fc } from "../packages.ts";
import type { Value, ValueType } from "../../core/config/mod.ts";

/** Values of a type. */
export function valueOf(type: ValueType): Arbitrary<Value> {
  switch (type.kind) {
    case "whole":
      return fc.integer({ min: type.min, max: type.max });
    case "number":
      return fc.double({ min: type.min, max: type.max, noNaN: true }).map((value) => value === 0 ? 0 : value);
    case "flag":
      return fc.boolean();
    case "choice":
      return fc.constantFrom(...type.choices);
    case "text":
      return type.pattern === undefined
        ? fc.string({ maxLength: 40 })
        : fc.stringMatching(new RegExp(`^(?:${type.pattern})$`));
    case "list":
      return fc.array(valueOf(type.of), { minLength: type.min, maxLength: Math.min(type.max, type.min + 3) });
    case "either":
      return fc.oneof(...type.of.map(valueOf));
  }
}

/** Values that no type of the table allows, and whole numbers below all ranges. */
export const strange: Arbitrary<Value> = fc.oneof(
  fc.constant(-1),
  fc.constant(-0.5),
  fc.constant("no such thing\u0000"),
  fc.constant([["x"], "y"]),
);
