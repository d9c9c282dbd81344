/** Colours of a heat map, from dark violet to yellow. Their order shows in grey, too, and with colour blindness. */
import { at } from "../lists.ts";
import type { Rgb } from "./chart/canvas.ts";

/** Nine points of the palette "viridis" of matplotlib (van der Walt and Smith, 2015; public domain). */
const STOPS = [
  [68, 1, 84],
  [71, 45, 123],
  [59, 82, 139],
  [44, 114, 142],
  [33, 145, 140],
  [40, 174, 128],
  [94, 201, 98],
  [173, 220, 48],
  [253, 231, 37],
] as const;

/** Less, the same, and more. Grey prints show the order, too, because each colour is lighter than the one before. */
const CHANGE_STOPS = [[8, 29, 88], [40, 90, 160], [150, 150, 150], [236, 180, 60], [255, 240, 130]] as const;

/** The colour of a share, which is clipped to 0 to 1. */
export const viridis = (share: number): Rgb => between(STOPS, share);

/** The colour of a change, which is clipped to −1 to 1: dark blue for less, grey for no change, light yellow for more. */
export const changeColour = (change: number): Rgb => between(CHANGE_STOPS, (1 + change) / 2);

function between(stops: readonly (readonly [number, number, number])[], share: number): Rgb {
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(place)), from = at(stops, low), to = at(stops, low + 1);
  const mixed = (channel: 0 | 1 | 2) => Math.round(from[channel] + (place - low) * (to[channel] - from[channel]));
  return [mixed(0), mixed(1), mixed(2)];
}
