// Sigmoid, SiLU and softplus without overflow, and without WGSL's log, which is off by 1e-7 absolutely near 1.

/// Whether x is NaN, by its bits. On some drivers exp, min and max turn a NaN into a number, and compilers may assume in
/// comparisons that no value is NaN.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn is_nan4(x: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(x) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

/// 1 / (1 + e^−x) from e^−|x|, which never overflows.
fn sigmoid4(x: vec4f) -> vec4f {
  let e = exp(-abs(x));
  return select(e, vec4f(1.0), x >= vec4f(0.0)) / (1.0 + e);
}

fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

/// d (x · σ(x)) / dx, where s = σ(x).
fn silu_derivative4(x: vec4f, s: vec4f) -> vec4f {
  return s * (1.0 + x * (1.0 - s));
}

fn silu_derivative(x: f32, s: f32) -> f32 {
  return s * (1.0 + x * (1.0 - s));
}

/// log(1 + e) for e in [0, 1] as 2 · artanh(e / (2 + e)): eight terms of its series have an error of 3e-9 there.
fn log1p_unit4(e: vec4f) -> vec4f {
  let s = e / (2.0 + e);
  let q = s * s;
  let tail = q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q * (1.0 / 13.0 + q * (1.0 / 15.0)))));
  return 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + tail)));
}

/// log(1 + e^x) = max(x, 0) + log(1 + e^−|x|).
fn softplus4(x: vec4f) -> vec4f {
  return select(max(x, vec4f(0.0)) + log1p_unit4(exp(-abs(x))), x, is_nan4(x));
}
