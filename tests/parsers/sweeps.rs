//! Every byte of a valid file in turn is another, and the file ends after every byte.

use crate::checks::{self, Check};
use crate::samples;

/// Checks all changes of `valid`, which are as many as they should be, and gives the numbers of those that were accepted and
/// refused.
fn sweep(check: Check, valid: &[u8]) -> (usize, usize) {
    assert!(check(valid), "the valid file is refused");
    let (mut accepted, mut refused) = (0, 0);
    let mut try_out = |bytes: &[u8]| *if check(bytes) { &mut accepted } else { &mut refused } += 1;
    for at in 0..valid.len() {
        try_out(&valid[..at]);
        let byte = valid[at];
        let flipped = (0..8).map(|bit| byte ^ 1 << bit);
        for other in flipped.chain([0x00, 0xff, !byte]) {
            let mut bytes = valid.to_vec();
            bytes[at] = other;
            try_out(&bytes);
        }
    }
    (accepted, refused)
}
macro_rules! sweeps {
    ($($name:ident: $check:ident, $valid:expr, $least:literal bytes;)*) => {$(
        #[test]
        fn $name() {
            let valid = Vec::from($valid);
            assert!(valid.len() >= $least, "only {} bytes", valid.len());
            let (accepted, refused) = sweep(checks::$check, &valid);
            println!("{} bytes: {accepted} changes accepted, {refused} refused", valid.len());
        }
    )*};
}

sweeps! {
    images: idx, samples::images(), 28 bytes;
    labels: idx, samples::labels(), 13 bytes;
    gzip: gzip, samples::gzip(), 60 bytes;
    compressed: gzip, samples::compressed(), 60 bytes;
    sealed_cache: sealed_cache, samples::cache(), 1000 bytes;
    model: model, samples::model(), 300 bytes;
    checkpoint: checkpoint, samples::checkpoint_file(), 2000 bytes;
    journal: journal, samples::journal(), 600 bytes;
    records: records, samples::record(), 1000 bytes;
    png: png, samples::png(), 60 bytes;
    baseline: baseline, samples::baseline(), 300 bytes;
    times: times, samples::times(), 80 bytes;
}
