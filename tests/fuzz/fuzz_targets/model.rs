#![no_main]

dlr_fuzz::target!(model);
