//! Makes builds independent of what DATABASE_URL happens to be: queries are checked against `.sqlx`, not a live database.
//!
//! `./prepare` sets `SQLX_OFFLINE=false` to check them against a migrated database instead.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=.sqlx");
    println!("cargo:rerun-if-env-changed=SQLX_OFFLINE");
    if std::env::var_os("SQLX_OFFLINE").is_none() {
        println!("cargo:rustc-env=SQLX_OFFLINE=true");
    }
}
