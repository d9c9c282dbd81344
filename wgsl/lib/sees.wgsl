// The mask of causal attention: query t sees key s when s ≤ t and (WINDOW = 0 or t − s < WINDOW or s < META).
override WINDOW: u32; // keys that a query sees, itself included; 0: all before it
override META: u32;   // leading positions that every later query sees

fn sees(t: u32, s: u32) -> bool {
  return s <= t && (WINDOW == 0 || t - s < WINDOW || s < META);
}
