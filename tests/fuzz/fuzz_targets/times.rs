#![no_main]

dlr_fuzz::target!(times);
