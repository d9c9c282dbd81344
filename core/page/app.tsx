/** The page of a run: its parts, of which the address names the one that is shown. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { fetchJson } from "./fetched.ts";
import { Training } from "./training.tsx";
import type { ProgressView, StudyView } from "./views.ts";

/** Milliseconds between two questions for the progress of a study. */
const ASK_EVERY = 2000;

interface Part {
  readonly name: string;
  readonly title: string;
  show(study: StudyView, progress: ProgressView): ComponentChildren;
}

const PARTS: readonly Part[] = [
  { name: "training", title: "Training", show: (study, progress) => <Training study={study} progress={progress} /> },
  {
    name: "report",
    title: "Report",
    show: (_, { cells }) => <Report ready={cells.some(({ state }) => state === "done")} />,
  },
];

function Report({ ready }: { ready: boolean }) {
  if (!ready) return <p>The report is made when the first model is done.</p>;
  return <iframe title="The report of this run" src="report.html" sandbox="allow-scripts" />;
}

/** What an error says to the reader. */
const wordsOf = (error: unknown): string => error instanceof Error ? error.message : String(error);

/** The part that the address names. */
function usePart(): Part | undefined {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return PARTS.find(({ name }) => `#${name}` === hash) ?? PARTS[0];
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

export function App() {
  const { study, progress, problem } = useRun(), part = usePart();
  return (
    <>
      <header>
        <h1>hymba</h1>
        <p class="faint">{study?.title ?? "reading the run …"}</p>
        <nav aria-label="Parts of the page">
          {PARTS.map(({ name, title }) => (
            <a href={`#${name}`} key={name} aria-current={name === part?.name ? "page" : undefined}>{title}</a>
          ))}
        </nav>
      </header>
      <main>
        {problem && <p class="warning" role="alert">{problem}</p>}
        {study?.warning && <p class="warning">{study.warning}</p>}
        {study && progress && part?.show(study, progress)}
      </main>
    </>
  );
}
