/** The page's colours for pictures that are drawn on a canvas, which style sheets do not reach. */
import { useEffect, useState } from "preact/hooks";

export interface Colours {
  readonly ink: string;
  readonly faint: string;
  readonly rule: string;
  readonly accent: string;
}

function current(): Colours {
  const style = getComputedStyle(document.documentElement), of = (name: string) => style.getPropertyValue(name).trim();
  return { ink: of("--ink"), faint: of("--faint"), rule: of("--rule"), accent: of("--accent") };
}

/** The colours of the page, light or dark. */
export function useColours(): Colours {
  const [colours, setColours] = useState(current);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)"), follow = () => setColours(current());
    dark.addEventListener("change", follow);
    return () => dark.removeEventListener("change", follow);
  }, []);
  return colours;
}
