/** How far a study is: time, a line for each model, curves and samples. */
import { duration, fixed, percent, short, whole } from "../report/format.ts";
import { LineChart } from "./line_chart.tsx";
import type { CellView, ProgressView, SampleView, StudyView } from "./views.ts";
import { STAGE_WORDS } from "./words.ts";

function Time({ progress: { finished, share, left_s, cells } }: { progress: ProgressView }) {
  const running = cells.find(({ state }) => state === "training");
  const now = running
    ? `${running.arm}, seed ${running.seed}, ${running.stage ? STAGE_WORDS[running.stage] : ""}: step ${
      whole(running.step)
    } of ${whole(running.steps)}`
    : "between two models";
  const words = finished
    ? "The study is finished."
    : `${percent(share)} of the training is done. ${
      left_s === undefined ? "" : `About ${duration(left_s)} of training are left, at the speeds so far. `
    }Now: ${now}.`;
  return (
    <>
      <p>{words}</p>
      {!finished && <progress aria-label="Share of the training that is done" value={share} max={1} />}
    </>
  );
}

function Row({ cell, colour }: { cell: CellView; colour?: string }) {
  const state = cell.state === "training" ? cell.stage && STAGE_WORDS[cell.stage] : cell.state;
  return (
    <tr>
      <td>
        <span class="swatch" style={{ background: colour }} />
        {cell.arm}
      </td>
      <td>{cell.seed}</td>
      <td class="words">{cell.message ? `failed: ${cell.message.split("\n")[0]}` : state}</td>
      <td>{whole(cell.step)} / {whole(cell.steps)}</td>
      <td>{fixed(cell.loss, 3)}</td>
      <td>{fixed(cell.validation, 3)}</td>
      <td>{cell.validation === undefined ? fixed(undefined) : fixed(Math.exp(cell.validation), 1)}</td>
      <td>{short(cell.tokens_per_s)}</td>
    </tr>
  );
}

function Cells({ study, cells }: { study: StudyView; cells: readonly CellView[] }) {
  const colours = new Map(study.arms.map(({ name, look }) => [name, look.colour]));
  const columns = ["model", "seed", "state", "step", "loss", "validation", "perplexity", "tokens/s"];
  return (
    <div class="wide" tabIndex={0} role="region" aria-label="Models">
      <table>
        <thead>
          <tr>
            {columns.map((name) => <th scope="col" class={name === "state" ? "words" : undefined} key={name}>{name}
            </th>)}
          </tr>
        </thead>
        <tbody>
          {cells.map((cell) => <Row key={`${cell.arm} ${cell.seed}`} cell={cell} colour={colours.get(cell.arm)} />)}
        </tbody>
      </table>
    </div>
  );
}

function Samples({ samples }: { samples: readonly SampleView[] }) {
  const groups = [...Map.groupBy(samples, ({ arm, seed }) => `${arm}, seed ${seed}`)];
  if (groups.length === 0) return <p>The first samples are drawn after the first stage.</p>;
  return groups.map(([title, own]) => (
    <details key={title}>
      <summary>{title}: {own.length} samples</summary>
      {own.map(({ stage, prompt, text }, i) => (
        <div key={i}>
          <p class="faint">after {STAGE_WORDS[stage]}</p>
          <pre><strong>{prompt}</strong>{text}</pre>
        </div>
      ))}
    </details>
  ));
}

export function Training({ study, progress }: { study: StudyView; progress: ProgressView }) {
  const charts = progress.charts.filter(({ kind }) => kind === "lines");
  return (
    <>
      <Time progress={progress} />
      <Cells study={study} cells={progress.cells} />
      <div class="grid">{charts.map((chart) => <LineChart key={chart.title} chart={chart} />)}</div>
      <h2>Samples</h2>
      <Samples samples={progress.samples} />
    </>
  );
}
