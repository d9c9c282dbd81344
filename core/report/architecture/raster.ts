/** Draws an SVG with the bundled typeface. */
import { canvasOf, DENSITY } from "../chart/canvas.ts";

/** A drawing and the size that it declares. */
export interface SvgSheet {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

/** An SVG as PNG. */
export async function pngOf({ svg, width, height }: SvgSheet): Promise<Uint8Array> {
  const { loadImage } = await import("@napi-rs/canvas");
  const canvas = await canvasOf(width * DENSITY, height * DENSITY);
  // The rasteriser draws an SVG at the width and height that it declares.
  const sized = svg.replace(
    /width="\d+(\.\d+)?" height="\d+(\.\d+)?"/,
    `width="${canvas.width}" height="${canvas.height}"`,
  );
  canvas.getContext("2d").drawImage(await loadImage(new TextEncoder().encode(sized)), 0, 0);
  return await canvas.encode("png");
}
