#![no_main]

dlr_fuzz::target!(gzip);
