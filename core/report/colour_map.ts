/** Colours of a heat map: dark violet for little, yellow for much; they stay in order in grey and for colour-blind eyes. */

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

/** Red, green and blue, 0 to 255, of a share from 0 to 1; outside of it the nearer end. */
export function viridis(share: number): [red: number, green: number, blue: number] {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1), low = Math.min(STOPS.length - 2, Math.floor(at));
  const [from, to, part] = [STOPS[low]!, STOPS[low + 1]!, at - low];
  const mixed = (channel: 0 | 1 | 2) => Math.round(from[channel] + part * (to[channel] - from[channel]));
  return [mixed(0), mixed(1), mixed(2)];
}
