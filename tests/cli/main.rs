//! Claims about the program as its users meet it: the real binary, its output, its exit codes, and the files that it
//! leaves behind.

mod checkpoint;
mod data;
mod determinism;
mod divergence;
mod evaluate;
mod failures;
mod faults;
mod helpers;
mod models;
mod numbers;
mod options;
mod output;
mod pages;
mod predict;
mod profile;
mod reproduce;
mod results;
mod runs;
mod settings_file;
mod signals;
mod sweep;
mod verify;
