/** Where the schemas of the commands' JSON lie. */

/** Their folder in the repository. */
export const FOLDER = "docs/schemas";

/** The schema of the JSON of errors, whichever the command. */
export const ERROR = "error.json";

/** The schemas of the JSON that `hymba serve` sends to its page, and the types that they come from (core/page/views.ts). */
export const SERVED = { "page-study.json": "StudyView", "page-progress.json": "ProgressView" } as const;

/** The list of schemas in docs/json.md. */
export const schemaList = (files: readonly string[]): string =>
  files.map((file) => `[${file.replace(/\.json$/, "").replaceAll("-", " ")}](schemas/${file})`).join(", ");

export type Schema = Record<string, unknown>;

/** The name of a command's schema: `tokenizer train` has `tokenizer-train.json`. Without a command it is `hymba.json`. */
export const fileOf = (command: string): string => `${command === "" ? "hymba" : command.replaceAll(" ", "-")}.json`;
