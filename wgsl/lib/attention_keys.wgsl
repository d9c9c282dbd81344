// The keys that a block of queries visits: the meta tokens before the first query's window, then all keys from that window to the last query. Tiles
// of keys that no query of the block sees are skipped: work is proportional to T·(WINDOW + META), or to T²/2 without a window.
struct Keys {
  meta_end: u32, // end of the meta tokens; 0 if there are none before the window
  window_start: u32,
  end: u32,
}

fn keys_of(block: Block) -> Keys {
  let window_start = select(max(block.first + 1, run.WINDOW) - run.WINDOW, 0, run.WINDOW == 0);
  return Keys(min(run.META, window_start), window_start, block.last + 1);
}

fn first_key(keys: Keys) -> u32 {
  return select(keys.window_start, 0, keys.meta_end > 0);
}

/// The tile that begins at key s.
fn key_tile(keys: Keys, s: u32) -> Tile {
  return tile_of(s, select(keys.end, keys.meta_end, s < keys.meta_end));
}

/// The first key of the tile after the one that begins at key s.
fn next_key(keys: Keys, s: u32) -> u32 {
  return select(s + TILE, keys.window_start, s < keys.meta_end && s + TILE >= keys.meta_end);
}
