/** The files of a server as a disk that can be read. */
import { strict as assert } from "node:assert";
import { DiskError, webDisk } from "../../core/disk/mod.ts";

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof DiskError, String(error));
  assert.equal(error.code, expected);
  return true;
};

Deno.test("disk web: files are read, absent ones are absent, and nothing is written", async () => {
  const server = Deno.serve({ port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/run/a") {
      return new Response(request.method === "HEAD" ? null : "abc", { headers: { "content-length": "3" } });
    }
    return new Response("no", { status: pathname === "/run/broken" ? 500 : 404 });
  });
  const address = `http://127.0.0.1:${server.addr.port}/run/`, disk = webDisk(address);
  assert.equal(new TextDecoder().decode(await disk.read("a")), "abc");
  assert.deepEqual(await disk.stat("a"), { kind: "file", link: false, bytes: 3 });
  assert.equal(await disk.stat("b"), undefined);
  await assert.rejects(
    disk.read("b"),
    (error: Error) => code("ENOENT")(error) && error.message.includes(`${address}b`),
  );
  await assert.rejects(disk.read("broken"), /the server answered 500/);
  await assert.rejects(disk.writeSome("a", new Uint8Array(1), { offset: 0 }), code("READ_ONLY_SERVER"));
  await assert.rejects(disk.list("."), code("READ_ONLY_SERVER"));
  await server.shutdown();
  await assert.rejects(disk.read("a"), code("NO_ANSWER"));
});
