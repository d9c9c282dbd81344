/** Paths of files: by the rules of this system, and in a browser by those of addresses, with slashes. */
import { builtin } from "./host.ts";

/** The path without empty parts, `.`, and parts that a `..` takes back. The empty path is `.`. */
function plain(path: string): string {
  const parts: string[] = [], root = path.startsWith("/") ? "/" : "";
  for (const part of path.split("/")) {
    if (part === "..") {
      if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
      else if (root === "") parts.push(part);
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return root + parts.join("/") || ".";
}

/** The replacement of `node:path` in browsers. It is exported for tests. */
export const slashPaths = {
  join: (...parts: string[]): string => plain(parts.filter((part) => part !== "").join("/")),
  dirname: (path: string): string => {
    const end = path.lastIndexOf("/");
    return end < 0 ? "." : end === 0 ? "/" : path.slice(0, end);
  },
  basename: (path: string): string => path.slice(path.lastIndexOf("/") + 1),
  normalize: plain,
};

const paths = builtin("node:path");

/** The parts of a path as one path. */
export const join: (...parts: string[]) => string = paths?.join ?? slashPaths.join;
/** The last part of a path. */
export const basename: (path: string) => string = paths?.basename ?? slashPaths.basename;
/** The folder that a path is in. */
export const dirname: (path: string) => string = paths?.dirname ?? slashPaths.dirname;
