#![no_main]

dlr_fuzz::target!(idx);
