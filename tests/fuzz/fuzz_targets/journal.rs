#![no_main]

dlr_fuzz::target!(journal, sealed_journal);
