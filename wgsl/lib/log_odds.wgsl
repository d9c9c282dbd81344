// Logarithms that are accurate near zero, where the built-in log has an absolute error of 1e-7.

// log(1 + u) for −½ ≤ u ≤ 1, as 2·atanh(u / (2 + u)); relative error below 1e-6.
fn log1p_near(u: f32) -> f32 {
  let s = u / (2.0 + u);
  let q = s * s;
  return 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q / 13.0))))));
}

// exp(x) − 1 for −ln 2 ≤ x ≤ 0 from its series; relative error below 1e-6.
fn expm1_near(x: f32) -> f32 {
  var sum = 1.0;
  for (var n = 11.0; n > 1.5; n -= 1.0) {
    sum = 1.0 + x / n * sum;
  }
  return x * sum;
}

const LN2 = 0.69314718056;

// log(1 − exp(x)) for x < 0.
fn log1mexp(x: f32) -> f32 {
  if (x < -LN2) {
    return log1p_near(-exp(x));
  }
  return log(-expm1_near(x));
}

// 1 − exp(x) for x < 0.
fn one_minus_exp(x: f32) -> f32 {
  if (x < -LN2) {
    return 1.0 - exp(x);
  }
  return -expm1_near(x);
}

// log(1 / (1 + exp(−x))).
fn log_sigmoid(x: f32) -> f32 {
  return min(x, 0.0) - log1p_near(exp(-abs(x)));
}
