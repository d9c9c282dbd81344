/** A section of the review as plain data. */

/** A paragraph in which `$…$` is a formula, a formula on its own line, or a list of paragraphs. */
export type Block = string | { readonly tex: string } | { readonly list: readonly string[] };

export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
  /** Paths in the repository: what implements it, and what tests it. */
  readonly code: readonly string[];
  readonly tests: readonly string[];
}

/** A formula on its own line. */
export const formula = (parts: TemplateStringsArray): Block => ({ tex: parts.raw.join("") });

/** A paragraph that may hold backslashes. */
export const text = (parts: TemplateStringsArray): string => parts.raw.join("").replaceAll(/\s+/g, " ").trim();
