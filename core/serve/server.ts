/**
 * This folder: the server of that page, its files, and a static copy of it.
 * The server of the page of a run: on this machine only, its own addresses only.
 */
import { type Disk, sha256 } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import type { Answer, Answers } from "./answers.ts";
import { headersOf, OWN_POLICY, refusalOf } from "./request_guard.ts";

export interface ServeOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Called with bugs of the program. Errors of a run are shown on the page instead. */
  readonly onFault: (error: unknown) => void;
}

export interface Served {
  readonly address: string;
  /** Resolves when the server has ended. */
  readonly finished: Promise<void>;
  close(): Promise<void>;
}

/** Starts the server. Throws a UsageError when the port is taken. */
export function serve(disk: Disk, answers: Answers, { port, onFault }: ServeOptions): Served {
  let own = port;
  const handle = (request: Request) => answered(request, { disk, answers, port: own, onFault });
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, handle);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AddrInUse || cause instanceof Deno.errors.PermissionDenied)) throw cause;
    throw new UsageError(`port ${port} cannot be used`, {
      got: cause.message,
      hint: "choose another one with --port N, or omit it for a free one",
      cause,
    });
  }
  own = server.addr.port;
  return { address: `http://127.0.0.1:${own}/`, finished: server.finished, close: () => server.shutdown() };
}

interface Asked {
  readonly disk: Disk;
  readonly answers: Answers;
  readonly port: number;
  readonly onFault: (error: unknown) => void;
}

async function answered(request: Request, { disk, answers, port, onFault }: Asked): Promise<Response> {
  const refusal = refusalOf(request, port);
  if (refusal) return plain(refusal.status, refusal.reason);
  try {
    const answer = await answers.at(new URL(request.url).pathname.slice(1));
    return answer ? await responseOf(request, disk, answer) : plain(404, "there is nothing at this address");
  } catch (error) {
    if (error instanceof HymbaError) return plain(500, error.message);
    onFault(error);
    return plain(500, "internal error; the terminal of the server shows it");
  }
}

const plain = (status: number, text: string): Response =>
  new Response(text, { status, headers: { ...headersOf(OWN_POLICY), "content-type": "text/plain; charset=utf-8" } });

async function responseOf(request: Request, disk: Disk, { type, body, policy }: Answer): Promise<Response> {
  const headers = { ...headersOf(policy), "content-type": type };
  if (typeof body === "object" && "path" in body) {
    const sized = { ...headers, "content-length": String(body.bytes) };
    return new Response(request.method === "HEAD" ? null : await streamOf(disk, body.path), { headers: sized });
  }
  const tag = `"${sha256(body).slice(0, 32)}"`;
  if (request.headers.get("if-none-match") === tag) return new Response(null, { status: 304, headers });
  return new Response(request.method === "HEAD" ? null : body, { headers: { ...headers, etag: tag } });
}

/** Bytes that are read from the disk at once. */
const PIECE = 2 ** 20;

/** A file piece by piece, so that weights of any size need little memory. */
async function streamOf(disk: Disk, path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const file = await disk.openRanges(path);
  let at = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (at >= file.bytes) {
        file.close();
        return controller.close();
      }
      const piece = new Uint8Array(Math.min(PIECE, file.bytes - at));
      file.read(at, piece);
      at += piece.length;
      controller.enqueue(piece);
    },
    cancel: () => file.close(),
  });
}
