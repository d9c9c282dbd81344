/** Names of files while they are written. Without imports, so that short commands start fast. */
const TEMPORARY = ".partial";

/** The temporary name of a file while it is written. It is in the same folder, so that a rename gives it the final name. */
export const temporaryName = (path: string): string => `${path}${TEMPORARY}`;

/**
 * A temporary name that is unique to this process and file, for folders that several processes write to at the same time. It
 * contains the time, so that a later writer can recognise the files of a killed process.
 */
export const uniqueTemporaryName = (path: string): string =>
  temporaryName(`${path}.${Date.now()}-${crypto.randomUUID()}`);

/** The time in a name from {@link uniqueTemporaryName} of this path (ms since 1970); undefined for other names. */
export function timeOfTemporary(name: string, path: string): number | undefined {
  if (!name.startsWith(`${path}.`)) return undefined;
  const [, time] = /^(\d{1,15})-[\da-f-]{36}\.partial$/.exec(name.slice(path.length + 1)) ?? [];
  return time === undefined ? undefined : Number(time);
}

/** Whether the name comes from {@link temporaryName} or {@link uniqueTemporaryName}. */
export const isTemporary = (name: string): boolean => name.endsWith(TEMPORARY);
