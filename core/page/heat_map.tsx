/** A heat map whose cells can be chosen with the mouse or the arrow keys. A line below describes the cell. */
import { useEffect, useRef, useState } from "preact/hooks";
import { viridis } from "../report/colour_map.ts";
import { useColours } from "./colours.ts";

export interface HeatMapProps {
  readonly label: string;
  /** The map is drawn again when one of these changes. */
  readonly drawnFor: readonly unknown[];
  readonly rows: number;
  readonly columns: number;
  /** The share of the colour scale of a cell, 0 to 1; undefined for a cell that is hidden. */
  share(row: number, column: number): number | undefined;
  /** The description of a cell. */
  about(row: number, column: number): string;
  /** Separators before this row and this column. */
  readonly border?: { readonly row?: number; readonly column?: number };
  /** Called when a cell is chosen. */
  onChoose?(row: number, column: number): void;
}

/** Pixels of a cell: small maps get large cells. */
const cellOf = ({ rows, columns }: HeatMapProps) =>
  Math.max(1, Math.min(12, Math.floor(720 / Math.max(rows, columns))));

/** One pixel for each cell; hidden ones are transparent. */
function pixelsOf({ rows, columns, share }: HeatMapProps): ImageData {
  const pixels = new ImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const own = share(row, column);
      if (own !== undefined) pixels.data.set([...viridis(own), 255], 4 * (row * columns + column));
    }
  }
  return pixels;
}

function draw(canvas: HTMLCanvasElement, map: HeatMapProps, { hidden, line }: { hidden: string; line: string }): void {
  const cell = cellOf(map), small = new OffscreenCanvas(map.columns, map.rows);
  small.getContext("2d")?.putImageData(pixelsOf(map), 0, 0);
  canvas.width = map.columns * cell;
  canvas.height = map.rows * cell;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.imageSmoothingEnabled = false;
  context.fillStyle = hidden;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  context.fillStyle = line;
  const { row = 0, column = 0 } = map.border ?? {};
  if (row > 0) context.fillRect(0, row * cell - 1, canvas.width, 2);
  if (column > 0) context.fillRect(column * cell - 1, 0, 2, canvas.height);
}

const STEPS: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
};

const within = (value: number, count: number) => Math.max(0, Math.min(count - 1, value));

/** Where a cell is in its map. */
const placeOf = ({ rows, columns }: HeatMapProps, row: number, column: number) => ({
  left: `${100 * column / columns}%`,
  top: `${100 * row / rows}%`,
  width: `${100 / columns}%`,
  height: `${100 / rows}%`,
});

export function HeatMap(map: HeatMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null), colours = useColours();
  const label = `${map.label}; arrow keys choose a cell`;
  const [cell, setCell] = useState<readonly [number, number]>([0, 0]);
  const row = within(cell[0], map.rows), column = within(cell[1], map.columns);
  useEffect(() => {
    if (canvas.current) draw(canvas.current, map, { hidden: colours.rule, line: colours.accent });
  }, [...map.drawnFor, colours]);
  const choose = (to: readonly [number, number]) => {
    setCell(to);
    map.onChoose?.(...to);
  };
  const point = ({ offsetX, offsetY }: MouseEvent) => {
    const { clientWidth = 1, clientHeight = 1 } = canvas.current ?? {};
    choose([
      within(Math.floor(offsetY / clientHeight * map.rows), map.rows),
      within(Math.floor(offsetX / clientWidth * map.columns), map.columns),
    ]);
  };
  const move = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    choose([within(row + step[0], map.rows), within(column + step[1], map.columns)]);
  };
  return (
    <>
      <div class="map" tabIndex={0} role="application" aria-label={label} onKeyDown={move}>
        <canvas ref={canvas} onMouseMove={point} onClick={point} />
        <span class="cell" style={placeOf(map, row, column)} />
      </div>
      <p class="readout" aria-live="polite">{map.about(row, column)}</p>
    </>
  );
}
