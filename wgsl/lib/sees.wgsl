// The mask of causal attention: query t sees key s when s ≤ t and (WINDOW = 0 or t − s < WINDOW or s < META). From the kernel's block Run: WINDOW,
// the number of keys that a query sees including its own (0: all keys before it); META, the number of leading positions that every later query sees.

/// Four queries and four keys at once. Signed integers, because software adapters compare them ten times as fast as unsigned ones.
fn sees4(t: vec4i, s: vec4i) -> vec4<bool> {
  let behind = t - s;
  let window = select(i32(run.WINDOW), 0x7fffffff, run.WINDOW == 0);
  let near = (behind >= vec4i()) & (behind < vec4i(window));
  let prefix = (s < vec4i(i32(run.META))) & (s <= t);
  return near | prefix;
}

fn sees(t: u32, s: u32) -> bool {
  return sees4(vec4i(i32(t)), vec4i(i32(s))).x;
}
