/** A static copy of the page: the same files, for any web server. */
import { dirname, join } from "node:path";
import { type Disk, makeFolders, writeAtomic } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import type { Answer, Answers } from "./answers.ts";
import { OWN_POLICY } from "./request_guard.ts";

/** Throws a UsageError unless the folder is absent or empty, so that no other file is overwritten. */
async function requireEmpty(disk: Disk, folder: string): Promise<void> {
  const found = await disk.stat(folder);
  if (!found) return;
  const expected = "a new or empty folder", hint = "choose another folder, or empty this one; nothing was changed";
  if (found.kind !== "folder") throw new UsageError(`${folder} is not a folder`, { expected, hint });
  const names = await disk.list(folder);
  if (names.length > 0) {
    throw new UsageError(`${folder} has files in it`, { expected, got: names.slice(0, 3).join(", "), hint });
  }
}

/** The bytes of an answer. The policy of the page is in the page itself, because a static server does not send that header. */
async function contentOf(disk: Disk, name: string, { body }: Answer): Promise<string | Uint8Array<ArrayBuffer>> {
  if (typeof body === "object" && "path" in body) return await disk.read(body.path);
  if (name !== "index.html") return body;
  const page = typeof body === "string" ? body : new TextDecoder().decode(body);
  return page.replace("<head>", `<head>\n    <meta http-equiv="Content-Security-Policy" content="${OWN_POLICY}">`);
}

const notCopied = (name: string): HymbaError =>
  new HymbaError(`${name} of the run cannot be copied`, {
    expected: "a regular file in the run folder",
    got: "a link, a pipe or a device, or no file",
    hint: "put the file itself there",
  });

/** Writes everything that the server would send into a folder. Returns the paths. Throws a UsageError when it has files. */
export async function exportPage(disk: Disk, answers: Answers, folder: string): Promise<string[]> {
  await requireEmpty(disk, folder);
  const paths: string[] = [];
  for (const name of await answers.all()) {
    const answer = await answers.at(name), path = join(folder, ...name.split("/"));
    if (!answer) throw notCopied(name);
    await makeFolders(disk, dirname(path));
    await writeAtomic(disk, path, await contentOf(disk, name, answer));
    paths.push(path);
  }
  return paths;
}
