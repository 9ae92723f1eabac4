//! Claims about the program as its users meet it: the real binary, its output, its exit codes, and the files that it
//! leaves behind.

mod data;
mod determinism;
mod failures;
mod helpers;
mod models;
mod options;
mod profile;
mod reproduce;
mod results;
mod runs;
mod signals;
mod sweep;
