/** Compares what a command printed with --json with its published schema. */
import { strict as assert } from "node:assert";
import { Ajv2020 } from "../packages.ts";
import { ERROR, fileOf, FOLDER, type Schema } from "../schema_files.ts";

const ROOT = new URL("../../", import.meta.url);

/** A schema that also refuses fields that it does not name, so that the published one cannot lack a field. */
function strictly(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strictly);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner: Schema = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strictly(value)]));
  return "properties" in inner && !("additionalProperties" in inner)
    ? { ...inner, additionalProperties: false }
    : inner;
}

const validators = new Map<string, ReturnType<Ajv2020["compile"]>>();

function validatorOf(file: string) {
  const known = validators.get(file);
  if (known) return known;
  const text = Deno.readTextFileSync(new URL(`${FOLDER}/${file}`, ROOT));
  const made = new Ajv2020({ strict: false }).compile(strictly(JSON.parse(text)) as Schema);
  validators.set(file, made);
  return made;
}

/** The one object on standard output. Throws unless it is what the schema of its command says. */
export function checkedJson(out: string): Record<string, unknown> {
  assert.match(out, /^\{[^\n]*\}\n$/, "one JSON object on one line");
  const value = JSON.parse(out);
  requireSchema(value, value.error ? ERROR : fileOf(value.command ?? ""));
  return value;
}

/** Throws unless a value follows the published schema with this file name, and has no field that it lacks. */
export function requireSchema(value: unknown, file: string): void {
  const validate = validatorOf(file);
  if (!validate(value)) {
    // An anyOf reports every alternative; the deepest place is where the value leaves the one that it is meant to follow.
    const [deepest] = (validate.errors ?? []).toSorted((a, b) => b.instancePath.length - a.instancePath.length);
    const other = deepest?.params && JSON.stringify(deepest.params);
    assert.fail(`${FOLDER}/${file}: ${deepest?.instancePath} ${deepest?.message} ${other}`);
  }
}
