/** The server of a run's page: accepted requests and answers. */
import { strict as assert } from "node:assert";
import { request } from "node:http";
import { join } from "node:path";
import { memoryDisk, systemDisk } from "../../core/disk/mod.ts";
import { HymbaError, UsageError } from "../../core/errors.ts";
import { Answers } from "../../core/serve/answers.ts";
import { exportPage } from "../../core/serve/static_copy.ts";
import { refusalOf } from "../../core/serve/request_guard.ts";
import { progressOf } from "../../core/serve/run_progress.ts";
import { serve } from "../../core/serve/server.ts";
import { requireSchema } from "../cli/json_schemas.ts";
import { withTinyRun } from "./tiny_run.ts";

const PAGE = new Map([["index.html", new TextEncoder().encode("<html><head></head></html>")]]);

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Sends a path as it is, which `fetch` would tidy, with any headers, which it would not send. */
const ask = (port: number, path: string, { method = "GET", headers = {} }: {
  method?: string;
  headers?: Record<string, string>;
} = {}): Promise<Got> =>
  new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, method, headers }, (response) => {
      const parts: Uint8Array[] = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, text: new TextDecoder().decode(Buffer.concat(parts)) });
      });
    }).on("error", reject).end();
  });

async function withServer<T>(folder: string, use: (port: number) => Promise<T>): Promise<T> {
  const faults: unknown[] = [];
  const answers = new Answers(systemDisk, folder, PAGE, { live: true });
  const served = serve(systemDisk, answers, { port: 0, onFault: (error) => faults.push(error) });
  try {
    return await use(Number(new URL(served.address).port));
  } finally {
    await served.close();
    assert.deepEqual(faults, []);
  }
}

Deno.test("guard: other names of this machine, other sites and other methods are refused", () => {
  const asked = (headers: Record<string, string>, method = "GET") =>
    refusalOf(new Request("http://127.0.0.1:80/", { method, headers }), 4000)?.status;
  const host = "127.0.0.1:4000";
  assert.equal(asked({ host }), undefined);
  assert.equal(asked({ host: "LocalHost:4000" }), undefined);
  assert.equal(asked({ host, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }), undefined);
  assert.equal(asked({ host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }), undefined);
  for (
    const other of [
      "evil.example:4000",
      "evil.example",
      "127.0.0.1",
      "127.0.0.1:4001",
      "127.0.0.1.evil.example:4000",
      "",
    ]
  ) {
    assert.equal(asked({ host: other }), 403, other);
  }
  for (const site of ["cross-site", "same-site"]) {
    assert.equal(asked({ host, "sec-fetch-site": site, "sec-fetch-mode": "no-cors" }), 403, site);
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) assert.equal(asked({ host }, method), 405, method);
});

Deno.test("server: it listens on this machine only, answers its own addresses only, and no path leaves the run", async () => {
  await withTinyRun(async (folder) => {
    await Deno.writeTextFile(join(folder, "..", "secret.txt"), "secret");
    const seed = join(folder, "arms", "hymba-1");
    await Deno.rename(join(seed, "orpo.safetensors"), join(folder, "..", "elsewhere"));
    await Deno.symlink(join(folder, "..", "elsewhere"), join(seed, "orpo.safetensors"));
    await withServer(folder, async (port) => {
      const page = await ask(port, "/");
      assert.equal(page.status, 200);
      assert.match(
        String(page.headers["content-security-policy"]),
        /^default-src 'none'; script-src 'self' [^;]*;.*frame-ancestors/,
      );
      assert.equal(page.headers["x-content-type-options"], "nosniff");
      const outside = [
        ...["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//secret.txt", "/models/../../secret.txt"],
        ...[
          "/run.json",
          "/metrics.jsonl",
          "/lock",
          "/arms/hymba-1/pretraining.safetensors",
          "/etc/passwd",
          "/tokenizer.json",
        ],
        ...["/models/hymba-1-orpo.safetensors", "/models/hymba-2-pretraining.safetensors", "/models/", "/constructor"],
      ];
      for (const path of outside) {
        const { status, text } = await ask(port, path);
        assert.equal(status, 404, path);
        assert.ok(!text.includes("secret"), path);
      }
      assert.equal((await ask(port, "/", { headers: { host: `evil.example:${port}` } })).status, 403);
      assert.equal((await ask(port, "/study.json", { method: "POST" })).status, 405);
    });
  }, { arms: ["hymba"] });
});

Deno.test("server: a run's study, progress, tokenizer, weights and report", async () => {
  await withTinyRun(async (folder) => {
    await withServer(folder, async (port) => {
      const study = JSON.parse((await ask(port, "/study.json")).text);
      assert.deepEqual(study.arms.map(({ name }: { name: string }) => name), ["mamba", "hymba"]);
      assert.equal(study.live, true);
      requireSchema(study, "page-study.json");
      const { text, headers } = await ask(port, "/progress.json"), progress = JSON.parse(text);
      assert.equal(progress.models.length, 6);
      requireSchema(progress, "page-progress.json");
      assert.equal(
        (await ask(port, "/progress.json", { headers: { "if-none-match": String(headers.etag) } })).status,
        304,
      );
      for (const { file, bytes, arm, seed, stage } of progress.models) {
        const own = await Deno.readFile(join(folder, "arms", `${arm}-${seed}`, `${stage}.safetensors`));
        const got = await fetch(`http://127.0.0.1:${port}/${file}`);
        assert.equal(got.headers.get("content-length"), String(bytes));
        assert.deepEqual(new Uint8Array(await got.arrayBuffer()), own);
      }
      const head = await ask(port, `/${progress.models[0].file}`, { method: "HEAD" });
      assert.deepEqual([head.status, head.text], [200, ""]);
      const tokenizer = await fetch(`http://127.0.0.1:${port}/${study.tokenizer.file}`);
      assert.deepEqual(
        new Uint8Array(await tokenizer.arrayBuffer()),
        await Deno.readFile(join(folder, "tokenizer.model")),
      );
      const report = await ask(port, "/report.html");
      assert.match(report.text, /<h2 id="verdict">Verdict<\/h2>/);
      assert.match(
        String(report.headers["content-security-policy"]),
        /script-src 'sha256-[^']+'; frame-ancestors 'self'$/,
      );
    });
  }, { arms: ["mamba", "hymba"] });
});

Deno.test("server: a port that is taken, a folder that is no run, and a damaged run are told in words", async () => {
  await withTinyRun(async (folder) => {
    await withServer(folder, async (port) => {
      const answers = new Answers(systemDisk, folder, PAGE, { live: true });
      assert.throws(() => serve(systemDisk, answers, { port, onFault: () => {} }), (error: UsageError) => {
        assert.match(error.message, /^port \d+ cannot be used\n/);
        return error instanceof UsageError;
      });
      await Deno.writeTextFile(join(folder, "metrics.jsonl"), '{"arm": 1}\n');
      const { status, text } = await ask(port, "/progress.json");
      assert.equal(status, 500);
      assert.match(text, /metrics\.jsonl, line 1/);
      await Deno.remove(join(folder, "run.json"));
      assert.match((await ask(port, "/study.json")).text, /is not a run\n/);
    });
  }, { arms: ["mamba"] });
});

Deno.test("progress: it grows with the log, says what is left, and a model that failed does not count", async () => {
  await withTinyRun(async (folder) => {
    const path = join(folder, "metrics.jsonl"), log = (await Deno.readTextFile(path)).trimEnd().split("\n");
    // Measured speeds would differ from run to run, and the time left with them.
    const lines = log.map((line) => line.replace(/("tokens_per_s":)[\d.]+/, "$11000"));
    assert.equal((await progressOf(systemDisk, folder)).finished, true);
    // As if the study had been stopped inside the second model's first stage.
    for (const name of ["result.json", "pretraining.json", "orpo.json", "control.json"]) {
      await Deno.remove(join(folder, "arms", "hymba-1", name));
    }
    const before = lines.filter((line) => line.includes('"mamba"')), shares: number[] = [], left: number[] = [];
    const own = lines.filter((line) => line.includes('"hymba"') && line.includes('"pretraining"'));
    for (const count of [0, 2, own.length - 1]) {
      await Deno.writeTextFile(path, [...before, ...own.slice(0, count), '{"torn'].join("\n"));
      const { finished, share, left_s = NaN, cells, charts } = await progressOf(systemDisk, folder);
      assert.equal(finished, false);
      assert.deepEqual(cells.map(({ state }) => state), ["done", count === 0 ? "waiting" : "training"]);
      assert.ok(charts.some(({ title }) => title === "Stage 1: loss"));
      shares.push(share);
      left.push(left_s);
    }
    assert.ok(shares[0]! > 0 && shares[0]! < shares[1]! && shares[1]! < shares[2]! && shares[2]! < 1, `${shares}`);
    assert.ok(left[0]! > left[1]! && left[1]! > left[2]! && left[2]! > 0, `${left}`);
    // The second model turns out much slower than the first one, and then much faster.
    for (const [count, speed] of [[3, 1], [4, 1e6]] as const) {
      const slow = own.slice(0, count).map((line) => line.replace(/("tokens_per_s":)[\d.]+/, `$1${speed}`));
      await Deno.writeTextFile(path, [...before, ...slow, ""].join("\n"));
      const { share, left_s = NaN } = await progressOf(systemDisk, folder);
      assert.ok(share >= shares[1]! && share < shares[2]!, `${share} of ${shares}`);
      assert.equal(left_s > left[0]!, speed === 1);
    }
    const failure = '{"arm":"hymba","seed":1,"kind":"failure","message":"it diverged"}';
    await Deno.writeTextFile(path, [...before, ...own.slice(0, 2), failure, ""].join("\n"));
    const failed = await progressOf(systemDisk, folder);
    assert.deepEqual([failed.finished, failed.share, failed.left_s], [true, 1, 0]);
    requireSchema(JSON.parse(JSON.stringify(failed)), "page-progress.json");
    assert.deepEqual(failed.cells.map(({ state, message }) => [state, message]), [["done", undefined], [
      "failed",
      "it diverged",
    ]]);
  }, { arms: ["mamba", "hymba"] });
});

Deno.test("export: every address becomes a file, the page has its policy in itself, and no file is overwritten", async () => {
  await withTinyRun(async (folder) => {
    const answers = new Answers(systemDisk, folder, PAGE, { live: false }), target = join(folder, "..", "site");
    const paths = await exportPage(systemDisk, answers, target);
    assert.deepEqual(paths.map((path) => path.slice(target.length + 1)).sort(), [
      ...["index.html", "models/mamba-1-control.safetensors", "models/mamba-1-orpo.safetensors"],
      ...["models/mamba-1-pretraining.safetensors", "progress.json", "report.html", "study.json", "tokenizer.model"],
    ]);
    assert.match(
      await Deno.readTextFile(join(target, "index.html")),
      /<meta http-equiv="Content-Security-Policy" content="default-src 'none';/,
    );
    assert.equal(JSON.parse(await Deno.readTextFile(join(target, "study.json"))).live, false);
    await assert.rejects(exportPage(systemDisk, answers, target), { message: /has files in it/ });
    const disk = memoryDisk();
    await disk.truncate("file", 1);
    await assert.rejects(exportPage(disk, answers, "file"), { message: /is not a folder/ });
  }, { arms: ["mamba"] });
});

Deno.test("export: a file of the run that is a link is refused in words, and the copy has no file of it", async () => {
  await withTinyRun(async (folder) => {
    const target = join(folder, "..", "site"),
      tokenizer = join(folder, "tokenizer.model"),
      other = join(folder, "..", "other");
    await Deno.rename(tokenizer, other);
    await Deno.symlink(other, tokenizer);
    const answers = new Answers(systemDisk, folder, PAGE, { live: false });
    await assert.rejects(exportPage(systemDisk, answers, target), (error: unknown) => {
      assert.ok(error instanceof HymbaError);
      assert.match(
        error.message,
        /tokenizer\.model of the run cannot be copied[^]*a regular file[^]*put the file itself there/,
      );
      return true;
    });
    assert.equal(await Deno.stat(join(target, "tokenizer.model")).catch(() => "absent"), "absent");
  }, { arms: ["mamba"] });
});
