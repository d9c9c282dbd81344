import { HymbaError } from "../errors.ts";

/** The operations of a disk. Each is the verb in the text of a {@link DiskError}. */
export type DiskOperation =
  | "read"
  | "write"
  | "truncate"
  | "sync"
  | "rename"
  | "remove"
  | "list"
  | "inspect"
  | "make folder"
  | "measure free space of"
  | "lock";

const MEANING: Record<string, { what: string; hint: string }> = {
  ENOSPC: { what: "no space left on the disk", hint: "free some space, or write to another folder" },
  EDQUOT: { what: "the disk quota is used up", hint: "free some space, or write to another folder" },
  EFBIG: { what: "the file would exceed the allowed file size", hint: "raise the limit (ulimit -f unlimited)" },
  EIO: { what: "the disk reported an input/output error", hint: "check the disk, or write to another folder" },
  EACCES: { what: "permission denied", hint: "check who owns the folder and its permissions" },
  EPERM: { what: "operation not permitted", hint: "check who owns the folder and its permissions" },
  EROFS: { what: "the file system is read-only", hint: "write to another folder" },
  EBUSY: {
    what: "another program has it open",
    hint: "close that program (a viewer, a virus scanner), then try again",
  },
  NO_LOCKS: {
    what: "this file system has no locks",
    hint:
      "mount it with locks (Lustre: -o flock), choose another folder, or set HYMBA_LOCKS=off and make sure yourself " +
      "that only one process works in the folder: two would damage each other's files",
  },
  NOT_A_FILE: { what: "it is a pipe, a socket or a device, not a regular file", hint: "name a regular file" },
  TOO_LARGE: { what: "it is larger than the free memory", hint: "is it the right file? Else use a larger machine" },
  IS_A_LINK: { what: "it is a link, and leads elsewhere", hint: "remove the link; nothing was changed" },
  EMFILE: { what: "too many open files in this process", hint: "raise the limit (ulimit -n 4096)" },
  ENFILE: { what: "too many open files on this machine", hint: "close other programs" },
  ENOENT: { what: "no such file or folder", hint: "check the path; was the folder removed while this ran?" },
  ENOTDIR: { what: "a part of the path is not a folder", hint: "check the path" },
  EISDIR: { what: "it is a folder, not a file", hint: "name a file" },
  EEXIST: { what: "it exists already", hint: "choose another name" },
  ENOTEMPTY: { what: "the folder is not empty", hint: "choose another name" },
  ENAMETOOLONG: { what: "the name is too long", hint: "choose a shorter name" },
  EINVAL: { what: "the path or size is not valid", hint: "check the path" },
  ENDS_EARLY: {
    what: "the file is shorter than it was",
    hint: "was it changed while this ran? Give the command again",
  },
  NOT_IN_NODE: { what: "Node cannot do this", hint: "run the program with Deno" },
  READ_ONLY_SERVER: { what: "the files of a server can only be read", hint: "use a folder, in Deno or Node" },
  NO_ANSWER: { what: "no answer from the server", hint: "check the address and the connection" },
  NOT_CAPABLE: { what: "Deno was not given the permission", hint: "run with --allow-read and --allow-write" },
};

/** A disk operation failed: exit code 1. The text has the operation, the path, the reason and a hint. */
export class DiskError extends HymbaError {
  constructor(
    readonly operation: DiskOperation,
    /** The file or folder. */
    readonly path: string,
    /** The system's error code (`ENOSPC`), or `UNKNOWN`. */
    readonly code: string,
    { cause }: { cause?: unknown } = {},
  ) {
    const known = MEANING[code];
    const reason = known?.what ?? (cause instanceof Error ? cause.message : "the system gave no reason");
    super(`cannot ${operation} ${path}: ${reason} (${code})`, { hint: known?.hint, cause });
  }
}
