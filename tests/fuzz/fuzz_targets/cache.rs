#![no_main]

dlr_fuzz::target!(cache, sealed_cache);
