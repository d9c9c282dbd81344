/**
 * This folder: the page of `hymba serve`, which runs in the browser with the same engine and kernels.
 * The page of a run. The address selects the visible part.
 */
import { useEffect, useState } from "preact/hooks";
import { fetchJson } from "./fetched.ts";
import { Playground } from "./playground.tsx";
import { Training } from "./training.tsx";
import type { ProgressView, StudyView } from "./views.ts";
import { wordsOf } from "./words.ts";

/** Milliseconds between two questions for the progress of a study. */
const ASK_EVERY = 2000;

/** The parts of the page. Those behind the first two use the trained models. */
const PARTS = [
  ["training", "Training"],
  ["report", "Report"],
  ["write", "Write"],
  ["attention", "Attention"],
  ["states", "States"],
  ["surprise", "Surprise"],
] as const;

type PartName = typeof PARTS[number][0];

function Report({ ready }: { ready: boolean }) {
  if (!ready) return <p>The report is made when the first model is done.</p>;
  return <iframe title="The report of this run" src="report.html" sandbox="allow-scripts" />;
}

/** The part that the address names. */
function usePart(): PartName {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return PARTS.find(([name]) => `#${name}` === hash)?.[0] ?? "training";
}

interface Known {
  readonly study?: StudyView;
  readonly progress?: ProgressView;
  /** Why the newest question had no answer. */
  readonly problem?: string;
}

/** The study, and its progress as it grows. */
function useRun(): Known {
  const [known, setKnown] = useState<Known>({});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined, over = false;
    const ask = async (study?: StudyView) => {
      let found: StudyView | undefined = study, progress: ProgressView | undefined, problem: string | undefined;
      try {
        found ??= await fetchJson<StudyView>("study.json");
        progress = await fetchJson<ProgressView>("progress.json");
      } catch (error) {
        problem = wordsOf(error);
      }
      if (over) return;
      setKnown((before) => ({ study: found, progress: progress ?? before.progress, problem }));
      if (problem || (found?.live && !progress?.finished)) timer = setTimeout(() => ask(found), ASK_EVERY);
    };
    ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, []);
  return known;
}

/** The chosen part. The playground is kept, so that its texts are still there when the reader returns. */
function Shown({ part, study, progress }: { part: PartName; study: StudyView; progress: ProgressView }) {
  const plays = part !== "training" && part !== "report";
  return (
    <>
      {part === "training" && <Training study={study} progress={progress} />}
      {part === "report" && <Report ready={progress.cells.some(({ state }) => state === "done")} />}
      <div hidden={!plays}>
        {progress.models.length > 0
          ? <Playground part={part} study={study} progress={progress} />
          : <p>The models can be used when the first one is trained.</p>}
      </div>
    </>
  );
}

export function App() {
  const { study, progress, problem } = useRun(), part = usePart();
  return (
    <>
      <header>
        <h1>hymba</h1>
        <p class="faint">{study?.title ?? "reading the run …"}</p>
        <nav aria-label="Parts of the page">
          {PARTS.map(([name, title]) => (
            <a href={`#${name}`} key={name} aria-current={name === part ? "page" : undefined}>{title}</a>
          ))}
        </nav>
      </header>
      <main>
        {problem && <p class="warning" role="alert">{problem}</p>}
        {study?.warning && <p class="warning">{study.warning}</p>}
        {study && progress && <Shown part={part} study={study} progress={progress} />}
      </main>
    </>
  );
}
