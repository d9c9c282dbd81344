/**
 * Protects the server: which requests it accepts, and what a browser may do with its answers. Only this machine can reach it.
 * Pages of other sites must not read it either, but they can send requests to this machine, also with a host name of their own
 * that resolves to this machine (DNS rebinding).
 */

/** The content policy: pages of the server may load only its own files. */
export const OWN_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** The headers of every answer. `policy`: its Content-Security-Policy. */
export const headersOf = (policy: string): Record<string, string> => ({
  "content-security-policy": `${policy}; frame-ancestors 'self'`,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-cache",
});

/** The names under which a browser of this machine asks for a port. */
const hostsOf = (port: number): string[] => [`127.0.0.1:${port}`, `localhost:${port}`];

/** Why a request is refused, with the status of the answer; undefined for an accepted request. */
export function refusalOf(request: Request, port: number): { status: number; reason: string } | undefined {
  const host = request.headers.get("host")?.toLowerCase() ?? "";
  if (!hostsOf(port).includes(host)) {
    return { status: 403, reason: `this server answers only to ${hostsOf(port).join(" and ")}` };
  }
  const site = request.headers.get("sec-fetch-site"), mode = request.headers.get("sec-fetch-mode");
  if ((site === "cross-site" || site === "same-site") && mode !== "navigate") {
    return { status: 403, reason: "a page of another site may not read this one" };
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return { status: 405, reason: "only GET and HEAD are answered" };
  }
}
