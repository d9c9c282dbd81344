/** The committed results are consistent, name the command that made them, and agree with the README. */
import { strict as assert } from "node:assert";
import { DOCUMENT as RECALL, recallTable, withRecallTable } from "./recall_table.ts";
import { DOCUMENT, widthsTable, withTable } from "./widths_table.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

/** Folders below results/ that hold a table, `runs` left out. */
async function folders(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL("results/", ROOT))) {
    if (isDirectory && name !== "runs") found.push(name);
  }
  return found.sort();
}

/** Rows of a table without quoted cells, by the names of its columns. */
function rowsOf(csv: string): Record<string, string>[] {
  const [head, ...rows] = csv.trim().split("\n").map((row) => row.split(","));
  return rows.map((row) => Object.fromEntries(head!.map((name, i) => [name, row[i]!])));
}

async function tableOf(path: string): Promise<Record<string, string>[]> {
  try {
    return rowsOf(await read(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

const near = (a: number, b: number, what: string) => assert.ok(Math.abs(a / b - 1) < 1e-9, `${what}: ${a} and ${b}`);

Deno.test("results: every folder stands in results/README.md with the command of its record", async () => {
  const readme = await read("results/README.md");
  for (const name of await folders()) {
    assert.ok(readme.includes(`\`${name}/`), name);
    const files = [...Deno.readDirSync(new URL(`results/${name}`, ROOT))].map((entry) => entry.name);
    if (files.includes("run.json")) {
      const { command } = JSON.parse(await read(`results/${name}/run.json`));
      assert.ok(readme.includes(`| \`${name}/\` | \`${command}\` |`), `${name}: ${command}`);
    }
    if (files.includes("leak.txt")) {
      const [, command] = /Made with: (.*)/.exec(await read(`results/${name}/leak.txt`))!;
      assert.ok(readme.includes(`\`${command}\``), command);
    }
  }
});

Deno.test("results: every model's proof of causality is green, the documented mask's is red and counts 0, 255 and 128", async () => {
  const [models, cropped] = [await read("results/causality/models.txt"), await read("results/causality/cropped.txt")];
  const proofs = models.split("\n").filter((row) => / (causal|LEAKS)$/.test(row));
  assert.equal(new Set(proofs.map((row) => row.split(" ")[0])).size, 7);
  assert.ok(proofs.length >= 28 && proofs.every((row) => /\s0\s+0\s+causal$/.test(row)));
  assert.match(models, new RegExp(`${proofs.length} passed, 0 failed`));
  assert.match(cropped, /LEAKS/);
  assert.equal(cropped.match(/0 of 256\s+255 of 256\s+128 of 256/g)?.length, 2);
});

Deno.test("results: perplexity is e to the loss, bits per byte are of the original text, best is never above final", async () => {
  for (const folder of await folders()) {
    const rows = await tableOf(`results/${folder}/ablation_results.csv`);
    if (rows.length === 0) continue;
    const { data } = JSON.parse(await read(`results/${folder}/run.json`));
    const tokens = data.evaluatedTokens, bytes = data.evaluatedBytes;
    assert.ok(tokens > 0 && bytes > 0, folder);
    for (const row of rows) {
      for (const stage of ["pretrain", "orpo"]) {
        const loss = Number(row[`${stage}_final_loss_nats`]);
        if (!row[`${stage}_final_loss_nats`]) continue;
        const name = `${folder}, ${row["model"]} ${row["seed"]}, ${stage}`;
        near(Number(row[`${stage}_final_perplexity`]), Math.exp(loss), name);
        near(Number(row[`${stage}_final_bits_per_byte`]), loss * tokens / (bytes * Math.LN2), name);
        assert.ok(Number(row[`${stage}_best_loss_nats`]) <= loss, name);
      }
    }
  }
});

Deno.test("results: a difference is called one exactly when its interval leaves out zero, and is that of the mean losses", async () => {
  for (const folder of await folders()) {
    const results = await tableOf(`results/${folder}/ablation_results.csv`);
    for (const row of await tableOf(`results/${folder}/comparisons.csv`)) {
      const [mean, low, high] = ["difference_nats", "low_nats", "high_nats"].map((name) => Number(row[name])) as [
        number,
        number,
        number,
      ];
      const name = `${folder}: ${row["model_a"]} against ${row["model_b"]} after ${row["stage"]}`;
      assert.ok(low <= mean && mean <= high, name);
      assert.equal(row["differs"], low > 0 || high < 0 ? "yes" : "no", name);
      // A comparison on the test part is not one of validation losses.
      if (row["part"] === "test") continue;
      const column = { pretraining: "pretrain_final_loss_nats", orpo: "orpo_final_loss_nats" }[row["stage"]!];
      if (!column) continue;
      const of = (model: string) =>
        results.filter((each) => each["model"] === model).map((each) => Number(each[column]));
      const [a, b] = [of(row["model_a"]!), of(row["model_b"]!)];
      const expected = a.reduce((sum, x, i) => sum + x - b[i]!, 0) / a.length;
      // Blocks of text differ by a token in length, and weigh the same.
      assert.ok(Math.abs(mean - expected) < 2e-3, `${name}: ${mean} and ${expected}`);
    }
  }
});

Deno.test("results: the table of README and README.ko is that of results/arms-tuned", async () => {
  const rows = await tableOf("results/arms-tuned/equal_costs.csv"),
    all = await tableOf("results/arms-tuned/ablation_results.csv");
  const { choices } = JSON.parse(await read("results/arms-tuned/sweep.json"));
  const most = (axis: string) =>
    Math.max(...rows.filter((row) => row["axis"] === axis).map((row) => Number(row["cost"])));
  const cell = (model: string, axis: string) => {
    const row = rows.find((one) =>
      one["axis"] === axis && one["model"] === model && Number(one["cost"]) === most(axis)
    );
    if (!row?.["low"]) return "**lowest**";
    const [above, low, high] = ["above_best_nats", "low", "high"].map((name) => Number(row[name]).toFixed(3));
    return `${above} (${low} to ${high})`;
  };
  for (const file of ["README.md", "README.ko.md"]) {
    const text = await read(file), seen = [...text.matchAll(/^\| `([\w-]+)` \| (0\.\d+) \| (.*) \|$/gm)];
    assert.equal(seen.length, 5, file);
    for (const [, model = "", rate, cells = ""] of seen) {
      const perplexities = all.filter((row) => row["model"] === model).map((row) =>
        Number(row["pretrain_test_perplexity"])
      );
      const mean = perplexities.reduce((sum, x) => sum + x, 0) / perplexities.length;
      assert.equal(perplexities.length, 8, model);
      assert.equal(Number(rate), choices.find(({ arm }: { arm: string }) => arm === model)?.point["pretraining.rate"]);
      assert.deepEqual(cells.split(" | "), [
        mean.toFixed(1),
        ...["tokens", "flops", "seconds"].map((axis) => cell(model, axis)),
      ]);
    }
  }
});

Deno.test("results: README and README.ko say by how much the parallel hybrid is behind at each length", async () => {
  const rows = await tableOf("results/arms-tuned/equal_costs.csv");
  const gaps = rows.filter((row) => row["axis"] === "tokens" && row["model"] === "hymba")
    .map((row) => Number(row["above_best_nats"])).map((gap) => gap.toFixed(gap < 0.1 ? 3 : 2));
  assert.equal(gaps.length, 4);
  for (const file of ["README.md", "README.ko.md"]) {
    const text = await read(file), places = gaps.map((gap) => text.indexOf(gap));
    assert.ok(places.every((place) => place > 0), `${file}: ${gaps}`);
  }
});

Deno.test("results: README and README.ko say how fast a token is beside PyTorch, as the committed file does", async () => {
  type Side = { name: string; threads: number; rounds: readonly { processor: number }[] };
  const { models } = JSON.parse(await read("results/bench/decode-torch-small.json")) as {
    models: readonly { model: string; sides: readonly Side[] }[];
  };
  const ratioOf = (model: string) => {
    const sides = models.find((one) => one.model === model)!.sides.filter(({ threads }) => threads === 1);
    const [own, torch] = ["hymba", "torch"].map((name) => sides.find((side) => side.name === name)!.rounds);
    return own!.reduce((sum, { processor }, i) => sum + torch![i]!.processor / processor, 0) / own!.length;
  };
  const cells = ["mamba", "hymba", "transformer-global"].map((model) => ratioOf(model).toFixed(1)).join(" | ");
  for (const file of ["README.md", "README.ko.md"]) {
    assert.match(
      await read(file),
      new RegExp(`^\\| PyTorch 1\\.13, [^|]* \\| ${cells.replaceAll("|", "\\|")} \\|`, "m"),
      file,
    );
  }
});

Deno.test("results: the order of models at equal arithmetic and at equal time is the same at all three widths", async () => {
  const orderOf = async (folder: string, axis: string) => {
    const rows = (await tableOf(`results/${folder}/equal_costs.csv`)).filter((row) => row["axis"] === axis);
    const most = Math.max(...rows.map((row) => Number(row["cost"])));
    return rows.filter((row) => Number(row["cost"]) === most).map((row) => ({ ...row }))
      .sort((a, b) => Number(a["loss_nats"]) - Number(b["loss_nats"])).map((row) => row["model"]);
  };
  const [first, second, ...rest] = ["mamba", "hybrid-sequential", "hymba", "transformer-local", "transformer-global"];
  const [hymba, local, global] = rest;
  for (const folder of ["arms-tuned-32", "arms-tuned", "arms-tuned-96"]) {
    assert.deepEqual(await orderOf(folder, "flops"), [first, second, ...rest], folder);
    assert.deepEqual(await orderOf(folder, "seconds"), [first, second, local, hymba, global], folder);
  }
});

Deno.test("results: results/README says how close the first two are at width 96, and how wide its speeds are", async () => {
  const rows = (await tableOf("results/arms-tuned-96/equal_costs.csv")).filter((row) => row["axis"] === "seconds");
  const most = Math.max(...rows.map((row) => Number(row["cost"])));
  const second = rows.find((row) => Number(row["cost"]) === most && row["model"] === "hybrid-sequential");
  const [above, low, high] = ["above_best_nats", "low", "high"].map((name) => Number(second?.[name]).toFixed(3));
  const text = await read("results/README.md");
  assert.ok(text.includes(`cannot be distinguished (${above}, ${low} to ${high})`));
  const [, width] = /are at most (\d+) % wide/.exec(await read("results/arms-tuned-96/detailed_metrics.txt"))!;
  assert.ok(text.includes(`were measured at the end, within ${width} %`));
});

Deno.test("results: docs/analyses.md says what the preference task found", async () => {
  const rows = await tableOf("results/preference-mamba/preference_task.csv");
  const text = (await read("docs/analyses.md")).replaceAll("−", "-");
  const last = (name: string) => rows.find((row) => row["model"] === name && row["steps"] === "100")!;
  const percent = (row: Record<string, string> | undefined, column = "share") =>
    (100 * Number(row![column])).toFixed(1);
  const stage1 = rows.find((row) => row["model"] === "stage-1");
  assert.ok(text.includes(`${percent(stage1)} % of the samples of stage 1`));
  assert.ok(text.includes(`(${percent(stage1, "share_low")} to ${percent(stage1, "share_high")})`));
  const zero = rows.find((row) => row["model"] === "beta-0" && row["steps"] === "50");
  assert.ok(text.includes(`comes to ${percent(zero)} % after 50 updates and ${percent(last("beta-0"))} % after 100`));
  for (const beta of ["0.1", "0.3", "1", "3"]) {
    const row = last(`beta-${beta}`),
      [more, low, high] = ["over_beta_0", "over_beta_0_low", "over_beta_0_high"]
        .map((column) => Number(row[column]).toFixed(3));
    assert.match(text, new RegExp(`${beta.replace(".", "\\.")} adds ${more} (to that )?\\(${low} to ${high}\\)`));
  }
  const { share, kl_nats, loss_nats } = last("beta-3");
  assert.ok(text.includes(`${(100 * Number(share)).toFixed(1)} % of its samples`));
  assert.ok(
    text.includes(
      `a KL of ${Number(kl_nats).toFixed(3)} and a loss ${
        (Number(loss_nats) - Number(stage1!["loss_nats"])).toFixed(3)
      } above`,
    ),
  );
  const three = last("beta-3"),
    [more, low, high] = ["over_beta_0", "over_beta_0_low", "over_beta_0_high"]
      .map((column) => Number(three[column]).toFixed(3));
  assert.ok((await read("README.md")).includes(`${more} (${low} to ${high}) at β = 3`));
  assert.ok((await read("README.ko.md")).includes(`β = 3에서는 ${more}(${low}에서 ${high})`));
  const shuffled = rows.filter((row) => row["labels"] === "shuffled" && row["steps"] === "100").map((row) =>
    percent(row)
  );
  assert.ok(text.includes(`(${shuffled.toSorted()[0]} to ${shuffled.toSorted().at(-1)} %)`), shuffled.join());
});

Deno.test("results: results/README says what the factors do and how far the roadmap goes", async () => {
  const text = await read("results/README.md"),
    words = (await read("results/factorial/detailed_metrics.txt")).replaceAll(/\s+/g, " ");
  for (
    const [what, start] of [["Meta tokens lower the loss", "lower the loss"], [
      "Shared keys and values raise the loss",
      "raises it",
    ]]
  ) {
    const [, mean, low, high] = new RegExp(`${what} by ([\\d.]+) nats per token, 95 % interval ([\\d.]+) to ([\\d.]+)`)
      .exec(words)!;
    assert.ok(text.includes(`${start} by ${mean} (${low} to ${high})`), what);
    assert.ok((await read("README.md")).includes(`${start} by ${mean} (${low} to ${high})`), what);
    assert.ok((await read("README.ko.md")).includes(`${mean}(${low}에서 ${high})`), what);
  }
  assert.match(words, /Windows: equal within the margin of 0\.02/);
  const roadmap = (await read("results/roadmap/detailed_metrics.txt")).replaceAll(/\s+/g, " ");
  const found = /Test perplexity after the last stage, lowest first: ([^]*?)\. •/.exec(roadmap)![1]!.split(", ");
  const of = (model: string) => found.find((one) => one.startsWith(`${model} `))?.split(" ")[1];
  assert.ok(text.includes(`(${of("b1-wide-values")} to ${of("b2-parallel")})`), found.join());
  const later = ["b3-branch-norms", "b4-inner-norms", "c-local-global", "d-sharing", "e-meta"].map((model) =>
    Number(of(model))
  );
  assert.ok(text.includes(`between ${Math.min(...later).toFixed(1)} and ${Math.max(...later).toFixed(1)}`));
});

Deno.test("results: README and README.ko say what blame found", async () => {
  for (const folder of ["blame-mamba-hymba", "blame-transformer-hymba"]) {
    const { changes: [{ change, share: { mean, interval } }] } = JSON.parse(await read(`results/${folder}/blame.json`));
    assert.match(change, /^archType/);
    const [share = "", ...ends] = [mean, ...interval].map((nats: number) => Math.abs(nats).toFixed(3));
    const [low, high] = ends.toSorted();
    assert.ok((await read("README.md")).includes(`${share} (${low} to ${high})`), folder);
    assert.ok((await read("README.ko.md")).includes(`${share}(${low}에서 ${high})`), folder);
  }
});

Deno.test("results: the table of widths is that of the studies", async () => {
  const text = await Deno.readTextFile(DOCUMENT);
  assert.match(text, /<!-- widths -->\n\| width [^]*<!-- end -->/);
  assert.equal(withTable(text, await widthsTable()), text, "run: deno run -A tests/report/widths_table.ts");
});

Deno.test("results: the table of recall is that of the trainings", async () => {
  const text = await Deno.readTextFile(RECALL);
  assert.match(text, /<!-- recall -->\n\| pairs [^]*<!-- end -->/);
  assert.equal(withRecallTable(text, await recallTable()), text, "run: deno run -A tests/report/recall_table.ts");
});

Deno.test("README: at most 150 lines, and README.ko has the same commands and blocks of code", async () => {
  const [english, korean] = [await read("README.md"), await read("README.ko.md")];
  assert.ok(english.split("\n").length <= 150, `${english.split("\n").length} lines`);
  const code = (text: string) => [...text.matchAll(/^(?: {4}.*|```[^]*?^```)$/gm)].map(([block]) => block);
  assert.deepEqual(code(korean), code(english));
  assert.ok(code(english).length >= 8);
});
