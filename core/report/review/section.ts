/** The type of a section of the review. */

/** A paragraph in which `$…$` is a formula, a formula on its own line, or a list. */
export type Block = string | { readonly tex: string } | { readonly list: readonly string[] };

export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
  /** Paths in the repository: the implementation, and its tests. */
  readonly code: readonly string[];
  readonly tests: readonly string[];
}

/** A formula on its own line. */
export const formula = (parts: TemplateStringsArray): Block => ({ tex: parts.raw.join("") });

/** A paragraph whose backslashes are kept. */
export const text = (parts: TemplateStringsArray): string => parts.raw.join("").replaceAll(/\s+/g, " ").trim();
