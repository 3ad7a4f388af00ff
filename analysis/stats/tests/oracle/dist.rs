use kerf_stats::dist::{beta, chi_squared, normal, student};

use crate::check::check;

#[test]
fn distribution_functions_have_their_certified_values() {
    check("dist", |kind, input| {
        let n = |name| input.number(name);
        let value = match kind {
            "normal_sf" => normal::sf(n("z")),
            "normal_ln_sf" => normal::ln_sf(n("z")),
            "normal_upper_quantile" => normal::upper_quantile(n("p"))?,
            "student_sf" => student::sf(n("t"), n("df"))?,
            "student_upper_quantile" => student::upper_quantile(n("p"), n("df"))?,
            "chi_squared_sf" => chi_squared::sf(n("x"), n("df") as u32)?,
            "beta_tails" => {
                let (lower, upper) = beta::tails(n("a"), n("b"), n("x"), 1.0 - n("x"))?;
                lower.min(upper)
            }
            "beta_quantile" => beta::quantile(n("p"), n("a"), n("b"))?,
            other => panic!("unknown kind {other}"),
        };
        Ok(vec![("value", Some(value))])
    });
}
