/** The faults of a test server. */
export interface Faults {
  status?: number;
  /** The first answer ends after this many bytes. */
  breakAfter?: number;
  /** Every answer stops sending after this many bytes and stays open. */
  stallAfter?: number;
  /** Never answers. */
  silent?: boolean;
  /** Ignores ranges. */
  noRanges?: boolean;
}

/** A server of one file on this machine. */
export interface LocalServer extends AsyncDisposable {
  url: string;
  requests: Request[];
}

function rangeOf(request: Request, { noRanges }: Faults): number {
  const found = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "");
  return found && !noRanges ? Number(found[1]) : 0;
}

function bodyOf(bytes: Uint8Array<ArrayBuffer>, { breakAfter, stallAfter }: Faults, ended: AbortSignal) {
  return new ReadableStream<Uint8Array>({
    async start(stream) {
      const end = Math.min(breakAfter ?? bytes.length, stallAfter ?? bytes.length);
      for (let at = 0; at < end; at += 16384) {
        stream.enqueue(bytes.slice(at, Math.min(at + 16384, end)));
        await new Promise((resolve) => setTimeout(resolve));
      }
      if (breakAfter !== undefined && breakAfter < bytes.length) return stream.error(new Error("broken on purpose"));
      if (stallAfter !== undefined) await new Promise((resolve) => ended.addEventListener("abort", resolve));
      stream.close();
    },
  });
}

/** Serves `bytes` at every path of 127.0.0.1, with support for ranges, until it is disposed. */
export function serve(bytes: Uint8Array<ArrayBuffer>, faults: Faults = {}): LocalServer {
  const requests: Request[] = [];
  const stop = new AbortController();
  const answer = async (request: Request) => {
    requests.push(request);
    if (faults.silent) await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
    if (faults.status) return new Response("no", { status: faults.status });
    const start = rangeOf(request, faults);
    const first = requests.length === 1;
    const body = bodyOf(
      bytes.slice(start),
      { ...faults, breakAfter: first ? faults.breakAfter : undefined },
      stop.signal,
    );
    const headers = { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
    return start > 0 ? new Response(body, { status: 206, headers }) : new Response(body);
  };
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, answer);
  return {
    url: `http://127.0.0.1:${server.addr.port}/input.txt`,
    requests,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}
