/** One entry of the table of keys of study files. */
import type { Value, ValueType } from "../config/mod.ts";

/** One key. Its path is dotted; `*` in it stands for a name that the author of the file chooses. */
export interface Key {
  readonly path: string;
  readonly type: ValueType;
  /** One line for a reader: what the value does. */
  readonly meaning: string;
  /** The default if no preset, file or flag gives a value. */
  readonly usual?: Value;
  /** Where there is no usual value: the keys that it follows from, and how, in words. */
  readonly follows?: { readonly from: readonly string[]; readonly how: string };
}

/** A description of a group of keys, for the comment above its table in a file. */
export interface Section {
  /** The path of the table; "" for the keys at the top of the file. */
  readonly path: string;
  readonly title: string;
  readonly keys: readonly Key[];
}

/** The last part of a path: the name of the key in the file. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf(".") + 1);

/** Everything before the last part of a path; "" for a key at the top. */
export const tableOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf(".")));
