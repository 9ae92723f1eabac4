//! Claims about data sets that cross files: what is refused and with which words, that every way to the data
//! gives the same data, and that no cache file, however damaged, changes them.

mod arrays;
mod bad_files;
mod cache;
mod fixture;
mod folders;
mod good_files;
mod mnist;
mod pictures;
