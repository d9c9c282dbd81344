/** Where the program runs. Only the library runs elsewhere than in Deno; see docs/api.md. */
import type * as crypto from "node:crypto";
import type * as fs from "node:fs";
import type * as os from "node:os";
import type * as path from "node:path";
import type * as process from "node:process";
import type * as threads from "node:worker_threads";

export type Host = "deno" | "node" | "browser";

/** Modules of Node that the program asks for while it runs. */
interface Builtins {
  "node:crypto": typeof crypto;
  "node:fs": typeof fs;
  "node:os": typeof os;
  "node:path": typeof path;
  "node:process": typeof process;
  "node:worker_threads": typeof threads;
}

/** The part of `process` that is used here. Deno has it, too; a browser has none of it. */
interface Process {
  readonly versions?: { readonly node?: string };
  getBuiltinModule?<Name extends keyof Builtins>(name: Name): Builtins[Name];
}

const processOf = (): Process | undefined => Reflect.get(globalThis, "process");

/** The host of this program. A page that has a part of `process`, for old packages, is still a browser. */
export function thisHost(): Host {
  if ("Deno" in globalThis) return "deno";
  return processOf()?.versions?.node ? "node" : "browser";
}

/**
 * A module of Node, at once; undefined in a browser. Files that a browser loads use it in place of an import, because there an
 * import of `node:…` fails.
 */
export const builtin = <Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined =>
  processOf()?.getBuiltinModule?.(name);

/** Logical cores that this process may use. */
export const cores = (): number => {
  const navigator: Partial<Navigator> | undefined = globalThis.navigator;
  return navigator?.hardwareConcurrency ?? builtin("node:os")?.availableParallelism() ?? 1;
};
