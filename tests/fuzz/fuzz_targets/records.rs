#![no_main]

dlr_fuzz::target!(records);
