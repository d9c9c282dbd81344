/** Names of files while they are written. Without imports, so that short commands start fast. */
const TEMPORARY = ".partial";

/** The temporary name of a file while it is written. It is in the same folder, so that a rename gives it the final name. */
export const temporaryName = (path: string): string => `${path}${TEMPORARY}`;

/** Whether the name comes from {@link temporaryName}. */
export const isTemporary = (name: string): boolean => name.endsWith(TEMPORARY);
