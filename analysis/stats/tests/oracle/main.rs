//! Every method against numbers that other programs computed; the scripts are in `oracle/`.

mod check;
mod dist;
mod fixed;
