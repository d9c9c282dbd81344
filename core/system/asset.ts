/** Files that belong to the program, such as its WebAssembly modules. */
import { HymbaError } from "../errors.ts";
import { builtin, thisHost } from "./host.ts";

async function fetched(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await fetch(url);
  if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
  throw new HymbaError("a file of the program cannot be loaded", {
    expected: `${url}`,
    got: `${answer.status} ${answer.statusText}`,
    hint: "serve all files of the build from one folder",
  });
}

/** The content of a file beside a module. `url`: `new URL("name", import.meta.url)`. Throws when it cannot be read. */
export async function readAsset(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  if (thisHost() === "deno") return await Deno.readFile(url);
  const files = builtin("node:fs");
  return files ? new Uint8Array(await files.promises.readFile(url)) : await fetched(url);
}

/** The address of a module of the program that is started by itself. `name`: without its ending. */
export const moduleBeside = (url: string, name: string): URL =>
  // A build for browsers or Node has JavaScript in place of TypeScript.
  new URL(`${name}${new URL(url).pathname.endsWith(".ts") ? ".ts" : ".js"}`, url);
